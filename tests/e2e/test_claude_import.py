"""`cctui import` on transcripts that the real client wrote, beside cctui and through it."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.e2e.stage import PROGRAM_TIMEOUT_S, Stage, provider
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, message_stream, models_body, tool_call

MakeStage = Callable[[str], Stage]

ORDER = {"description": "look", "prompt": "SUBTASK: look around", "subagent_type": "general-purpose"}


class Biller:
    """An upstream that delegates once, gives each answer an id and a bill of its own, and streams thinking first."""

    def __init__(self) -> None:
        self.billed = 0

    def __call__(self, call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8"))
        if call.header("x-claude-code-agent-id"):
            return self._answer("Looked around.")
        if b'"tool_result"' in call.body or b'"Agent"' not in call.body:
            return self._answer("The agent is back.")
        return self._answer("Let me ask.", tool_call("Agent", ORDER))

    def _answer(self, text: str, *tools: Any) -> Answer:
        self.billed += 1
        usage = {
            "input_tokens": 10 + self.billed,
            "cache_creation_input_tokens": 1000,
            "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400},
            "cache_read_input_tokens": 20_000,
            "output_tokens": 40 + self.billed,
        }
        stream = message_stream(text, usage=usage, thinking="Hm.", tools=tools)
        reply = as_stream(stream.replace(b"msg_scripted01", b"msg_%04d" % self.billed))
        return replace(reply, headers=(*reply.headers, ("request-id", f"req_{self.billed:04d}")))


def ask_beside(stage: Stage, url: str, prompt: str, *arguments: str) -> Any:
    """What the client says of itself when it talks to the upstream directly."""
    done = subprocess.run(
        [str(stage.claude), "-p", prompt, "--model", "claude-opus-4-8", "--output-format", "json", *arguments],
        cwd=stage.project,
        env={**stage.environment, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "key-of-the-user"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PROGRAM_TIMEOUT_S,
        check=True,
    )
    return json.loads(done.stdout)


def test_what_the_client_did_beside_cctui_costs_what_the_client_says(stage: MakeStage) -> None:
    with ScriptedUpstream(Biller()) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')
        ask_beside(here, upstream.url, "Delegate.", "--dangerously-skip-permissions")
        ask_beside(here, upstream.url, "Again.", "--continue")
        fork = ask_beside(here, upstream.url, "Another way.", "--continue", "--fork-session")
        files = {file: file.read_bytes() for file in here.home.rglob("*.jsonl")}

        report = here.json("import")

        assert report["bad_lines"] == []
        assert report["added"]["cost_usd"] == round(fork["total_cost_usd"], 9)
        assert report["known"] > 0, "the fork begins with a copy"
        rows = here.json("requests")
        assert {row["project"] for row in rows} == {"shop-api"}
        assert [row["role"] for row in rows if row["agent_id"]] == ["agent"]
        assert here.json("import")["added"]["requests"] == 0
        assert {file: file.read_bytes() for file in here.home.rglob("*.jsonl")} == files


def test_what_went_through_the_engine_is_not_counted_again(stage: MakeStage) -> None:
    with ScriptedUpstream(Biller()) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')
        here.ask("Delegate.", "--dangerously-skip-permissions", "--model", "claude-opus-4-8")
        before = here.json("usage")["total"]

        report = here.json("import")

        assert (report["added"]["requests"], report["bad_lines"]) == (0, [])
        assert report["known"] >= 3
        assert here.json("usage")["total"] == before
