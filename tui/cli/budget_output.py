"""What ``cctui budget`` prints, for people and as JSON. Pure."""

from proxy import contract as c
from tui.cli.tables import Column, table
from tui.state import formats

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
        "budgets": [
            {
                "kind": each.kind,
                "name": each.name,
                "limit_usd": _dollars(each.limit_nano_usd),
                "granted_usd": c.dollars(each.granted_nano_usd),
                "spent_usd": c.dollars(each.spent_nano_usd),
                "in_flight_usd": c.dollars(each.in_flight_nano_usd),
                "left_usd": _dollars(each.left_nano_usd),
                "unpriced_requests": each.unpriced_requests,
            }
            for each in report.budgets
        ],
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


def _row(budget: c.Budget) -> list[str]:
    name = budget.name[:SESSION_CELLS] if budget.kind == "session" else budget.name
    limit, left = budget.limit_nano_usd, budget.left_nano_usd
    if limit is None or left is None:
        return [f"{budget.kind} {name}", formats.money(budget.spent_nano_usd), NONE, "", "", "", ""]
    return [
        f"{budget.kind} {name}",
        formats.money(budget.spent_nano_usd),
        formats.money(limit),
        formats.percent(budget.spent_nano_usd / limit) if limit else "",
        formats.money(left),
        formats.money(budget.granted_nano_usd) if budget.granted_nano_usd else "",
        formats.money(budget.in_flight_nano_usd) if budget.in_flight_nano_usd else "",
    ]


def _dollars(nano_usd: int | None) -> float | None:
    return None if nano_usd is None else c.dollars(nano_usd)
