"""Options that choose ended requests, the same for every command that sums or lists them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

import click

from proxy import contract as c

_TEXTS = {
    "project": "Only this project's.",
    "provider": "Only what this provider served.",
    "model": "Only what this model served.",
    "session": "Only this session's; the start of its id will do.",
    "agent": "Only this sub-agent's.",
}


def moment(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """The option's text as Unix seconds."""
    from tui.cli.since import parse_since

    if value is None:
        return None
    try:
        return parse_since(value, datetime.now().astimezone())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{value!r} is neither a span such as 7d, 24h, 90m, nor today, yesterday, week, month or year, "
            "nor a date such as 2026-11-01"
        ) from None


def since_option(default: str = "everything") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    words = f"7d, 24h, 90m, today, yesterday, week, month, year or 2026-11-01. [default: {default}]"
    return click.option("--since", callback=moment, metavar="WHEN", help=words)


def until_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--until", callback=moment, metavar="WHEN", help="Before this moment. [default: now]")


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for each field of a choice; ``chosen`` makes one of them. An empty text chooses what has none."""
    role = click.Choice(get_args(c.Role))
    words = "Only the conversation's, sub-agents' or background calls."
    command = click.option("--role", type=role, help=words)(command)
    for name, words in reversed(_TEXTS.items()):
        metavar = "ID" if name in ("session", "agent") else "NAME"
        command = click.option(f"--{name}", metavar=metavar, help=words)(command)
    return since_option()(until_option()(command))


def chosen(options: dict[str, Any]) -> c.Choice:
    """The choice that the values of ``choice_options`` make. Raises ``click.UsageError`` where it can hold nothing."""
    since, until = options.get("since"), options.get("until")
    if since is not None and until is not None and until <= since:
        raise click.UsageError("--until is not after --since, so that nothing lies between them.")
    return c.Choice(**options)
