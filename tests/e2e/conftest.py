"""The real programs. Their tests are collected where an environment variable names the program; the report says
which are left out, and `.ci/run` names all of them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import CLAUDE_VARIABLE, LITELLM_VARIABLE, LLAMA_VARIABLE, TMUX_VARIABLE, Stage

NEEDED = {
    "test_adding.py": (CLAUDE_VARIABLE, TMUX_VARIABLE),
    "test_claude.py": (CLAUDE_VARIABLE,),
    "test_claude_budget.py": (CLAUDE_VARIABLE,),
    "test_claude_import.py": (CLAUDE_VARIABLE,),
    "test_claude_dialects.py": (CLAUDE_VARIABLE,),
    "test_claude_gemini.py": (CLAUDE_VARIABLE,),
    "test_claude_context.py": (CLAUDE_VARIABLE,),
    "test_claude_faults.py": (CLAUDE_VARIABLE,),
    "test_claude_refusals.py": (CLAUDE_VARIABLE,),
    "test_claude_search.py": (CLAUDE_VARIABLE,),
    "test_claude_statusline.py": (CLAUDE_VARIABLE, TMUX_VARIABLE),
    "test_claude_tree.py": (CLAUDE_VARIABLE,),
    "test_checking.py": (CLAUDE_VARIABLE, TMUX_VARIABLE),
    "test_terminal.py": (CLAUDE_VARIABLE, TMUX_VARIABLE),
    "test_litellm.py": (LITELLM_VARIABLE,),
    "test_llama.py": (LLAMA_VARIABLE,),
    "test_claude_servers.py": (CLAUDE_VARIABLE, LITELLM_VARIABLE, LLAMA_VARIABLE),
}

collect_ignore = [file for file, names in NEEDED.items() if not all(os.environ.get(name) for name in names)]


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
