"""The real `claude` while providers fail: the turn is finished all the same."""

import json
from collections.abc import Callable

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
)

MakeStage = Callable[[str], Stage]

CHAIN = '[route]\ndefault = "first"\nfallback = ["second"]\n'
OVERLOADED = as_json(error_body("overloaded_error", "Overloaded"), 529, [("retry-after", "0")])


def second(call: Call) -> Answer:
    if call.path.endswith("/models"):
        return as_json(models_body("claude-opus-4-8", "claude-haiku-4-5"))
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
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8"))
        return told.pop(0)

    with ScriptedUpstream(first) as upstream, ScriptedUpstream(second) as other:
        here = stage(provider("first", upstream.url) + provider("second", other.url) + CHAIN)
        here.cctui("fallback", "off")

        assert here.ask("Go.", "--model", "claude-opus-4-8") == "Back again."

        assert [row["status"] for row in here.requests()] == [529, 529, 200]
        assert [call for call in other.calls if call.path.endswith("/messages")] == []


def test_a_stream_that_breaks_midway_is_finished_by_the_clients_own_repeat(stage: MakeStage) -> None:
    def breaks(call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8"))
        if json.loads(call.body).get("stream"):
            return as_stream(*message_events("This breaks off here", model="claude-opus-4-8")[:5], Break())
        return as_json(message_body("Whole at last.", model="claude-opus-4-8"))

    with ScriptedUpstream(breaks) as upstream:
        here = stage(provider("first", upstream.url) + '[route]\ndefault = "first"\n')

        assert here.ask("Go.", "--model", "claude-opus-4-8") == "Whole at last."

        assert [row["outcome"] for row in here.requests()] == ["broken", "served"]
        assert [row["streaming"] for row in here.requests()] == [True, False]
