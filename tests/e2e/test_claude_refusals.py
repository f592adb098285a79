"""The real `claude` where a provider refuses what it is asked for, or thinks in silence: the turn is finished."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.stage import PROGRAM_TIMEOUT_S, Stage, provider
from tests.upstreams import (
    Answer,
    Call,
    Hold,
    Reply,
    ScriptedUpstream,
    as_json,
    as_stream,
    message_body,
    message_stream,
    models_body,
    tool_call,
)
from tests.upstreams.deepseek import refusal_of
from tests.upstreams.dialects import Name, Said, answer

MakeStage = Callable[[str], Stage]
ROUTE = '[route]\ndefault = "abroad/foreign-1"\n'
PROMPT, WINDOW = 17_459, 32_768
"""Tokens that the scripted server counts, and of its window."""


def abroad(upstream: ScriptedUpstream, dialect: str, **more: str) -> str:
    return provider("abroad", upstream.url, ("foreign-1",), dialect=f'"{dialect}"', **more)


def refused(words: str, **more: Any) -> Answer:
    """In OpenAI's shape, which holds Anthropic's."""
    error = {"type": "invalid_request_error", "message": words, **more}
    return as_json(json.dumps({"type": "error", "error": error}).encode(), 400)


def served(dialect: str, call: Call, text: str) -> Answer:
    if dialect != "anthropic":
        return answer("openai-chat", call, Said(text))
    streams = json.loads(call.body).get("stream")
    return as_stream(message_stream(text)) if streams else as_json(message_body(text))


VLLM = (
    "'max_tokens' or 'max_completion_tokens' is too large: {asked}. This model's maximum context length is {window} "
    "tokens and your request has {prompt} input tokens ({asked} > {window} - {prompt})."
)
CLAUDES = (
    "input length and `max_tokens` exceed context limit: {prompt} + {asked} > {window}, decrease input length or it"
)


@pytest.mark.parametrize(("dialect", "words"), [("openai-chat", VLLM), ("anthropic", CLAUDES)])
def test_the_client_asks_for_a_shorter_answer_where_the_window_has_no_room_for_it(
    stage: MakeStage, dialect: str, words: str
) -> None:
    asked: list[int] = []

    def small(call: Call) -> Answer:
        if not call.body:
            return as_json(models_body("foreign-1"))
        asked.append(json.loads(call.body)["max_tokens"])
        if asked[-1] > WINDOW - PROMPT:
            return refused(words.format(asked=asked[-1], window=WINDOW, prompt=PROMPT))
        return served(dialect, call, "It fits now.")

    with ScriptedUpstream(small) as upstream:
        here = stage(abroad(upstream, dialect) + ROUTE)

        assert here.ask("Say it.") == "It fits now."

        assert max(asked) > WINDOW - PROMPT
        assert min(asked) == WINDOW - PROMPT - 1000
        assert "output_too_long" in [each["outcome"] for row in here.requests() for each in row["attempts"]]


def test_the_client_compacts_where_a_stream_says_that_the_prompt_is_too_long(stage: MakeStage) -> None:
    words = (
        "Trying to keep the first 20000 tokens when context the overflows. However, the model is loaded with context "
        "length of only 16000 tokens, which is not enough."
    )
    full = threading.Event()

    def fills(call: Call) -> Answer:
        if not call.body:
            return as_json(models_body("foreign-1"))
        if full.is_set() and b"Turn 2" in call.body and b"detailed summary" not in call.body:
            full.clear()
            return as_stream(b'event: error\ndata: {"error":{"message":"%s"}}\n\n' % words.encode())
        return answer("openai-chat", call, Said("So be it."))

    with ScriptedUpstream(fills) as upstream:
        here = stage(abroad(upstream, "openai-chat") + ROUTE)
        here.ask("Turn 0: " + "retries and orders " * 300)
        here.ask("Turn 1: " + "retries and orders " * 300, "--continue")
        full.set()

        assert here.ask("Turn 2: and now?", "--continue") == "So be it."

        outcomes = [(row["outcome"], row["attempts"][0]["outcome"]) for row in here.requests()]
        assert ("failed", "prompt_too_long") in outcomes
        assert outcomes[-1] == ("served", "served")
        assert any(b"detailed summary" in call.body for call in upstream.calls)


UNVERIFIED = "Your organization must be verified to generate reasoning summaries. Please go to: https://example.com"
NO_EFFORT = "Unsupported parameter: 'reasoning.effort' is not supported with this model."


def test_what_an_account_or_a_model_of_openai_refuses_is_left_out_and_never_asked_for_again(stage: MakeStage) -> None:
    def picky(call: Call) -> Answer:
        if not call.body:
            return as_json(b'{"object":"list","data":[]}')
        wishes = json.loads(call.body).get("reasoning", {})
        if "summary" in wishes:
            return refused(UNVERIFIED, param="reasoning.summary", code="unsupported_value")
        if "effort" in wishes:
            return refused(NO_EFFORT, param="reasoning.effort", code="unsupported_parameter")
        return answer("openai-responses", call, Said("Answered all the same."))

    def tries() -> list[str]:
        return [each["outcome"] for each in here.requests()[-1]["attempts"]]

    with ScriptedUpstream(picky) as upstream:
        here = stage(provider("abroad", upstream.url, ("foreign-1",), preset='"openai"') + ROUTE)
        assert here.ask("First.", "--model", "claude-opus-4-8") == "Answered all the same."
        assert "invalid_request" in tries()

        assert here.ask("Second.", "--model", "claude-opus-4-8") == "Answered all the same."
        assert tries() == ["served"]

        (shown,) = [each["rejects"] for each in here.json("providers") if each["name"] == "abroad"]
        assert shown[0].startswith("foreign-1: reasoning.summary, since ")
        here.cctui("providers", "forget", "abroad")
        assert here.ask("Third.", "--model", "claude-opus-4-8") == "Answered all the same."
        assert tries()[0] == "invalid_request"


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses"])
def test_a_model_that_thinks_in_silence_is_waited_for(stage: MakeStage, dialect: Name) -> None:
    """The stream begins and says nothing more, until the client has got its beginning and pings."""

    def thinks(call: Call) -> Answer:
        if not call.body:
            return as_json(models_body("foreign-1"))
        whole = answer(dialect, call, Said("Thought it over."))
        if b"Think hard" not in call.body or b'"stream":true' not in call.body:
            return whole
        assert isinstance(whole, Reply)
        first, *rest = whole.body
        return as_stream(first, Hold(), *rest)  # type: ignore[arg-type]

    with ScriptedUpstream(thinks) as upstream, ThreadPoolExecutor() as beside:
        here = stage(abroad(upstream, dialect, first_event_timeout_s=str(PROGRAM_TIMEOUT_S)) + ROUTE)
        said = beside.submit(here.ask, "Think hard.")
        while not said.done() and "streaming" not in {row["phase"] for row in here.json("requests")}:
            pass
        upstream.release()

        assert said.result() == "Thought it over."

        (row,) = here.requests()
        assert (row["outcome"], len(row["attempts"])) == ("served", 1)


def test_a_sub_agent_works_on_deepseek_whose_servers_take_no_effort_without_thinking(stage: MakeStage) -> None:
    order = {"description": "look", "prompt": "SUBTASK: look around", "subagent_type": "general-purpose"}
    refusals: list[Answer] = []

    def deepseek(call: Call) -> Answer:
        if not call.body:
            return as_json(models_body("deepseek-v4-pro"))
        if (refusal := refusal_of(call)) is not None:
            refusals.append(refusal)
            return refusal
        if b"SUBTASK" in call.body and b"subagent_type" not in call.body:
            return as_stream(message_stream("Looked around."))
        if b'"tool_result"' in call.body or b"subagent_type" not in call.body:
            return as_stream(message_stream("The agent is back."))
        return as_stream(message_stream("", tools=[tool_call("Agent", order)]))

    with ScriptedUpstream(deepseek) as upstream:
        settings = provider("abroad", upstream.url, ("deepseek-v4-pro",), preset='"deepseek"')
        here = stage(settings + '[route]\ndefault = "abroad/deepseek-v4-pro"\n')

        said = here.ask("Delegate.", "--model", "claude-opus-4-8", "--effort", "high", "--dangerously-skip-permissions")

        assert "The agent is back." in said
        assert refusals == []
        assert {row["role"] for row in here.requests()} == {"main", "agent"}
