"""A run of an engine beside the upstreams' own books, and what the engine says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine
from tests.upstreams.books import Books

HOUR_S = 3600.0
"""Passes at each look at the health: a failure keeps no later request from either upstream."""


@dataclass
class Run:
    """What was served, by the engine's and by the upstreams' word."""

    engine: RunningEngine
    books: Books
    chosen: Mapping[str, Any]
    start: StartEngine

    async def again(self, **tables: Any) -> RunningEngine:
        """The next engine on the same ledger."""
        await self.engine.stop()
        return await self.start({**self.chosen, **tables})


async def usage(engine: RunningEngine, by: str) -> dict[str, int]:
    """Nano-dollars by key; keys without money are left out, as the books have none of them."""
    report = msgspec.json.decode((await engine.look("usage", by=by)).content, type=c.UsageReport)
    return {row.key: row.tally.cost_nano_usd for row in report.rows if row.tally.cost_nano_usd}


async def rows_of(engine: RunningEngine) -> list[c.Request]:
    return msgspec.json.decode((await engine.look("requests", limit="1000")).content, type=list[c.Request])
