"""The real `claude` while providers fail: the turn is finished all the same."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.stage import Stage, provider
from tests.upstreams import (
    Answer,
    Break,
    Call,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_body,
    message_events,
    message_stream,
    models_body,
    tool_call,
)

MakeStage = Callable[[str], Stage]

CHAIN = '[route]\ndefault = "first"\nfallback = ["second"]\n'
OVERLOADED = as_json(error_body("overloaded_error", "Overloaded"), 529, [("retry-after", "0")])


def listed(call: Call) -> Answer | None:
    """The answer to what is no turn of a conversation: the list, and the client's own requests, such as for titles."""
    if call.path.endswith("/models"):
        return as_json(models_body("claude-opus-4-8", "claude-haiku-4-5"))
    if b'"input_schema"' in call.body:
        return None
    body = json.loads(call.body)
    if body.get("stream"):
        return as_stream(message_stream('{"title": "A title"}', model=body["model"]))
    return as_json(message_body('{"title": "A title"}', model=body["model"]))


def second(call: Call) -> Answer:
    if (answer := listed(call)) is not None:
        return answer
    body = json.loads(call.body)
    if body.get("stream"):
        return as_stream(message_stream("Served by the second.", model=body["model"]))
    return as_json(message_body("Served by the second.", model=body["model"]))


def test_an_overloaded_first_target_is_replaced_by_the_second(stage: MakeStage) -> None:
    with ScriptedUpstream(OVERLOADED) as upstream, ScriptedUpstream(second) as other:
        here = stage(provider("first", upstream.url) + provider("second", other.url) + CHAIN)

        assert here.ask("Go.", "--model", "claude-opus-4-8") == "Served by the second."

        row = here.requests()[-1]
        assert [(each["provider"], each["outcome"], each["status"]) for each in row["attempts"]] == [
            ("first", "overloaded", 529),
            ("second", "served", 200),
        ]
        assert row["provider"] == "second"


def test_with_fallback_off_the_client_gets_the_overload_itself(stage: MakeStage) -> None:
    told = [OVERLOADED, OVERLOADED, as_stream(message_stream("Back again."))]

    def first(call: Call) -> Answer:
        return listed(call) or told.pop(0)

    with ScriptedUpstream(first) as upstream, ScriptedUpstream(second) as other:
        here = stage(provider("first", upstream.url) + provider("second", other.url) + CHAIN)
        here.cctui("fallback", "off")

        assert here.ask("Go.", "--model", "claude-opus-4-8") == "Back again."

        assert [row["status"] for row in here.requests()] == [529, 529, 200]
        assert [call for call in other.calls if b'"input_schema"' in call.body] == []


def test_a_stream_that_breaks_midway_is_finished_by_the_clients_own_repeat(stage: MakeStage) -> None:
    def breaks(call: Call) -> Answer:
        if (answer := listed(call)) is not None:
            return answer
        if json.loads(call.body).get("stream"):
            return as_stream(*message_events("This breaks off here", model="claude-opus-4-8")[:5], Break())
        return as_json(message_body("Whole at last.", model="claude-opus-4-8"))

    with ScriptedUpstream(breaks) as upstream:
        here = stage(provider("first", upstream.url) + '[route]\ndefault = "first"\n')

        assert here.ask("Go.", "--model", "claude-opus-4-8") == "Whole at last."

        assert [row["outcome"] for row in here.requests()] == ["broken", "served"]
        assert [row["streaming"] for row in here.requests()] == [True, False]


class WorkingProvider:
    """Writes a file when asked to and says so afterwards; counts its turns."""

    def __init__(self, target: Path, words: str, fails: Callable[[int, Call], Answer | None] = lambda *_: None) -> None:
        self.target = target
        self.words = words
        self.fails = fails
        self.turns = 0

    def __call__(self, call: Call) -> Answer:
        if (answer := listed(call)) is not None:
            return answer
        self.turns += 1
        if (failure := self.fails(self.turns, call)) is not None:
            return failure
        return self.work(call)

    def work(self, call: Call) -> Answer:
        body = json.loads(call.body)
        sub = call.header("x-claude-code-agent-id") is not None
        done = b'"tool_result"' in call.body
        tools = {tool.get("name") for tool in body.get("tools", [])}
        text, calls = self.words, []
        if not done and "Delegate" in json.dumps(body["messages"]) and not sub and "Agent" in tools:
            order = {"description": "write", "prompt": "SUBTASK: write it", "subagent_type": "general-purpose"}
            text, calls = "", [tool_call("Agent", order)]
        elif not done and "Write" in tools:
            text, calls = "", [tool_call("Write", {"file_path": str(self.target), "content": self.words})]
        if not body.get("stream"):
            return as_json(message_body(text, model=body["model"], tools=calls))
        return as_stream(message_stream(text, model=body["model"], tools=calls))


