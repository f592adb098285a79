"""A conversation that outgrew its new target can be shortened: the summary is made where it was held before."""

import json
from typing import Any

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import ScriptedUpstream, as_json, error_body

COMPACTION = "Your task is to create a detailed summary of the conversation so far."


def long_conversation(last: str) -> dict[str, Any]:
    return message(messages=[{"role": "user", "content": "words " * 4000}, {"role": "user", "content": last}])


async def switched(start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream) -> RunningEngine:
    small = provider(second, models=["small"], context_windows={"small": 1000})
    engine = await start(settings(provider(upstream), small))
    assert (await engine.command("use", c.Use(target="second/small"))).status_code == 200
    return engine


async def test_a_turn_that_does_not_fit_gets_the_sentence_on_which_the_client_compacts(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await switched(start, upstream, second)

    response = await engine.ask(long_conversation("And now?"))

    error = json.loads(response.content)["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["message"].startswith("prompt is too long: ")
    assert error["message"].endswith(" tokens > 1000 maximum")
    assert (upstream.calls, second.calls) == ([], [])


async def test_the_request_for_a_summary_goes_where_the_conversation_was_held(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await switched(start, upstream, second)

    response = await engine.ask(long_conversation(COMPACTION))

    assert response.status_code == 200
    record = await engine.record()
    assert [(each.provider, each.outcome) for each in record.attempts] == [("second", "skipped"), ("first", "served")]
    assert json.loads(upstream.calls[0].body)["model"] == "claude-opus-4-8"


async def test_a_summary_that_fits_is_made_by_the_new_target(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await switched(start, upstream, second)

    await engine.ask(message(messages=[{"role": "user", "content": COMPACTION}]))

    assert (len(upstream.calls), len(second.calls)) == (0, 1)


async def test_a_summary_whose_new_target_fails_does_not_go_back_to_the_provider_that_was_left(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await switched(start, upstream, second)
    second.script = as_json(error_body("api_error", "down"), 500)

    response = await engine.ask(message(messages=[{"role": "user", "content": COMPACTION}]))

    assert (response.status_code, upstream.calls) == (500, [])


async def test_a_summary_that_fits_nowhere_gets_the_sentence_though_the_default_target_is_gone(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    small = provider(upstream, models=["small"], context_windows={"small": 1000})
    engine = await start(settings(small, route={"default": "gone/large"}))
    assert (await engine.command("use", c.Use(target="first/small"))).status_code == 200

    response = await engine.ask(long_conversation(COMPACTION))

    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("prompt is too long: ")
