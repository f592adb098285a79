"""What ``cctui budget`` prints, for people and as JSON. Pure."""

from proxy import contract as c
from tui.cli.json_output import budget
from tui.cli.tables import Column, table
from tui.state import formats
from tui.state.shares import budget_words

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


def as_lines(report: c.BudgetReport, width: int) -> list[str]:
    """The budgets as a table, then what happens when one is used up and what is in no sum."""
    rows = [_row(budget) for budget in report.budgets]
    lines = [*table(COLUMNS, rows, width), "", *_rules(report)]
    unpriced = max((budget.unpriced_requests for budget in report.budgets), default=0)
    return [
        *lines,
        *([f"{unpriced} requests cost something that nobody could tell; they are in no sum."] * bool(unpriced)),
    ]


def as_json(report: c.BudgetReport) -> dict[str, object]:
    return {
        "action": report.action,
        "downgrade_to": report.downgrade_to,
        "session": report.session,
        "passing": report.passing,
        "budgets": [budget(each) for each in report.budgets],
    }


def _rules(report: c.BudgetReport) -> list[str]:
    if all(each.limit_nano_usd is None for each in report.budgets):
        return ["No budget is set. `cctui budget set day 20` sets one."]
    rule = {
        "block": "A request over budget is refused.",
        "downgrade": f"A request over budget goes to {report.downgrade_to}.",
        "warn": "A request over budget goes on; the panel warns.",
    }[report.action]
    session = (report.session or "")[:SESSION_CELLS]
    return [rule, *([f"Session {session} passes every budget."] if report.passing else [])]


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
