"""A provider's settings tried by the engine before they are written; who can be asked corrects what is refused."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy import contract as c
from tui.cli.engine_access import ask, say
from tui.cli.printing import beside, print_lines

if TYPE_CHECKING:
    from tui.client import Door
    from tui.supervisor import RunningEngine


@dataclass(frozen=True, slots=True)
class Wanted:
    """A provider that is to be set up."""

    name: str
    preset: c.PresetInfo
    auth: str
    file: Path
    """Where it will stand."""
    sure: bool
    """Nobody is to be asked."""


def tried_out(engine: "RunningEngine", wanted: Wanted, table: dict[str, Any]) -> tuple[dict[str, Any], c.SettingsTried]:
    """The settings with which the provider can be used, and what trying them gave. Where it refused, somebody who can
    be asked corrects them. Raises ``click.ClickException``, with its own words."""
    from tui.cli.questions import anew, has_terminal

    while True:
        say(f"asking {wanted.name} for its models")
        tried = ask(lambda door: _try_out(door, wanted.name, table), engine)  # noqa: B023  it is called at once
        if tried.ok:
            break
        why = f"{tried.text}{_advice(table, tried)}"
        if wanted.sure or not has_terminal():
            raise click.ClickException(f"{why}\nNothing was written.")
        click.echo(f"Error: {beside(why, 'Error: ')}", err=True)
        say("once more: Enter keeps what was said, Ctrl-C leaves everything as it was")
        table = anew(wanted.preset, table, wanted.auth, wanted.file)
    took = f" ({tried.duration_ms:.0f} ms)" if tried.duration_ms >= 1 else ""
    print_lines([f"{tried.text}{took}"])
    return ({**table, "base_url": tried.base_url} if "base_url" in table else table), tried


async def _try_out(door: "Door", name: str, table: dict[str, Any]) -> c.SettingsTried:
    """Settings that cannot be are a refusal like any other, unless they are somebody else's."""
    from tui.client import DoorError

    try:
        return await door.try_settings(c.TrySettings(name=name, table=table))
    except DoorError as error:
        where = f"providers.{name}"
        if error.code != "settings" or where.lower() not in str(error).lower():
            raise
        text = str(error)[len(where) :].lstrip(": ") if str(error).lower().startswith(where.lower()) else str(error)
        return c.SettingsTried(ok=False, text=f"{name}: {text}", duration_ms=0.0)


def _advice(table: Mapping[str, Any], tried: c.SettingsTried) -> str:
    key = table.get("api_key")
    here = isinstance(key, str) and key.startswith("env:") and key[4:].strip() in os.environ
    if not here or "not set where the engine was started" not in tried.text:
        return ""
    return "\nIt is set here: `cctui stop`, then the same again, starts an engine that has it."
