"""Commands that open something: the panel, ``claude``, ``env`` and ``demo``."""

import importlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.cli.engine_access import ask, installation, running_engine, say
from tui.cli.life import become
from tui.cli.printing import broken, elsewhere
from tui.cli.shells import SHELLS, render

if TYPE_CHECKING:
    from tui.supervisor import RunningEngine

HEADLESS_DEMO_S = 10.0

NO_TERMINAL = """The panel needs a terminal, and standard {stream} is not one. The engine runs at {url}.
These work without one: cctui status, requests, usage, models, use, fallback, env, claude -p, demo."""

PLACES = """paste this into one of:
  ~/.claude/settings.json          for yourself, everywhere
  .claude/settings.local.json      for yourself, in one project (kept out of git)
  .claude/settings.json            for everybody in a project: not with a token in it
  the VS Code extension reads the same files; a JetBrains terminal too"""


STATUSLINE = "--cctui-statusline"


class Verbatim(click.Command):
    """A command whose arguments are another program's: nothing in them is ours, not even ``--help``.

    Only flags of its own count where they stand first.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {option.opts[0]: option.name for option in self.params}
        ctx.params |= dict.fromkeys(own.values(), False)
        while args and args[0] in own:
            ctx.params[own[args[0]] or ""] = True
            args = args[1:]
        ctx.params["arguments"] = tuple(args)
        return []


def open_panel() -> None:
    """The panel, or why there is none."""
    if stream := elsewhere():
        raise click.ClickException(NO_TERMINAL.format(stream=stream, url=running_engine().url))
    engine = _engine_of_panel()
    from tui.app import run_panel
    from tui.settings import SettingsError, load_panel_settings

    try:
        settings = load_panel_settings(installation().config_file)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    address = (engine.url, engine.token)
    left = run_panel(address, find=_find, start=_start, keymap=settings.keymap, theme=settings.theme)
    if left == "kept" and (kept := _find()):
        click.echo(broken(f"The engine runs on at {kept[0]}. `cctui` opens the panel again, `cctui stop` ends it."))


def _engine_of_panel() -> "RunningEngine":
    """The engine, started if need be, while the panel's own code is read beside it."""
    from tui.cli.ticker import Ticker

    ticker = Ticker()
    ticker.show("Looking for the engine …")
    threading.Thread(target=importlib.import_module, args=("tui.app",), name="read the panel", daemon=True).start()
    try:
        return running_engine(aside=ticker.clear)
    finally:
        ticker.clear()


def _find() -> tuple[str, str] | None:
    """The address of a running engine, for a panel that lost its own."""
    from tui import supervisor

    found = supervisor.find(installation())
    return (found.url, found.token) if isinstance(found, supervisor.RunningEngine) else None


def _start() -> tuple[str, str]:
    """The address of an engine, started if need be."""
    from tui import supervisor

    engine = supervisor.ensure(installation())
    return engine.url, engine.token


@click.command(cls=Verbatim, add_help_option=False, short_help="Run Claude Code through the engine, arguments and all.")
@click.option(STATUSLINE, "with_statusline", is_flag=True, help="Show the status line of cctui in this run.")
def claude(arguments: tuple[str, ...], *, with_statusline: bool) -> None:
    """Run Claude Code through the engine; everything that follows is passed on to it."""
    from tui.cli import launching
    from tui.launch import LaunchError

    try:
        program = launching.find_claude(os.environ)
        prepared = launching.prepare(arguments, with_statusline=with_statusline)
    except LaunchError as error:
        raise click.ClickException(str(error)) from None
    become(program, ["claude", *prepared], dict(os.environ))


@click.command(short_help="Print a line for Claude Code's status line.")
def statusline() -> None:
    """Print a line for Claude Code's status line, from what it says on standard input and what the engine knows."""
    from tui.statusline import show

    show(str(installation().runtime_file))


@click.command(short_help="Print the variables for a `claude` started by hand.")
@click.option("--shell", type=click.Choice(SHELLS), default="sh", show_default=True, help="How to write them.")
def env(shell: str) -> None:
    """Print the variables that lead a `claude` started by hand to the engine."""
    from tui import launch
    from tui.claude_settings import look_around
    from tui.cli import launching

    engine = running_engine()
    plan = ask(lambda door: door.launch_plan(), engine)
    setup = look_around(os.environ, Path.cwd())
    block = launch.environment_block(plan, engine.token, launching.surroundings(setup, engine.token, {}, None))
    click.echo(render(block, shell))
    if shell == "settings":
        say(PLACES)
    else:
        for obstacle in launch.overriding([*setup.layers, *setup.managed], block):
            say(f"{obstacle}. `cctui claude` is not affected by it.")


@click.command(short_help="Show the panel on simulated sessions; needs no key.")
@click.option("--headless", is_flag=True, help="Without a screen: print what was served.")
@click.option("--seconds", type=click.FloatRange(min=0.1), help="End by itself after so long.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON at the end of a headless run.")
def demo(seconds: float | None, *, headless: bool, as_json: bool) -> None:
    """Show the panel on simulated sessions; needs no key and no network, and leaves your history alone."""
    from tui.demo import run_demo

    if not headless and elsewhere():
        headless, seconds = True, seconds or HEADLESS_DEMO_S
        span = f"{seconds:g} second{'s' * (seconds != 1)}"
        say(f"there is no terminal here, so the demo runs without a screen for {span}")
    raise click.exceptions.Exit(run_demo(headless, seconds, as_json))
