"""Providers that cannot even be reached: told apart, passed over, and held against the whole provider."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from proxy.protocol.outcome import TABLE, error_body
from tests.proxy.conftest import StartEngine
from tests.proxy.faults.lines import served, serving
from tests.proxy.running_engine import message, provider, settings
from tests.upstreams import CLAUDE, Refused, ScriptedUpstream
from tests.upstreams.plain import no_tls

Place = Callable[[], AbstractAsyncContextManager[str]]


@contextlib.asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    with Refused() as refused:
        yield refused.url


@contextlib.asynccontextmanager
async def no_name() -> AsyncIterator[str]:
    yield "http://name.invalid"


@contextlib.asynccontextmanager
async def a_full_house() -> AsyncIterator[str]:
    """A port whose queue of connections is full, so that the next one gets no answer."""
    with socket.socket() as busy, contextlib.ExitStack() as waiting:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        for _ in range(2):
            guest = waiting.enter_context(socket.socket())
            guest.setblocking(False)
            guest.connect_ex(busy.getsockname())
        yield f"http://127.0.0.1:{busy.getsockname()[1]}"


PLACES: dict[str, Place] = {
    "connect_refused": nobody,
    "dns_failed": no_name,
    "tls_failed": no_tls,
    "connect_timeout": a_full_house,
}
places = pytest.mark.parametrize("outcome", list(PLACES))
PATIENCE: dict[str, dict[str, float]] = {"connect_timeout": {"connect_timeout_s": 1.0}}
"""Where no other failure is to come first; enough for another server of this machine to be reached."""
streams = pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])


@places
@streams
async def test_alone_the_client_reads_the_engine_s_sentence(start: StartEngine, outcome: str, stream: bool) -> None:
    row = TABLE[outcome]
    async with PLACES[outcome]() as url:
        engine = await start(settings(provider(url), engine=PATIENCE.get(outcome, {})))
        response = await engine.ask(message(stream=stream))
    record = await engine.record()
    reason = record.attempts[0].reason or ""
    assert (response.status_code, response.content) == (row.status, error_body(row.error_type, reason))
    assert [(each.outcome, each.status) for each in record.attempts] == [(outcome, None)]
    assert reason.startswith(f"first: {row.advice}")


@places
@streams
async def test_the_next_target_serves_and_the_whole_provider_rests(
    start: StartEngine, second: ScriptedUpstream, outcome: str, stream: bool
) -> None:
    serving(second)
    async with PLACES[outcome]() as url:
        engine = await start(settings(provider(url), provider(second), fallback=True, engine=PATIENCE.get(outcome, {})))
        responses = [await engine.ask(message(model, stream=stream)) for model in (CLAUDE, "claude-haiku-4-5")]
    records = [await engine.record(number) for number in (1, 2)]
    assert {response.content for response in responses} == {served(stream=stream)}
    tried = [[each.outcome for each in record.attempts] for record in records]
    assert tried == [[outcome, "served"], ["skipped", "served"]]


async def test_a_provider_without_a_credential_is_passed_over(start: StartEngine, second: ScriptedUpstream) -> None:
    first = provider("http://name.invalid", api_key="env:NOT_SET")
    engine = await start(settings(first, provider(second), fallback=True))
    response = await engine.ask()
    record = await engine.record()
    assert response.status_code == 200
    assert [each.outcome for each in record.attempts] == ["no_credential", "served"]
    assert "NOT_SET" in (record.attempts[0].reason or "")
