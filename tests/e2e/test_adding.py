"""`cctui providers add` in a real terminal: a key typed unseen, Ctrl-C, and what the real `claude` gets of it."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import Stage
from tests.e2e.test_terminal import Terminal, terminal
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, message_events, models_body

__all__ = ["terminal"]

MakeStage = Callable[[str], Stage]

KEY = "sk-canary-0123456789abcdef"
SETTINGS = '# by hand\n[route]\ndefault = "simulator"  # for now\n'


def gateway(call: Call) -> Answer:
    if call.header("authorization") != f"Bearer {KEY}":
        return as_json(b'{"error": {"type": "authentication_error", "message": "Who are you?"}}', 401)
    if call.path.endswith("/models"):
        return as_json(models_body("claude-opus-4-8", "glm-5"))
    streams = json.loads(call.body).get("stream") is True
    return as_stream(*message_events("Served by the new one.", model="glm-5")) if streams else as_json(b"{}", 404)


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(gateway) as running:
        yield running


def asked(here: Stage, screen: Terminal, upstream: ScriptedUpstream) -> Path:
    """Everything answered but the last question. The settings file."""
    command = shlex.join([*here.cctui_command, "providers", "add", "custom", "--name", "gateway"])
    screen.open("/bin/sh", "-c", f"trap : INT; {command}; read rest", width=64)
    for question, answer in (
        ("Address:", f"{upstream.url}/v1/messages"),
        ("Key, env:NAME", KEY),
        ("Write the key itself?", "y"),
        ("First model", "glm"),
        ("Send all requests", "y"),
    ):
        screen.shows(question)
        screen.tmux("send-keys", "-l", answer)
        screen.tmux("send-keys", "Enter")
    shown = screen.shows("+ [providers.gateway]", "Write this into")
    assert KEY not in shown
    return here.cctui_home / "config.toml"


def test_a_provider_that_was_added_serves_the_real_client_at_once(
    stage: MakeStage, terminal: Callable[[Stage], Terminal], upstream: ScriptedUpstream
) -> None:
    here = stage(SETTINGS)
    screen = terminal(here)
    file = asked(here, screen, upstream)
    screen.tmux("send-keys", "Enter")
    screen.shows("Requests go to gateway/glm-5 from now on.")

    assert here.ask("Say who serves.") == "Served by the new one."
    assert here.requests()[-1]["provider"] == "gateway"
    assert '# by hand\n[route]\ndefault = "gateway/glm-5"  # for now\n' in file.read_text()


def test_ctrl_c_at_the_last_question_leaves_the_file_as_it_was(
    stage: MakeStage, terminal: Callable[[Stage], Terminal], upstream: ScriptedUpstream
) -> None:
    here = stage(SETTINGS)
    screen = terminal(here)
    before = (here.cctui_home / "config.toml").read_bytes()
    file = asked(here, screen, upstream)
    screen.tmux("send-keys", "C-c")
    screen.shows("Nothing was written.")

    assert file.read_bytes() == before
    assert [row["name"] for row in here.json("providers") if row["name"] == "gateway"] == []
