"""How the simulator behaves: pace, faults, outages, its prompt cache, and its transport under httpx."""

import asyncio
import io
import itertools
import json
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from proxy.contract import Usage
from proxy.simulator import SimulatorPlan, SimulatorTransport
from proxy.simulator.plan import draw
from proxy.simulator.prompt_cache import PromptCache
from proxy.simulator.request import Piece, SimRequest
from proxy.simulator.site import Site

BODY = {
    "model": "claude-opus-5-5",
    "max_tokens": 4000,
    "stream": True,
    "messages": [{"role": "user", "content": "Find the bug"}],
}


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


def client(clock: Clock, **plan: Any) -> httpx.AsyncClient:
    transport = SimulatorTransport({"sim": SimulatorPlan(**plan)}, clock, clock.sleep)
    return httpx.AsyncClient(transport=transport, base_url="http://SIM.simulator.invalid")


async def ask(http: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await http.post("/v1/messages?beta=true", json={**BODY, **fields})


def pieces(*marks: str | None, tokens: int = 1000) -> list[Piece]:
    """Pieces named by their position, with cache marks."""
    return [Piece(bytes([number]), tokens, mark) for number, mark in enumerate(marks)]  # type: ignore[arg-type]


async def test_the_first_words_come_after_the_first_event_time_and_the_rest_in_pace() -> None:
    clock = Clock()
    async with client(clock, first_event_s=10.0, tokens_per_s=1.0) as http:
        answer = await ask(http)
    assert sum(clock.naps[:2]) == pytest.approx(10.0, rel=0.21)
    last = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")][-2]
    assert sum(clock.naps[2:]) == pytest.approx(last["usage"]["output_tokens"], rel=0.3)


async def test_an_answer_that_does_not_stream_takes_its_whole_time_first() -> None:
    clock = Clock()
    async with client(clock, first_event_s=10.0, tokens_per_s=1.0) as http:
        answer = (await ask(http, stream=False)).json()
    assert clock.naps[0] > answer["usage"]["output_tokens"] / 1.3


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("overloaded", 529, "overloaded_error"),
        ("rate-limit", 429, "rate_limit_error"),
        ("refused", 401, "authentication_error"),
        ("server-error", 500, "api_error"),
    ],
)
async def test_a_fault_with_a_status_answers_in_the_error_shape(fault: str, status: int, kind: str) -> None:
    async with client(Clock(), faults={fault: 1.0}) as http:
        answer = await ask(http)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    assert ("retry-after" in answer.headers) == (fault == "rate-limit")


async def test_a_break_loses_the_connection_after_words_were_sent() -> None:
    async with client(Clock(), faults={"break": 1.0}) as http, http.stream("POST", "/v1/messages", json=BODY) as answer:
        received = io.BytesIO()
        with pytest.raises(httpx.ReadError):
            await _collect(answer, received)
    assert b"text_delta" in received.getvalue()
    assert b"message_stop" not in received.getvalue()


async def _collect(answer: httpx.Response, received: io.BytesIO) -> None:
    async for chunk in answer.aiter_raw():
        received.write(chunk)


async def test_a_break_of_an_unstreamed_answer_loses_half_of_it() -> None:
    async with client(Clock(), faults={"break": 1.0}) as http:
        with pytest.raises(httpx.ReadError):
            await ask(http, stream=False)


async def test_an_error_can_be_the_first_event() -> None:
    async with client(Clock(), faults={"first-event-error": 1.0}) as http:
        answer = await ask(http)
    assert answer.status_code == 200
    assert answer.text.startswith("event: error\n")


async def test_a_slow_request_answers_its_head_and_lets_its_first_words_wait() -> None:
    clock = Clock()
    async with client(clock, faults={"slow": 1.0}, slow_s=500.0, first_event_s=1.0) as http:
        answer = await ask(http)
    assert clock.naps[0] < 1.0
    assert clock.naps[1] > 500.0
    assert "message_stop" in answer.text


def test_an_outage_ends_each_period_and_hits_every_request() -> None:
    plan = SimulatorPlan(outage_every_s=6.0, outage_for_s=3.0, outage_fault="server-error")
    assert [plan.fault(second, 0.999) for second in (0, 2.9, 3.0, 5.9, 6.0, 9.1)] == [
        None, None, "server-error", "server-error", None, "server-error",
    ]  # fmt: skip


def test_faults_come_at_their_rates() -> None:
    plan = SimulatorPlan(faults={"overloaded": 0.1, "break": 0.2})
    drawn = [plan.fault(0.0, draw("rates", number)) for number in range(4000)]
    assert drawn.count("overloaded") == pytest.approx(400, abs=80)
    assert drawn.count("break") == pytest.approx(800, abs=120)


