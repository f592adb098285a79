"""What was spent: sums of the ledger by model, provider, project, day, session or agent."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from proxy.contract import UsageReport
from tui import actions
from tui.client import Door, DoorError
from tui.screens.reading import ReadingScreen
from tui.state.lines import EMPTY, Line, Piece, line
from tui.state.spend import GROUPS, PERIODS, since, spend_lines, spend_title
from tui.state.text import clean_line


class SpendScreen(ReadingScreen):
    """Reads the ledger each time the question changes."""

    BINDINGS = [*actions.bindings("spend")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("reading", "spend")

    def __init__(self, keys: actions.Keys, door: Callable[[], Door], clock: Callable[[], float]) -> None:
        super().__init__(keys)
        self._door = door
        self._clock = clock
        self._group = 0
        self._period = 0
        self._report: UsageReport | None = None
        self._trouble = ""

    def on_mount(self) -> None:
        super().on_mount()
        self._ask()

    def title_line(self) -> Line:
        return spend_title(GROUPS[self._group], PERIODS[self._period])

    def lines(self, width: int) -> Sequence[Line]:
        if self._trouble:
            return [EMPTY, line("   ", Piece(clean_line(self._trouble), "bad"))]
        if self._report is None:
            return [EMPTY, line(Piece("   Reading the ledger …", "dim"))]
        return spend_lines(self._report, GROUPS[self._group], width)

    def action_group(self) -> None:
        self._group = (self._group + 1) % len(GROUPS)
        self._ask()

    def action_period(self) -> None:
        self._period = (self._period + 1) % len(PERIODS)
        self._ask()

    def _ask(self) -> None:
        self._report, self._trouble = None, ""
        self.reword()
        self.run_worker(self._read(), group="usage", exclusive=True)

    async def _read(self) -> None:
        begin = since(PERIODS[self._period], self._clock())
        try:
            self._report = await self._door().usage(begin, GROUPS[self._group])
        except DoorError as error:
            self._trouble = str(error)
        self.reword()
