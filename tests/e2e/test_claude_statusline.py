"""Our line under the prompt of the real `claude`, in a real terminal: it moves with the session and its budget."""

import json
from collections.abc import Callable

from tests.e2e.stage import Stage, provider
from tests.e2e.test_claude_budget import MODEL, ONE_CENT, answers
from tests.e2e.test_terminal import Terminal, terminal
from tests.upstreams import ScriptedUpstream

__all__ = ["terminal"]

MakeStage = Callable[[str], Stage]


def test_the_line_tells_provider_cost_and_budget_and_the_refusal_is_on_the_screen(
    stage: MakeStage, terminal: Callable[[Stage], Terminal]
) -> None:
    with ScriptedUpstream(answers) as upstream:
        here = stage(provider("gateway", upstream.url) + ONE_CENT)
        trusted = {str(here.project): {"hasTrustDialogAccepted": True}}
        known = {"hasCompletedOnboarding": True, "theme": "dark", "projects": trusted}
        (here.home / ".claude.json").write_text(json.dumps(known))
        screen = terminal(here)
        screen.open(*here.cctui_command, "claude", "--cctui-statusline", *MODEL, width=120)
        screen.shows("gateway · $0.00")

        screen.tmux("send-keys", "First.", "Enter")
        screen.shows("claude-opus-4-8 · gateway · $0.01", "session budget used up")
        screen.tmux("send-keys", "Second.", "Enter")

        screen.shows("402 cctui: the session budget of $0.01 is used up", "grant session 1 --session")
