"""How commands reach the engine: found or started, asked once, every failure one sentence on stderr.

This is the edge where the errors of supervisor and door become the command line's own.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from tui.cli.printing import beside

if TYPE_CHECKING:
    from proxy.paths import Paths
    from tui.client import Door
    from tui.engine_process import EngineOptions
    from tui.supervisor import OtherContractError, RunningEngine

T = TypeVar("T")


def say(text: str) -> None:
    """A line beside the output."""
    click.echo(f"cctui: {beside(text, 'cctui: ')}", err=True)


def installation() -> "Paths":
    from proxy.paths import find_paths

    return find_paths()


def running_engine(options: "EngineOptions | None" = None, aside: Callable[[], None] | None = None) -> "RunningEngine":
    """The engine, started if need be, which is said. One of another contract is replaced where the user says so.

    ``aside`` takes away what stands in the way of a sentence.
    """
    from tui import supervisor

    def tell(text: str) -> None:
        if aside is not None:
            aside()
        say(text)

    paths = installation()
    try:
        return supervisor.ensure(paths, options, tell, started=lambda engine: tell(_started_words(engine)))
    except supervisor.OtherContractError as error:
        if aside is not None:
            aside()
        if not _may_replace(error):
            raise click.ClickException(str(error)) from None
        say("waiting for the running streams of the old engine")
        return _replaced(paths, error.engine)
    except (supervisor.SupervisorError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _started_words(engine: "RunningEngine") -> str:
    return f"no engine was running; started one at {engine.url}, `cctui stop` ends it"


def ask(call: "Callable[[Door], Awaitable[T]]", engine: "RunningEngine | None" = None) -> T:
    """What ``call`` gets from the door of the engine."""
    import asyncio

    from tui.client import Door, DoorError

    found = engine or running_engine()

    async def asked() -> T:
        async with Door(found.url, found.token, timeout_s=30.0) as door:
            return await call(door)

    try:
        return asyncio.run(asked())
    except DoorError as error:
        raise click.ClickException(f"{str(error)[:1].upper()}{str(error)[1:]}") from None


def _may_replace(error: "OtherContractError") -> bool:
    if click.get_current_context().find_root().params.get("replace_engine"):
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(str(error))
    return click.confirm("Replace it now?", err=True)


def _replaced(paths: "Paths", engine: "RunningEngine") -> "RunningEngine":
    from tui import supervisor

    try:
        return supervisor.replace(paths, engine)
    except (supervisor.SupervisorError, OSError) as error:
        raise click.ClickException(str(error)) from None
