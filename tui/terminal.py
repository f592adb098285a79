"""The terminal under the panel, which may go away at any moment: then the panel ends instead of hanging or spinning."""

import contextlib
import select
import sys
from typing import IO, Any

from textual.driver import Driver


class Outlived:
    """A terminal's file whose writes are lost once it is gone: a writer that dies of them would block the panel."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()


def outliving(driver: type[Driver]) -> type[Driver]:
    """``driver``, of Textual's for terminals, whose output outlives its terminal."""

    class OutlivingDriver(driver):  # type: ignore[valid-type,misc]  # the base depends on the system
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            if (file := getattr(self, "_file", None)) is not None:
                self._file = Outlived(file)

    return OutlivingDriver


def hung_up(fileno: int) -> bool:
    """The terminal behind ``fileno`` is gone: reading it returns nothing at once, for ever.

    A process that was told so by a signal has ended already; one that ignores it, as under ``nohup``, hears nothing.
    """
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    return any(state & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, state in poll.poll(0))


def own_terminal() -> int | None:
    """The descriptor that this process reads its terminal from; None where it has none."""
    try:
        return sys.__stdin__.fileno() if sys.__stdin__ is not None else None
    except (OSError, ValueError):
        return None
