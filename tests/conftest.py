"""What all tests share: the report says which real programs they run and which are left out."""

import os

from hypothesis import HealthCheck, settings

from tests.e2e.stage import CLAUDE_VARIABLE, LITELLM_VARIABLE, LLAMA_VARIABLE, TMUX_VARIABLE

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
"""A slow machine fails no test: generated cases are bounded by their number alone."""


def pytest_report_header() -> list[str]:
    names = (CLAUDE_VARIABLE, LITELLM_VARIABLE, LLAMA_VARIABLE, TMUX_VARIABLE)
    return [f"{name}: {os.environ.get(name) or 'not set, its tests are left out'}" for name in names]
