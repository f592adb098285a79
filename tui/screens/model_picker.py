"""Pick the model that the next requests go to: over all providers, for all traffic, a session or a slot."""

import contextlib
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from proxy import contract as c
from tui import actions
from tui.client import Door, DoorError
from tui.screens.picker import Picker
from tui.state.choices import (
    NOT_COMPARED,
    Compared,
    ModelChoice,
    Scope,
    check_lines,
    is_present,
    list_states,
    model_choices,
    model_line,
    model_titles,
    present_override,
    scopes,
    small_warning,
    with_checks,
    would_cost,
)
from tui.state.formats import short_model
from tui.state.lines import Line, Piece, first_that_fits, line
from tui.state.panel import PanelState
from tui.state.text import clean_line
from tui.state.who import told_apart
from tui.work import begin


class ModelPicker(Picker[ModelChoice, str]):
    """Answers with the sentence that says what was set."""

    BINDINGS = [*actions.bindings("models")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("picker", "models")
    HEADING = "model for"

    def __init__(
        self,
        state: PanelState,
        keys: actions.Keys,
        door: Callable[[], Door],
        session: c.Session | None,
        clock: Callable[[], float],
        *,
        scope: Scope | None = None,
    ) -> None:
        """``scope`` is what the choice is for at first; None: all traffic."""
        super().__init__(keys)
        self._all_keys = keys
        self._state = state
        self._door = door
        self._session = session
        self._clock = clock
        self._scopes = scopes(session, told_apart(session, state.sessions))
        if scope is not None and scope not in self._scopes:
            self._scopes.insert(2, scope)
        self._scope = self._scopes.index(scope) if scope is not None else 0
        self._models: tuple[c.Model, ...] = ()
        self._checked = False
        """Some model was checked."""
        self._listed: tuple[c.Provider, ...] = ()
        self._compared: Compared = NOT_COMPARED
        self._busy = "asking for the models …"
        self._trouble = ""

    @property
    def waits(self) -> bool:
        return bool(self._busy)

    @property
    def scope(self) -> Scope:
        return self._scopes[self._scope]

    def on_mount(self) -> None:
        super().on_mount()
        begin(self, partial(self._load, refresh=False), "models")
        if self._session is not None and self._session.tally.requests:
            begin(self, partial(self._compare, self._session), "compare")

    def entries(self, query: str) -> list[ModelChoice]:
        models = with_checks(self._models, self._state.providers)
        self._checked = any(model.check is not None for model in models)
        return model_choices(models, query, [one.name for one in self._state.providers])

    def entry_line(self, choice: ModelChoice, width: int) -> Line:
        present = is_present(choice, present_override(self._state.route, self.scope))
        return model_line(
            choice,
            width,
            present=present,
            context_tokens=self._context_tokens,
            compared=self._compared,
            checked=self._checked,
        )

    @property
    def _context_tokens(self) -> int:
        return self._session.context_tokens if self._session is not None else 0

    def title_line(self) -> Line:
        pieces = [Piece(f" {self.HEADING}  ", "dim")]
        for index, scope in enumerate(self._scopes):
            chosen = index == self._scope
            text = f"‹{clean_line(scope.label)}›" if chosen else f" {clean_line(scope.label)} "
            pieces.append(Piece(text, "strong" if chosen else "dim", f"screen.scope_at({index})"))
        short = line(pieces[0], Piece(f"‹{clean_line(self.scope.label)}›", "strong", "screen.scope"))
        return first_that_fits((tuple(pieces), short), self.choices.size.width)

    def column_titles(self, width: int) -> Line:
        return model_titles(width, self._compared, checked=self._checked)

    def note_lines(self, width: int) -> list[Line]:
        if self._trouble:
            return [line(" ", Piece(clean_line(self._trouble), "bad"))]
        if self._busy:
            return [line(" ", Piece(self._busy, "dim"))]
        choice = self.highlighted
        warning = small_warning(choice.model, self._session) if choice is not None and choice.model else ""
        lines = [line(" ", Piece(warning, "warn"))] if warning else []
        if choice is not None and choice.model is not None:
            lines += check_lines(choice.model, width, self._clock())
        return [*lines, *list_states(self._listed, width, self._clock())][:4]

    def take(self, choice: ModelChoice) -> None:
        begin(self, partial(self._use, choice), "use")

    def action_scope(self) -> None:
        self.action_scope_at((self._scope + 1) % len(self._scopes))

    def action_scope_back(self) -> None:
        self.action_scope_at((self._scope - 1) % len(self._scopes))

    def action_scope_at(self, index: int) -> None:
        self._scope = index
        self._trouble = ""
        self.choices.refresh()
        self.reword()

    def action_refresh(self) -> None:
        begin(self, partial(self._load, refresh=True), "models")

    def action_favourite(self) -> None:
        choice = self.highlighted
        if choice is not None and choice.model is not None:
            begin(self, partial(self._star, choice.model), "favourite")

    def action_check_model(self) -> None:
        from tui.screens.check import CheckScreen  # noqa: PLC0415  few open it

        choice = self.highlighted
        if choice is None or choice.model is None:
            self._say("Highlight a model to check it; as asked is none.")
        else:
            self.app.push_screen(CheckScreen(self._all_keys, self._door, self._clock, choice.target))

    async def _load(self, *, refresh: bool) -> None:
        self._busy = "asking every provider for its models …"
        self.reword()
        try:
            self._show(await self._door().models(refresh=refresh))
        except DoorError as error:
            self._fail(error)

    async def _compare(self, session: c.Session) -> None:
        """What the session would have cost; without an answer the column stays away."""
        with contextlib.suppress(DoorError):
            self._compared = would_cost(await self._door().what_if(c.Choice(session=session.id)))
            self.choices.refresh()
            self.reword()

    async def _star(self, model: c.Model) -> None:
        command = c.SetFavourite(provider=model.provider, model=model.id, favourite=not model.favourite)
        place = self.choices.cursor
        try:
            self._show(await self._door().set_favourite(command))
        except DoorError as error:
            self._fail(error)
        else:
            self._stay_on(model, place)

    def _stay_on(self, model: c.Model, place: int | None) -> None:
        found = (
            index
            for index, choice in enumerate(self._entries)
            if choice.model is not None and (choice.model.provider, choice.model.id) == (model.provider, model.id)
        )
        self._highlight(next(found, place))

    async def _use(self, choice: ModelChoice) -> None:
        scope = self.scope
        try:
            command = c.Use(target=choice.target, session=scope.session, slot=scope.slot)
            route = await self._door().use(command)
        except DoorError as error:
            self._fail(error)
            return
        self._state.apply(c.RouteChanged(route=route))
        self.dismiss(clean_line(f"Next requests of {scope.label} go to {_where(choice)}."))

    def _show(self, answer: c.ModelList) -> None:
        self._models, self._listed = answer.models, answer.providers
        self._busy = self._trouble = ""
        self.renew(keep=True)

    def _fail(self, error: DoorError) -> None:
        self._say(str(error))

    def _say(self, trouble: str) -> None:
        self._busy, self._trouble = "", trouble
        self.reword()


def _where(choice: ModelChoice) -> str:
    if choice.model is not None:
        return f"{short_model(choice.model.id)} at {choice.model.provider}"
    return choice.typed or "what is asked"
