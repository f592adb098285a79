"""``cctui providers add`` and ``remove``: a provider tried, then written into ``config.toml``, then taken up.

Nothing but our own settings file is written, at the very end and in one step; whoever breaks off leaves it as it was.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy import contract as c
from tui.cli.engine_access import ask, installation, running_engine
from tui.cli.printing import print_lines
from tui.cli.trying import Wanted, tried_out
from tui.cli.writing import agreed_to, broken_off_at_will, editing, read, tables, write_and_take_up

if TYPE_CHECKING:
    from tui.supervisor import RunningEngine


@click.command("add", short_help="Set a provider up: key, test, models, first model; written into config.toml.")
@click.argument("preset", required=False)
@click.option("--name", metavar="NAME", help="What to call it; without it as the preset is called.")
@click.option(
    "--key", metavar="KEY", help="A key, env:NAME or cmd:COMMAND. A key itself stands in your shell's history."
)
@click.option("--base-url", metavar="URL", help="Its address, where it is not the preset's.")
@click.option("--model", metavar="MODEL", help="The model for the first requests.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Any other setting: quirks.images=false.")
@click.option("--default", is_flag=True, help="Send all requests there from now on.")
@click.option("--yes", is_flag=True, help="Write without asking.")
def add(
    preset: str | None,
    name: str | None,
    key: str | None,
    base_url: str | None,
    model: str | None,
    settings: tuple[str, ...],
    *,
    default: bool,
    yes: bool,
) -> None:
    """Set a provider up: pick a known one, give its key, see its models. It is tried before anything is written.

    What no flag says is asked; without a terminal it has to be said.
    """
    with broken_off_at_will():
        edit = _asked(preset, name, key, base_url, model, _parsed(settings), default=default, yes=yes)
        agreed = agreed_to(edit.file, edit.before, edit.after, sure=yes)
    if agreed:
        write_and_take_up(edit.engine, edit.file, edit.before, edit.after)
        _say_how_to_use(edit.engine, edit.target, default=edit.default)


@dataclass(frozen=True, slots=True)
class _Edit:
    """What is to be written, and what for."""

    engine: "RunningEngine"
    file: Path
    before: str
    after: str
    target: str
    """The provider, or a model of it."""
    default: bool
    """All requests go there."""


def _asked(
    preset: str | None,
    name: str | None,
    key: str | None,
    base_url: str | None,
    model: str | None,
    more: dict[str, Any],
    *,
    default: bool,
    yes: bool,
) -> _Edit:
    from tui.cli.questions import KEYED, what_it_needs, which_key, which_model, which_name, which_preset

    file = installation().config_file
    text = read(file)
    engine = running_engine()
    info = which_preset(preset, ask(lambda door: door.presets(), engine).presets)
    called = which_name(name, info, tuple(tables(text)))
    table: dict[str, Any] = {"preset": info.name, **({"base_url": base_url} if base_url else {})}
    table |= what_it_needs(info, {**table, **more})
    auth = str(more.get("auth", info.auth))
    own = which_key(key, info, auth, file, sure=yes)
    table |= {"api_key": own} if own is not None else {"auth": "none"} if auth in KEYED else {}
    table, tried = tried_out(engine, Wanted(called, info, auth, file, yes), {**table, **more})
    first = which_model(model, tried.models)
    if first is not None and first not in [each.id for each in tried.models]:
        table["models"] = [first]
    target = f"{called}/{first}" if first else called
    default = default or (not yes and _wants_default(target))
    return _Edit(engine, file, text, _edited(text, called, table, target if default else None), target, default)


@click.command("remove", short_help="Take a provider out of config.toml.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Write without asking.")
def remove(name: str, *, yes: bool) -> None:
    """Take a provider out of config.toml; comments around it stay, and what runs there ends in peace."""
    from tui.config_file import without_provider

    file = installation().config_file
    text = read(file)
    if name not in tables(text):
        raise click.ClickException(f"{file} has no [providers.{name}]; `cctui providers` says where each was found.")
    engine = running_engine()
    edited = editing(lambda: without_provider(text, name))
    with broken_off_at_will():
        agreed = agreed_to(file, text, edited, sure=yes)
    if agreed:
        write_and_take_up(engine, file, text, edited)
        left = [each for each in ask(lambda door: door.state(), engine).providers if each.name == name]
        still = f"{name} is still there, found by {left[0].origin}." if left else f"{name} is gone."
        print_lines([still])


def _parsed(settings: tuple[str, ...]) -> dict[str, Any]:
    """``KEY=VALUE`` texts as a table; values are TOML, or else text. Raises ``click.UsageError``."""
    table: dict[str, Any] = {}
    for each in settings:
        key, equals, value = each.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"--set {each}: write it as KEY=VALUE, such as quirks.images=false")
        inner, *path = reversed([part.strip() for part in key.split(".", 1)])
        place = table.setdefault(path[0], {}) if path else table
        if not isinstance(place, dict):
            raise click.UsageError(f"--set {each}: {path[0]} is a table here and a value there")
        place[inner] = _value(value.strip())
    return table


def _value(text: str) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text
    return value if isinstance(value, bool | int | float | list | dict) else text.strip("\"'")


def _wants_default(target: str) -> bool:
    from tui.cli.questions import has_terminal

    return has_terminal() and click.confirm(f"Send all requests to {target} from now on?", default=False, err=True)


def _edited(text: str, name: str, table: Mapping[str, Any], default: str | None) -> str:
    from tui.config_file import with_default, with_provider

    def edit() -> str:
        return with_provider(text if default is None else with_default(text, default), name, table)

    return editing(edit)


def _say_how_to_use(engine: "RunningEngine", target: str, *, default: bool) -> None:
    route = ask(lambda door: door.state(), engine).route
    general = [each for each in route.overrides if each.session is None and each.slot is None]
    if not default:
        words = f"`cctui use {target}` sends requests there."
    elif route.default != target:
        words = f"The environment sets another default, {route.default}: CCTUI_ROUTE__DEFAULT beats the file."
    elif general:
        words = f"A choice of yours still stands above the default; `cctui use {c.AS_ASKED}` takes it back."
    else:
        words = f"Requests go to {target} from now on."
    print_lines([words, f"`cctui check {target}` tries out what Claude Code needs of it."])
