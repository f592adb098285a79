"""Stages for the table of outcomes, shared by the tests of a module, and a clock that the test sets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.proxy.conftest import clear_environment
from tests.proxy.faults.clock import Clock
from tests.proxy.faults.stage import Stages


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stages(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stages]:
    with pytest.MonkeyPatch.context() as patched:
        clear_environment(patched)
        async with AsyncExitStack() as running:
            yield Stages(running, tmp_path_factory.mktemp("stages"))