def broken(call: Call) -> Answer:
    return as_stream(*message_events("This breaks off here", model="claude-opus-4-8")[:5], Break())


@pytest.mark.parametrize("turn", [1, 2], ids=["before the turn", "in the tool loop"])
@pytest.mark.parametrize("fault", [lambda _: OVERLOADED, broken], ids=["overloaded", "breaks off"])
def test_the_task_is_finished_whatever_the_primary_does(
    stage: MakeStage, tmp_path: Path, turn: int, fault: Callable[[Call], Answer]
) -> None:
    target = tmp_path / "shop-api" / "note.txt"
    first = WorkingProvider(target, "Done.", lambda number, call: fault(call) if number >= turn else None)
    other = WorkingProvider(target, "Done.")
    with ScriptedUpstream(first) as upstream, ScriptedUpstream(other) as fallback:
        here = stage(provider("first", upstream.url) + provider("second", fallback.url) + CHAIN)

        assert here.ask("Write note.txt", "--model", "claude-opus-4-8", "--dangerously-skip-permissions") == "Done."

        assert target.read_text() == "Done."
        last = here.requests()[-1]
        assert (last["outcome"], last["provider"]) == ("served", "second")


def test_an_outage_during_a_sub_agent_does_not_end_the_task(stage: MakeStage, tmp_path: Path) -> None:
    target = tmp_path / "shop-api" / "note.txt"
    first = WorkingProvider(
        target, "Done.", lambda _, call: OVERLOADED if call.header("x-claude-code-agent-id") else None
    )
    other = WorkingProvider(target, "Done.")
    with ScriptedUpstream(first) as upstream, ScriptedUpstream(other) as fallback:
        here = stage(provider("first", upstream.url) + provider("second", fallback.url) + CHAIN)

        said = here.ask("Delegate it.", "--model", "claude-opus-4-8", "--dangerously-skip-permissions")

        assert said.endswith("Done.")
        assert target.read_text() == "Done."
        served = {row["provider"] for row in here.requests() if row["agent_id"]}
        assert served == {"second"}


def test_after_a_switch_to_a_small_window_the_client_compacts_and_goes_on(stage: MakeStage) -> None:
    """The engine's own sentence, before anything is sent to the target that cannot hold the conversation."""

    def answers(call: Call) -> Answer:
        if (answer := listed(call)) is not None:
            return answer
        body = json.loads(call.body)
        usage = {"input_tokens": 30_000} if len(body["messages"]) > 2 else {"input_tokens": 15_000}
        if body["model"] == "small":
            usage = {"input_tokens": 9_000}
        return as_stream(message_stream("So be it.", model=body["model"], usage=usage))

    window = "context_windows = { small = 28000 }"
    with ScriptedUpstream(answers) as upstream:
        settings = provider("gateway", upstream.url, ("claude-opus-4-8", "small")) + window + "\n"
        here = stage(settings + '[route]\ndefault = "gateway"\n')
        here.ask("First: " + "retries and orders " * 300, "--model", "claude-opus-4-8")
        for number in range(3):
            here.ask(f"Turn {number}: " + "retries and orders " * 300, "--continue", "--model", "claude-opus-4-8")
        before = here.requests()

        here.cctui("use", "gateway/small")
        assert here.ask("And now?", "--continue", "--model", "claude-opus-4-8") == "So be it."

        after = here.requests()[len(before) :]
        assert after[0]["outcome"] == "failed"
        assert "too small" in after[0]["error"]
        assert after[-1]["outcome"] == "served"


def test_thinking_of_one_provider_is_not_shown_to_another_and_comes_back(stage: MakeStage) -> None:
    def thinks(signature: str) -> Callable[[Call], Answer]:
        def script(call: Call) -> Answer:
            if (answer := listed(call)) is not None:
                return answer
            model = json.loads(call.body)["model"]
            events = message_stream("Thought about it.", model=model, thinking="Hm.")
            return as_stream(events.replace(b"c2lnbmVk", signature.encode()))

        return script

    with ScriptedUpstream(thinks("of-the-first")) as upstream, ScriptedUpstream(thinks("of-the-second")) as other:
        here = stage(provider("first", upstream.url) + provider("second", other.url) + '[route]\ndefault = "first"\n')
        signatures: list[list[bytes]] = []
        for target in ("as-asked", "second", "as-asked"):
            here.cctui("use", target)
            turn = ["--continue"] if signatures else []
            here.ask("Think.", *turn, "--model", "claude-opus-4-8")
            called = upstream if target == "as-asked" else other
            sent = [call.body for call in called.calls if b'"input_schema"' in call.body][-1]
            signatures.append(sorted(mark for mark in (b"of-the-first", b"of-the-second") if mark in sent))

        assert signatures == [[], [], [b"of-the-first"]]
        assert here.requests()[1]["outcome"] == "served"
