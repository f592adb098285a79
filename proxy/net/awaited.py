"""Chunks of an answer that can be waited for within a time: one that comes later is not lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

Late = Literal["late"]


class Awaited:
    """The chunks, one at a time; then the rest of them, as they come from the source itself."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._coming: asyncio.Task[bytes | None] | None = None
        """The chunk that did not come in time."""

    async def next(self, patience_s: float | None = None) -> bytes | Late | None:
        """The next chunk, ``late`` where none came in time, None at the end. Without a patience it costs no task."""
        if patience_s is None and self._coming is None:
            return await anext(self._chunks, None)
        if self._coming is None:
            self._coming = asyncio.create_task(self._next(), name="next chunk of an answer")
        await asyncio.wait({self._coming}, timeout=patience_s)
        if not self._coming.done():
            return "late"
        coming, self._coming = self._coming, None
        return coming.result()

    def rest(self) -> AsyncIterator[bytes]:
        """All that is left."""
        return self._chunks if self._coming is None else self._rest(self._coming)

    async def close(self) -> None:
        """Nobody waits for the late one any more."""
        if self._coming is not None and not self._coming.done():
            self._coming.cancel()
            await asyncio.wait({self._coming})
        if self._coming is not None and not self._coming.cancelled():
            self._coming.exception()

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)

    async def _rest(self, coming: "asyncio.Task[bytes | None]") -> AsyncIterator[bytes]:
        first = await coming
        if first is not None:
            yield first
            async for chunk in self._chunks:
                yield chunk