async def test_a_repeated_request_draws_its_fault_anew() -> None:
    async with client(Clock(), faults={"overloaded": 0.5}, seed=3) as http:
        statuses = {(await ask(http, max_tokens=1)).status_code for _ in range(20)}
    assert statuses == {200, 529}


async def test_rate_limits_are_told_and_count_down() -> None:
    async with client(Clock()) as http:
        left = [int((await ask(http)).headers["anthropic-ratelimit-tokens-remaining"]) for _ in range(2)]
        answer = await ask(http)
    assert left[1] < left[0]
    assert answer.headers["request-id"].startswith("req_")
    assert not [name for name in answer.headers if "unified" in name]


async def test_an_unknown_host_cannot_be_reached() -> None:
    transport = SimulatorTransport({"sim": SimulatorPlan()})
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://other.simulator.invalid/v1/models")


async def test_closing_an_answer_ends_its_reader_in_mid_pause() -> None:
    asleep = asyncio.Event()
    naps = itertools.count()

    async def sleep(_: float) -> None:
        if next(naps) > 0:
            asleep.set()
            await asyncio.Event().wait()

    transport = SimulatorTransport({"sim": SimulatorPlan()}, sleep=sleep)
    request = httpx.Request("POST", "http://sim.simulator.invalid/v1/messages", json=BODY)
    answer = await transport.handle_async_request(request)
    reader = asyncio.create_task(_drain(answer))
    await asleep.wait()
    await answer.aclose()
    assert b"message_start" in await reader


async def _drain(answer: httpx.Response) -> bytes:
    assert isinstance(answer.stream, httpx.AsyncByteStream)
    return b"".join([chunk async for chunk in answer.stream])


async def test_the_words_of_an_answer_are_made_as_they_are_sent() -> None:
    clock = Clock()
    async with client(clock) as http, http.stream("POST", "/v1/messages", json=BODY) as answer:
        await anext(answer.aiter_raw())
        assert len(clock.naps) == 1


def test_a_prefix_is_written_once_and_read_from_then_on() -> None:
    cache = PromptCache()
    first = cache.read("s", pieces(None, "5m", None), now=0.0)
    assert first == Usage(input_tokens=1000, cache_write_5m_tokens=2000)
    longer = cache.read("s", pieces(None, None, None, "5m"), now=10.0)
    assert longer == Usage(cache_read_tokens=2000, cache_write_5m_tokens=2000)


def test_the_hour_and_the_five_minutes_are_written_apart() -> None:
    written = PromptCache().read("s", pieces("1h", None, "5m"), now=0.0)
    assert written == Usage(cache_write_1h_tokens=1000, cache_write_5m_tokens=2000)


def test_a_cache_forgets_in_time_and_sessions_do_not_share_it() -> None:
    cache = PromptCache()
    whole = pieces(None, "5m")
    cache.read("s", whole, now=0.0)
    assert cache.read("other", whole, now=1.0).cache_read_tokens == 0
    assert cache.read("s", whole, now=301.0).cache_read_tokens == 0
    assert cache.read("s", whole, now=302.0).cache_read_tokens == 2000


def test_short_prompts_and_prompts_without_a_mark_are_not_cached() -> None:
    cache = PromptCache()
    assert cache.read("s", pieces("5m", tokens=1000), now=0.0) == Usage(input_tokens=1000)
    assert cache.read("s", pieces(None, None), now=0.0) == Usage(input_tokens=2000)
    assert len(cache) == 0


def test_the_memory_of_a_cache_is_bounded() -> None:
    cache = PromptCache(capacity=10)
    for session in range(50):
        cache.read(str(session), pieces(None, "5m"), now=0.0)
    assert len(cache) == 10


def test_a_moved_mark_does_not_change_what_the_cache_knows() -> None:
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    first = _pieces_of([{"type": "text", "text": "long", **mark}])
    later = _pieces_of([{"type": "text", "text": "long"}])
    assert [piece.digest for piece in first] == [piece.digest for piece in later]
    assert [piece.ttl for piece in first] == ["1h"]


def _pieces_of(content: object) -> Iterable[Piece]:
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": content}]}
    return SimRequest(json.dumps(body, separators=(",", ":")).encode()).pieces


def test_two_sites_with_one_seed_meet_the_same_faults() -> None:
    runs = [_statuses(Site("sim", SimulatorPlan(faults={"overloaded": 0.5}), 0.0, seed=5)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 529}


def _statuses(site: Site) -> list[int]:
    content = json.dumps(BODY).encode()
    return [site.respond("POST", "/v1/messages", {}, content, 0.0).status for _ in range(20)]
