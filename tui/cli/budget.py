"""The command ``budget``: what may be spent, what was, and more of it."""

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from proxy import contract as c
from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, width

KIND = click.Choice(c.BUDGET_KINDS)
OFF, DEFAULT = "off", "default"
DOLLARS_MAX = 1_000_000


def amount(text: str) -> int:
    """Nano-dollars of ``20``, ``$20`` or ``0.5``. Raises ``click.BadParameter``."""
    try:
        dollars = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        raise click.BadParameter(f"{text!r} is no amount of dollars such as 20 or 0.5") from None
    if not (dollars.is_finite() and 0 < dollars <= DOLLARS_MAX):
        raise click.BadParameter(f"an amount is more than 0 and at most {DOLLARS_MAX:,} dollars, not {text}")
    return int(dollars * 10**9)


@click.group(invoke_without_command=True, short_help="Show what may be spent and what was.")
@click.option("--session", metavar="ID", help="Of this session; without it the one that was active last.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def budget(context: click.Context, session: str | None, *, as_json: bool) -> None:
    """Show the budgets of a session, its project, today and this month; or set, grant, pass."""
    if context.invoked_subcommand is None:
        _print(ask(lambda door: door.budgets(session)), as_json=as_json)


@budget.command("set")
@click.argument("kind", type=KIND, metavar="|".join(c.BUDGET_KINDS))
@click.argument("dollars", metavar="DOLLARS|off|default")
@click.option("--project", metavar="NAME", help="An amount for this project alone.")
def set_amount(kind: c.BudgetKind, dollars: str, project: str | None) -> None:
    """Set a budget from now on; `default` returns to the settings file."""
    if project and kind != "project":
        raise click.UsageError("--project goes with `cctui budget set project`.")
    limit = None if dollars in (OFF, DEFAULT) else amount(dollars)
    command = c.SetBudget(kind=kind, amount_nano_usd=limit, project=project, as_settings=dollars == DEFAULT)
    _print(ask(lambda door: door.set_budget(command)), set_amount=command)


@budget.command("grant")
@click.argument("kind", type=KIND, metavar="|".join(c.BUDGET_KINDS))
@click.argument("dollars", metavar="DOLLARS")
@click.option("--session", metavar="ID", help="The session; without it the one that was active last.")
@click.option("--project", metavar="NAME", help="The project; without it the one of this directory.")
def grant(kind: c.BudgetKind, dollars: str, session: str | None, project: str | None) -> None:
    """Grant more once: to a session, a project, today or this month."""
    where = project or (_project_here() if kind == "project" else None)
    command = c.GrantBudget(kind=kind, amount_nano_usd=amount(dollars), session=session, project=where)
    _print(ask(lambda door: door.grant_budget(command)))


@budget.command("pass")
@click.option("--session", metavar="ID", help="The session; without it the one that was active last.")
@click.option("--off", is_flag=True, help="Let budgets stop it again.")
def let_pass(session: str | None, *, off: bool) -> None:
    """Let a session go on whatever the budgets say; it still counts."""
    command = c.PassBudget(session=session, passing=not off)
    _print(ask(lambda door: door.pass_budget(command)))


def _project_here() -> str:
    """The project as `cctui claude` names it in this directory."""
    from tui.claude_settings import project_name
    from tui.launch import project_label

    return project_label(project_name(Path.cwd()) or "")


def _print(report: c.BudgetReport, *, as_json: bool = False, set_amount: c.SetBudget | None = None) -> None:
    from tui.cli import budget_output

    if as_json:
        print_json(budget_output.as_json(report))
    else:
        done = budget_output.set_words(set_amount) if set_amount is not None else ""
        print_lines(budget_output.as_lines(report, width(), done))
