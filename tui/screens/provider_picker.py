"""Pick the provider that the next requests go to; each keeps the model it asks for, under the provider's name."""

from collections.abc import Callable

from proxy import contract as c
from tui import actions
from tui.client import Door, DoorError
from tui.screens.picker import Picker
from tui.state.choices import ProviderChoice, Scope, present_override, provider_choices, provider_line
from tui.state.lines import Line, Piece, line
from tui.state.panel import PanelState
from tui.state.text import clean_line

EVERYTHING = Scope("all traffic")


class ProviderPicker(Picker[ProviderChoice, str]):
    """Answers with the sentence that says what was set."""

    HEADING = "provider for all traffic"

    def __init__(
        self, state: PanelState, keys: actions.Keys, door: Callable[[], Door], clock: Callable[[], float]
    ) -> None:
        super().__init__(keys)
        self._state = state
        self._door = door
        self._clock = clock
        self._trouble = ""

    def entries(self, query: str) -> list[ProviderChoice]:
        return provider_choices(self._state.providers, query)

    def entry_line(self, choice: ProviderChoice, width: int) -> Line:
        return provider_line(choice, width, self._clock(), present=self._is_present(choice))

    def note_lines(self, width: int) -> list[Line]:
        del width
        if self._trouble:
            return [line(" ", Piece(clean_line(self._trouble), "bad"))]
        provider = self.highlighted.provider if self.highlighted else None
        if provider is None:
            return [line(" ", Piece("Removes the override.", "dim"))]
        trouble = provider.key_error or (provider.health_text if provider.health not in ("ok", "unused") else None)
        if trouble:
            return [line(" ", Piece(f"▲ {clean_line(trouble)}", "warn"))]
        return [line(" ", Piece(clean_line(f"{provider.base_url}  {provider.dialect}  {provider.key or ''}"), "dim"))]

    def take(self, choice: ProviderChoice) -> None:
        self.run_worker(self._use(choice), group="use", exclusive=True)

    def _is_present(self, choice: ProviderChoice) -> bool:
        override = present_override(self._state.route, EVERYTHING)
        if override is None or choice.provider is None:
            return override is None and choice.provider is None
        return override.provider == choice.provider.name and override.model is None

    async def _use(self, choice: ProviderChoice) -> None:
        try:
            route = await self._door().use(c.Use(target=choice.target))
        except DoorError as error:
            self._trouble = str(error)
            self.reword()
            return
        self._state.apply(c.RouteChanged(route=route))
        name = choice.provider.name if choice.provider else f"the default provider, {route.default}"
        self.dismiss(clean_line(f"Next requests go to {name}."))
