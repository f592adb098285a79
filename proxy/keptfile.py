"""A file of the engine's own memory: written whole, only when it changed, and not on the event loop while it serves."""

import asyncio
import logging
from pathlib import Path
from typing import TypeVar

import msgspec

from proxy.paths import write_private

log = logging.getLogger(__name__)

T = TypeVar("T")


class KeptFile:
    """Keeps bytes over a restart. That it cannot is a warning in the log, never an error."""

    def __init__(self, path: Path, what: str) -> None:
        """``what`` the log calls its content."""
        self._path = path
        self._what = what
        self._last: bytes | None = None
        self._turn = asyncio.Lock()

    def content(self, kind: type[T]) -> T:
        """What was kept; an empty one where there is nothing, or nothing that makes sense."""
        try:
            return msgspec.json.decode(self._read() or b"{}", type=kind)
        except msgspec.DecodeError as error:
            log.warning("%s cannot be read and starts anew: %s", self._what, error)
            return kind()

    async def keep(self, data: bytes) -> None:
        """Write ``data`` beside the event loop, after what was given before."""
        async with self._turn:
            if data != self._last:
                await asyncio.to_thread(self.keep_now, data)

    def keep_now(self, data: bytes) -> None:
        """Write ``data`` before returning: where nothing is served any more."""
        if data == self._last:
            return
        try:
            write_private(self._path, data)
        except OSError as error:
            log.warning("%s cannot be kept: %s", self._what, error)
        else:
            self._last = data

    def _read(self) -> bytes | None:
        """What was kept, in bytes; None where there is nothing."""
        try:
            self._last = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be read: %s", self._what, error)
            return None
        return self._last
