"""The providers: how each is, what it serves, and the keys that choose, test or rest one."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from proxy import contract as c
from tui import actions
from tui.client import Door, DoorError
from tui.screens.entries import EntriesScreen
from tui.state import provider_view as view
from tui.state.choices import Scope, present_override
from tui.state.formats import duration
from tui.state.lines import Line, Piece, line
from tui.state.panel import PanelState
from tui.state.provider_view import ProviderChoice
from tui.state.text import clean_line
from tui.state.trouble import provider_in_force
from tui.work import begin

EVERYTHING = Scope("all traffic")


class ProvidersScreen(EntriesScreen[ProviderChoice, str]):
    """Answers with the sentence that says which provider was chosen."""

    BINDINGS = [*actions.bindings("providers")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("providers", "entries")

    def __init__(
        self, state: PanelState, keys: actions.Keys, door: Callable[[], Door], clock: Callable[[], float]
    ) -> None:
        super().__init__(keys)
        self._all_keys = keys
        self._state = state
        self._door = door
        self._clock = clock
        self._traffic = view.traffic((), 0.0)

    def entries(self) -> Sequence[ProviderChoice]:
        return view.choices(self._state.providers)

    def reword(self) -> None:
        self._traffic = view.traffic(self._state.requests.newest(), self._clock())
        super().reword()

    def entry_line(self, place: int, entry: ProviderChoice, width: int) -> Line:
        del place
        return view.provider_row(entry, width, self._clock(), self._traffic, present=self._is_present(entry))

    def title_line(self) -> Line:
        return line(
            " ", Piece("providers", "strong"), Piece("   ● serves all traffic that nothing else decides", "dim")
        )

    def column_titles(self, width: int) -> Line:
        return view.provider_titles(width)

    def told_lines(self, width: int) -> list[Line]:
        if (chosen := self.highlighted) is None or chosen.provider is None:
            return view.default_detail(self._state, width)
        return view.provider_detail(chosen.provider, self._traffic, width, self._clock())

    def opened(self) -> None:
        self.action_send_here()

    def action_send_here(self) -> None:
        if (chosen := self.highlighted) is not None:
            begin(self, partial(self._use, chosen), "use")

    def action_test(self) -> None:
        if (provider := self._highlighted_provider()) is not None:
            self.say(f"Testing {provider.name} …", "dim")
            begin(self, partial(self._test, provider.name), "test")

    def action_rest(self) -> None:
        if (provider := self._highlighted_provider()) is not None:
            begin(self, partial(self._rest, provider.name, not provider.resting), "rest")

    def action_check(self) -> None:
        from tui.screens.check import CheckScreen  # noqa: PLC0415  few open it

        if (provider := self._highlighted_provider()) is not None:
            self.app.push_screen(CheckScreen(self._all_keys, self._door, self._clock, provider.name))

    def _highlighted_provider(self) -> c.Provider | None:
        return self.highlighted.provider if self.highlighted is not None else None

    def _is_present(self, choice: ProviderChoice) -> bool:
        override = present_override(self._state.route, EVERYTHING)
        if override is None or choice.provider is None:
            return override is None and choice.provider is None
        return override.provider == choice.provider.name and override.model is None

    def first_place(self) -> int:
        name = provider_in_force(self._state)
        places = (place for place, entry in enumerate(self._entries) if entry.target == name)
        return next(places, 0)

    async def _use(self, choice: ProviderChoice) -> None:
        try:
            route = await self._door().use(c.Use(target=choice.target))
        except DoorError as error:
            self.say(str(error), "bad")
            return
        self._state.apply(c.RouteChanged(route=route))
        name = choice.provider.name if choice.provider else f"the default provider, {route.default}"
        self.dismiss(clean_line(f"Next requests go to {name}."))

    async def _test(self, name: str) -> None:
        try:
            tried = await self._door().try_provider(c.TryProvider(provider=name))
        except DoorError as error:
            self.say(str(error), "bad")
            return
        text = f"{'✓' if tried.ok else '✗'} {tried.text.rstrip('.')} ({duration(tried.duration_ms)})."
        self.say(text, "good" if tried.ok else "bad")

    async def _rest(self, name: str, resting: bool) -> None:
        try:
            await self._door().rest(c.RestProvider(provider=name, resting=resting))
        except DoorError as error:
            self.say(str(error), "bad")
            return
        key = self._keys["rest"]
        rests = f"{name} rests: nothing is sent there. Press {key} to take it back."
        self.say(rests if resting else f"{name} takes requests again.", "good")
