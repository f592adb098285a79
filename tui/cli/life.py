"""Commands about the engine's own life: ``serve``, ``stop``, ``status``."""

import os
import signal
import subprocess
import sys
import time

import click

from tui.cli.engine_access import ask, installation, say
from tui.cli.printing import print_json, print_lines

LOG_LEVELS = ("debug", "info", "warning", "error")


@click.command()
@click.option("--host", help="Address to listen on. Anything but loopback opens the engine to other machines.")
@click.option("--port", type=click.IntRange(0, 65535), help="Fixed port; 0 for any free one.")
@click.option("--log-level", type=click.Choice(LOG_LEVELS), help="How much goes to the log.")
def serve(host: str | None, port: int | None, log_level: str | None) -> None:
    """Run the engine in the foreground."""
    from tui import engine_process, supervisor

    found = supervisor.find(installation())
    if isinstance(found, supervisor.RunningEngine):
        raise click.ClickException(f"An engine runs already at {found.url} (pid {found.pid}). `cctui stop` ends it.")
    if found.trace:
        say(found.trace)
    options = engine_process.EngineOptions(port=port, host=host, log_level=log_level)
    command = engine_process.command(options, foreground=True)
    become(command[0], command, engine_process.environment())


@click.command()
@click.option("--drain", "drain_s", type=click.FloatRange(min=0), metavar="SECONDS", help="Bound of the wait.")
def stop(drain_s: float | None) -> None:
    """End the engine when its running streams are done."""
    from tui import supervisor

    paths = installation()
    found = supervisor.find(paths)
    if isinstance(found, supervisor.NoEngine):
        print_lines([" ".join(filter(None, ["No engine runs.", found.trace]))])
        return
    try:
        supervisor.stop(paths, found, drain_s)
    except supervisor.SupervisorError as error:
        raise click.ClickException(str(error)) from None
    print_lines([f"The engine at {found.url} (pid {found.pid}) has ended."])


@click.command(short_help="Show the engine, its route and what it serves.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(*, as_json: bool) -> None:
    """Show the engine, its route and what it serves; exits 1 when none runs."""
    from tui import supervisor
    from tui.cli import json_output, text_output

    found = supervisor.find(installation())
    if isinstance(found, supervisor.NoEngine):
        if as_json:
            print_json(json_output.no_engine(found.trace))
        else:
            say(" ".join(filter(None, [found.trace, "No engine runs. `cctui` starts one."])))
        raise click.exceptions.Exit(1)
    _same_contract(found)
    state = ask(lambda door: door.state(), found)
    if as_json:
        print_json(json_output.status(state, time.time()))
    else:
        print_lines(text_output.status(state, time.time()))


def become(file: str, command: list[str], environ: dict[str, str]) -> None:
    """Let ``command`` take this process's place, with the signal that Python ignores as others expect it."""
    if sys.platform == "win32":
        raise SystemExit(subprocess.call([file, *command[1:]], env=environ))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execve(file, command, environ)  # noqa: S606  an argument list, no shell
    except OSError as error:
        raise click.ClickException(f"{file} cannot be run: {error.strerror}") from error


def _same_contract(found: object) -> None:
    from proxy.contract import CONTRACT
    from tui import supervisor

    if isinstance(found, supervisor.RunningEngine) and found.contract != CONTRACT:
        raise click.ClickException(str(supervisor.OtherContractError(found)))
