"""Pick an entry for a chain: a provider, a group or a model."""

from collections.abc import Iterable
from dataclasses import dataclass

from proxy import contract as c
from tui import actions
from tui.screens.picker import Picker
from tui.state.choices import ModelChoice, model_choices, model_line, model_titles, named_line, small_warning
from tui.state.fuzzy import score
from tui.state.lines import Line, Piece, line
from tui.state.panel import Dirty, PanelState


@dataclass(frozen=True, slots=True)
class Candidate:
    """What can be added: a model, or the name of a provider or group."""

    target: str
    told: str = ""
    model: ModelChoice | None = None


class ChainPicker(Picker[Candidate, str]):
    """Answers with the text of the entry."""

    def __init__(
        self, state: PanelState, keys: actions.Keys, label: str, session: c.Session | None, models: Iterable[c.Model]
    ) -> None:
        super().__init__(keys)
        self._state = state
        self._label = label
        self._session = session
        self._models = tuple(models)

    def entries(self, query: str) -> list[Candidate]:
        """Names that begin with the query before the models, those that hold it somehow after them."""
        words = query.strip().lower()
        first = [one for one in self._names() if one.target.lower().startswith(words)]
        rest = [one for one in self._names() if one not in first and score(query, one.target) is not None]
        models = model_choices(self._models, query, [one.name for one in self._state.providers])
        listed = [Candidate(choice.target, model=choice) for choice in models if choice.target != c.AS_ASKED]
        return [*first, *listed, *rest]

    def _names(self) -> Iterable[Candidate]:
        for provider in self._state.providers:
            yield Candidate(provider.name, "same model there")
        for name, members in self._state.route.groups.items():
            yield Candidate(name, f"group: {', '.join(members)}")

    def entry_line(self, choice: Candidate, width: int) -> Line:
        if choice.model is not None:
            tokens = self._session.context_tokens if self._session is not None else 0
            return model_line(choice.model, width, present=False, context_tokens=tokens)
        return named_line(choice.target, choice.told, width)

    def title_line(self) -> Line:
        return line(" ", Piece("add to the chain of ", "dim"), Piece(self._label, "strong"))

    def column_titles(self, width: int) -> Line:
        return model_titles(width)

    def note_lines(self, width: int) -> list[Line]:
        del width
        model = self.highlighted.model.model if self.highlighted is not None and self.highlighted.model else None
        warning = small_warning(model, self._session) if model is not None else ""
        return [line(" ", Piece(warning, "warn"))] if warning else []

    def show_models(self, models: Iterable[c.Model]) -> None:
        """The models are there now."""
        self._models = tuple(models)
        if self.is_mounted:
            self.renew(keep=True)

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """Its entries do not move with the traffic."""

    def take(self, choice: Candidate) -> None:
        self.dismiss(choice.target)
