"""Servers that the engine reaches while it answers: a site and a search service."""

from collections.abc import AsyncIterator

import pytest

from tests.upstreams import ScriptedUpstream
from tests.upstreams.searches import brave
from tests.upstreams.sites import page


@pytest.fixture
async def site() -> AsyncIterator[ScriptedUpstream]:
    """docs.example.com"""
    async with ScriptedUpstream(page()) as running:
        yield running


@pytest.fixture
async def service() -> AsyncIterator[ScriptedUpstream]:
    """A search service that finds two pages, the first one on docs.example.com."""
    async with ScriptedUpstream(brave()) as running:
        yield running
