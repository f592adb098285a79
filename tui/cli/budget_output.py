"""What ``cctui budget`` prints, for people and as JSON. Pure."""

from proxy import contract as c
from tui.cli.json_output import budget
from tui.cli.tables import Column, table
from tui.state import formats
from tui.state.shares import budget_words
from tui.state.text import clean_line

COLUMNS = (
    Column("budget", shrinks=True),
    Column("spent", numeric=True),
    Column("of", numeric=True),
    Column("used", numeric=True),
    Column("left", numeric=True),
    Column("granted", numeric=True, drop=2),
    Column("in flight", numeric=True, drop=1),
)
NONE = "none"
SESSION_CELLS = 8


def as_lines(report: c.BudgetReport, width: int, done: str = "") -> list[str]:
    """The budgets as a table, what was ``done``, what happens when one is used up and what is in no sum."""
    rows = [_row(budget) for budget in report.budgets]
    unpriced = max((budget.unpriced_requests for budget in report.budgets), default=0)
    notes = [done] * bool(done) + _rules(report, done) + [_in_no_sum(unpriced)] * bool(unpriced)
    return [*table(COLUMNS, rows, width), "", *notes]


def set_words(command: c.SetBudget) -> str:
    """What an amount that was set means: a session's and a project's may be of none that the table has."""
    whose = f"Project {clean_line(command.project)}" if command.project else f"Each {command.kind}"
    if command.as_settings:
        return f"{whose} may cost what the settings file says."
    amount = "as much as it likes" if command.amount_nano_usd is None else formats.limit(command.amount_nano_usd)
    return f"{whose} may cost {amount} from now on."


def as_json(report: c.BudgetReport) -> dict[str, object]:
    return {
        "action": report.action,
        "downgrade_to": report.downgrade_to,
        "session": report.session,
        "passing": report.passing,
        "budgets": [budget(each) for each in report.budgets],
    }


def _rules(report: c.BudgetReport, done: str) -> list[str]:
    if all(each.limit_nano_usd is None for each in report.budgets):
        whose = "" if report.session else " for a day or a month"
        return [] if done else [f"No budget is set{whose}. `cctui budget set day 20` sets one."]
    rule = {
        "block": "A request over budget is refused.",
        "downgrade": f"A request over budget goes to {report.downgrade_to}.",
        "warn": "A request over budget goes on; the panel warns.",
    }[report.action]
    session = (report.session or "")[:SESSION_CELLS]
    return [rule, *([f"Session {session} passes every budget."] if report.passing else [])]


def _in_no_sum(requests: int) -> str:
    if requests == 1:
        return "1 request cost something that nobody could tell; it is in no sum."
    return f"{requests:,} requests cost something that nobody could tell; they are in no sum."


def _row(one: c.Budget) -> list[str]:
    name = one.name[:SESSION_CELLS] if one.kind == "session" else one.name
    limit = one.limit_nano_usd
    if limit is None:
        return [f"{one.kind} {name}", formats.used(one), NONE, "", "", "", ""]
    return [
        f"{one.kind} {name}",
        formats.used(one),
        formats.limit(limit),
        budget_words(one) if limit else "",
        formats.left_of(one),
        formats.limit(one.granted_nano_usd) if one.granted_nano_usd else "",
        formats.money(one.in_flight_nano_usd) if one.in_flight_nano_usd else "",
    ]
