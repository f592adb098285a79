"""What all tests share: the report says which real programs they run and which are left out."""

import os
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.e2e.stage import CLAUDE_VARIABLE, LITELLM_VARIABLE, LLAMA_VARIABLE, TMUX_VARIABLE

os.environ["TZ"] = f"Etc/GMT{time.gmtime().tm_hour - 12:+d}"
time.tzset()
"""It is about noon wherever the tests run: no day ends while one of them goes on, none began a minute ago."""

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
"""A slow machine fails no test: generated cases are bounded by their number alone."""


InZone = Callable[[str], None]
"""Makes a time zone the local one."""


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[InZone]:
    """The zone of before comes back after the test."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def pytest_report_header() -> list[str]:
    names = (CLAUDE_VARIABLE, LITELLM_VARIABLE, LLAMA_VARIABLE, TMUX_VARIABLE)
    return [f"{name}: {os.environ.get(name) or 'not set, its tests are left out'}" for name in names]
