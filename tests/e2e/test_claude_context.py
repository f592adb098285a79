"""The real `claude`: what fills its window, and that its turns break no cache."""

import json
from collections.abc import Callable
from typing import Any

from tests.e2e.stage import Stage, provider
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, message_stream, models_body, tool_call

MakeStage = Callable[[str], Stage]
GATEWAY = '[route]\ndefault = "gateway"\n'


def cached(read: int, written: int) -> dict[str, Any]:
    split = {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
    counts = {"cache_read_input_tokens": read, "cache_creation_input_tokens": written, "cache_creation": split}
    return {"input_tokens": 5, "output_tokens": 20, **counts}


def reads(target: Callable[[], str], then: dict[str, Any]) -> Callable[[Call], Answer]:
    """An upstream that has a file read, and bills the turn after it as ``then`` says."""

    def answer(call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8"))
        if b'"input_schema"' not in call.body:
            return as_stream(message_stream("A title."))
        if b'"tool_result"' in call.body:
            return as_stream(message_stream("Read.", usage=then))
        wanted = tool_call("Read", {"file_path": target()})
        return as_stream(message_stream("", tools=[wanted], usage=cached(0, 14_000)))

    return answer


def test_a_file_that_was_read_is_named_among_what_fills_the_window(stage: MakeStage) -> None:
    with ScriptedUpstream() as upstream:
        here = stage(provider("gateway", upstream.url) + GATEWAY)
        file = here.project / "orders.txt"
        file.write_text("an order\n" * 1500)
        upstream.script = reads(lambda: str(file), cached(14_000, 6_000))

        assert here.ask("Read it.", "--model", "claude-opus-4-8", "--dangerously-skip-permissions") == "Read."

        window = here.json("context")
        assert (window["tokens"], window["counted"]) == (20_025, True)
        assert sum(part["tokens"] for part in window["parts"]) == 20_025
        assert window["biggest"][0]["name"].startswith("Read ")
        assert window["biggest"][0]["name"].endswith("orders.txt")
        assert {part["kind"] for part in window["parts"]} >= {"system", "tools", "messages", "tool_results"}


def test_the_turns_of_the_real_client_begin_as_the_ones_before(stage: MakeStage) -> None:
    with ScriptedUpstream() as upstream:
        here = stage(provider("gateway", upstream.url) + GATEWAY)
        (here.project / "orders.txt").write_text("an order\n")
        upstream.script = reads(lambda: str(here.project / "orders.txt"), cached(0, 14_500))

        here.ask("Read it.", "--model", "claude-opus-4-8", "--dangerously-skip-permissions")

        (broken,) = here.json("cache")["breaks"]
        assert broken["reason"] == "the prompt began as before; the provider no longer had it"
        assert broken["lost_tokens"] == 14_000
        bodies = [json.loads(call.body) for call in upstream.calls if b'"input_schema"' in call.body]
        assert len(bodies) == 2
