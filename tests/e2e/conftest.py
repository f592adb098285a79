"""The real programs. Tests with the real `claude` are collected where ``CCTUI_TEST_CLAUDE`` names it; the report
says when they are not, and `.ci/run` always names it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import CLAUDE_VARIABLE, Stage

WITH_CLAUDE = ["test_claude.py", "test_claude_faults.py", "test_terminal.py"]

collect_ignore = [] if os.environ.get(CLAUDE_VARIABLE) else WITH_CLAUDE


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[[str], Stage]]:
    """Makes a stage with the given settings; its engine is stopped afterwards."""
    stages: list[Stage] = []

    def make(config: str) -> Stage:
        made = Stage(tmp_path, Path(os.environ[CLAUDE_VARIABLE]).absolute())
        made.set_up(config)
        stages.append(made)
        return made

    yield make
    for each in stages:
        each.tear_down()
