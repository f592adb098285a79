"""Every line of the table of outcomes, on one request: alone, with another target and fallback on, and off."""

import json

import pytest

from proxy.protocol.outcome import TABLE
from tests.proxy.faults.lines import CASES, IDS, LINES, Line, own_body, served, serving
from tests.proxy.faults.stage import SECOND_KEY, Stage, Stages
from tests.proxy.running_engine import encoded, message

pytestmark = pytest.mark.asyncio(loop_scope="module")
cases = pytest.mark.parametrize(("name", "stream"), CASES, ids=IDS)

REACHED_ELSEWHERE = {
    "served", "client_left", "thinking_refused", "window_too_small", "ability_missing",
    "connect_refused", "dns_failed", "tls_failed", "connect_timeout", "no_credential",
}  # fmt: skip
"""Lines of other modules here: they need a port, a history or a key of their own."""


async def assert_the_line_s_own_end(stage: Stage, line: Line, *, stream: bool) -> None:
    """The client, the record and the upstreams see the failure of the first provider and nothing else."""
    response, record = await stage.ask(stream=stream)
    reason = record.attempts[0].reason or ""
    expected = own_body(line, reason)
    assert (json.loads(response.content) if line.given == "typed" else response.content) == expected
    assert (response.status_code, record.status) == (line.client_status, line.client_status)
    tried = [(each.provider, each.outcome, each.status) for each in record.attempts]
    assert tried == [("first", line.outcome, line.status)]
    assert (record.outcome, record.error) == ("broken" if line.began else "failed", reason)
    assert reason.startswith(f"first: {line.row.advice}")
    assert (record.usage.output_tokens, record.usage_estimated) == ((2, True) if line.began else (0, False))
    assert list(stage.keys()) == [("Bearer key-of-the-provider", encoded(message(stream=stream)))]


async def assert_health_knows(stage: Stage, line: Line) -> None:
    """The provider's view and the open breakers are what the table says of ``line``."""
    first = await stage.provider()
    assert first.health == (line.row.health or "unused")
    assert stage.opened() == ({line.row.scope: line.outcome} if line.row.scope else {})
    assert (first.retry_at is not None, bool(first.health_text)) == (line.row.health is not None,) * 2


async def test_every_line_of_the_table_is_reached_by_a_test() -> None:
    assert {line.outcome for line in LINES.values()} | REACHED_ELSEWHERE == set(TABLE)


@cases
async def test_alone_the_client_gets_the_failure_and_health_knows_it(stages: Stages, name: str, stream: bool) -> None:
    stage = await stages.of("alone", LINES[name])
    await assert_the_line_s_own_end(stage, LINES[name], stream=stream)
    await assert_health_knows(stage, LINES[name])


@cases
async def test_with_fallback_off_nobody_else_hears_of_it(stages: Stages, name: str, stream: bool) -> None:
    stage = await stages.of("fallback off", LINES[name])
    await assert_the_line_s_own_end(stage, LINES[name], stream=stream)


@cases
async def test_with_fallback_on_the_next_target_serves_what_may_move_on(
    stages: Stages, name: str, stream: bool
) -> None:
    line = LINES[name]
    stage = await stages.of("fallback on", line)
    if not line.row.next_target:
        await assert_the_line_s_own_end(stage, line, stream=stream)
        return
    response, record = await stage.ask(stream=stream)
    assert (response.status_code, response.content) == (200, served(stream=stream))
    tried = [(each.provider, each.outcome, each.status) for each in record.attempts]
    assert tried == [("first", line.outcome, line.status), ("second", "served", 200)]
    assert (record.outcome, record.provider, record.fell_back) == ("served", "second", True)
    sent = encoded(message(stream=stream))
    assert list(stage.keys()) == [("Bearer key-of-the-provider", sent), (f"Bearer {SECOND_KEY}", sent)]
    await assert_health_knows(stage, line)


@cases
async def test_the_request_after_it_skips_a_target_that_rests_and_says_why(
    stages: Stages, name: str, stream: bool
) -> None:
    line = LINES[name]
    stage = await stages.of("fallback on", line)
    await stage.ask(stream=stream)
    serving(stage.first, "Hello from the first.")
    response, record = await stage.ask(stream=stream)
    rests = line.row.scope is not None
    assert response.content == served(f"Hello from the {'second' if rests else 'first'}.", stream=stream)
    assert [each.outcome for each in record.attempts] == (["skipped", "served"] if rests else ["served"])
    assert (record.attempts[0].reason or "").startswith(f"first: {line.row.advice}" if rests else "")
