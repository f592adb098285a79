"""The budgets of a session, its project, today and the month: what is left of each, and the keys that grant more."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from proxy import contract as c
from tui import actions
from tui.client import Door, DoorError
from tui.screens.entries import EntriesScreen
from tui.state import budget_view as view
from tui.state import formats as f
from tui.state.lines import EMPTY, Line, Piece, line, wrapped
from tui.state.panel import Dirty
from tui.state.shares import budget_share
from tui.state.text import clean_line
from tui.state.who import told_apart
from tui.work import begin

ASK_S = 2.0
SIMULATED_APART = "Simulated money does not count here, unless count_simulated is set under [budget] in config.toml."

Asking = Literal["grant", "amount"]


class BudgetScreen(EntriesScreen[c.Budget, None]):
    """Asks the engine while it is open: what is spent moves."""

    BINDINGS = [*actions.bindings("budget")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("budget", "entries")

    def __init__(
        self,
        keys: actions.Keys,
        door: Callable[[], Door],
        session: c.Session | None,
        known: Mapping[str, c.Session],
    ) -> None:
        """``session``, of those ``known``, is at hand; None: the engine takes the one that was active last."""
        super().__init__(keys)
        self.amount_label = Label("", id="amount-label")
        self.amount = Input(id="amount", compact=True, select_on_focus=True)
        self._door = door
        self._session_id = (session.id or None) if session is not None else None
        """Whose budgets these are: once it is known, another session that becomes active does not change it."""
        self._known = known
        self._report: c.BudgetReport | None = None
        self._failed = False
        """The engine did not answer last time."""
        self._asking: tuple[Asking, c.Budget] | None = None
        """What the amount that is typed is for."""

    def compose(self) -> ComposeResult:
        yield from (self.heading, self.titles, self.choices)
        yield Horizontal(self.amount_label, self.amount, id="amount-line")
        yield from (self.note, self.told, self.keys_bar)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(ASK_S, self.ask)
        self.ask()

    def ask(self) -> None:
        """Ask how the budgets are; called by a timer."""
        begin(self, self._read, "budgets")

    def entries(self) -> Sequence[c.Budget]:
        return self._report.budgets if self._report is not None else ()

    def entry_line(self, place: int, entry: c.Budget, width: int) -> Line:
        del place
        return view.budget_row(entry, width)

    def title_line(self) -> Line:
        session = self._report.session if self._report is not None else None
        name = told_apart(self._known.get(session), self._known, session) if session else ""
        return view.budget_title(self._report, name, self.size.width)

    def column_titles(self, width: int) -> Line:
        return view.budget_titles(width)

    def told_lines(self, width: int) -> list[Line]:
        if self._report is None and self._failed:
            return []
        if self._report is None:
            return [line(Piece(" Asking the engine …", "dim"))]
        if (budget := self.highlighted) is None:
            return []
        session = self._known.get(self._report.session or "")
        made_up = session is not None and session.simulated and not budget.spent_nano_usd
        remark = wrapped(SIMULATED_APART, width, "dim") if made_up else []
        return [EMPTY, *view.budget_detail(self._report, budget, width, self._keys), *remark]

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None:
        """Only the engine's answers change what is shown."""

    def first_place(self) -> int:
        """The budget that is nearest to its end."""
        shares = [_share(each) for each in self._entries]
        return shares.index(max(shares)) if shares else 0

    def opened(self) -> None:
        self.action_grant()

    def action_grant(self) -> None:
        budget = self.highlighted
        if budget is None:
            return
        if budget.limit_nano_usd is None:
            self.say(
                f"No amount is set here, so there is nothing to grant more of: {self._keys['budget_amount']} sets one."
            )
            return
        text = f"grant more for {view.budget_name(budget)}, dollars:"
        self._ask_amount(("grant", budget), text, view.default_grant(budget))

    def action_budget_amount(self) -> None:
        if (budget := self.highlighted) is not None:
            text = f"{_every(budget)} may cost, dollars (off: no limit):"
            self._ask_amount(("amount", budget), text, view.default_amount(budget))

    def action_let_pass(self) -> None:
        report = self._report
        if report is not None and report.session is not None:
            command = c.PassBudget(session=report.session, passing=not report.passing)
            done = "Budgets stop the session again." if report.passing else "No budget stops the session any more."
            self._command(partial(self._door().pass_budget, command), done)
        else:
            self.say("No session was seen yet, so none can pass.")

    def action_done(self) -> None:
        if self._asking is not None:
            self._stop_asking()
        else:
            self.dismiss(None)

    def _ask_amount(self, what: tuple[Asking, c.Budget], label: str, text: str) -> None:
        self._asking = what
        self.amount_label.update(label)
        self.amount.value = text
        self.add_class("-asking")
        self.amount.focus()

    def _stop_asking(self) -> None:
        self._asking = None
        self.remove_class("-asking")
        self.set_focus(None)

    @on(Input.Submitted, "#amount")
    def _amount_given(self, event: Input.Submitted) -> None:
        if self._asking is None:
            return
        asking, budget = self._asking
        off = asking == "amount" and event.value.strip().lower() in ("off", "none", "")
        try:
            nano_usd = None if off else view.amount(event.value)
        except view.NotAnAmount as error:
            self.say(str(error), "bad")
            return
        self._stop_asking()
        if asking == "amount":
            self._set(budget, nano_usd)
        elif nano_usd is not None:
            self._grant(budget, nano_usd)

    def _grant(self, budget: c.Budget, nano_usd: int) -> None:
        session = budget.name if budget.kind == "session" else None
        project = budget.name if budget.kind == "project" else None
        command = c.GrantBudget(kind=budget.kind, amount_nano_usd=nano_usd, session=session, project=project)
        done = f"{f.limit(nano_usd)} more for {view.budget_name(budget)}. Send the message again in Claude Code."
        self._command(partial(self._door().grant_budget, command), done)

    def _set(self, budget: c.Budget, nano_usd: int | None) -> None:
        project = budget.name if budget.kind == "project" else None
        command = c.SetBudget(kind=budget.kind, amount_nano_usd=nano_usd, project=project)
        what = f.limit(nano_usd) if nano_usd is not None else "as much as it likes"
        self._command(partial(self._door().set_budget, command), f"{_every(budget)} may cost {what} from now on.")

    def _command(self, command: Callable[[], Awaitable[c.BudgetReport]], done: str) -> None:
        """Carry it out beside those that are on their way: each was asked for."""
        begin(self, partial(self._carry_out, command, done), "command", exclusive=False)

    async def _carry_out(self, command: Callable[[], Awaitable[c.BudgetReport]], done: str) -> None:
        try:
            await command()
        except DoorError as error:
            self.say(clean_line(str(error)), "bad")
            return
        self.say(done, "good")
        await self._read()

    async def _read(self) -> None:
        first = self._report is None
        try:
            self._report = await self._door().budgets(self._session_id)
        except DoorError as error:
            self._failed = True
            self.say(clean_line(str(error)), "bad")
            return
        if self._failed:
            self._failed = False
            self.say("")
        self._session_id = self._session_id or self._report.session
        self._entries = self.entries()
        self.renew(self.first_place() if first else None)


def _share(budget: c.Budget) -> float:
    return budget_share(budget) if budget.limit_nano_usd else 0.0


def _every(budget: c.Budget) -> str:
    """What an amount that is set is for."""
    match budget.kind:
        case "session":
            return "Each session"
        case "project":
            return clean_line(f"Project {budget.name}")
        case "day":
            return "Each day"
        case "month":
            return "Each month"
