"""Several keys of a provider: which one a session uses, and what happens to one that is limited or refused."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.protocol.pool import KeyPool
from proxy.protocol.redact import fingerprint
from tests.proxy.conftest import StartEngine
from tests.proxy.faults.clock import Clock
from tests.proxy.faults.lines import UNIFIED, serving
from tests.proxy.running_engine import RunningEngine, passthrough, provider, settings
from tests.upstreams import Answer, Call, Reply, ScriptedUpstream, as_json, as_stream, error_body, message_stream

KEYS = [f"sk-one-{'x' * 20}-1111", f"sk-two-{'x' * 20}-2222", f"sk-tri-{'x' * 20}-3333"]
SHOWN = ["sk-on…1111", "sk-tw…2222", "sk-tr…3333"]

LIMITED = as_json(error_body("rate_limit_error", "slow down"), 429, (("retry-after", "60"),))
REFUSED = as_json(error_body("authentication_error", "invalid x-api-key"), 401)
FINE = as_stream(message_stream())


def by_key(**answers: Reply) -> Any:
    """A script that answers by the key's middle word: ``one``, ``two``, ``tri``; others are served."""

    def answer(call: Call) -> Answer:
        return answers.get((call.header("authorization") or "").split("-")[1], FINE)

    return answer


def session_of(*order: int) -> str:
    """A session that takes the keys in this order of their numbers, as one after the other is closed."""
    marks, names = [fingerprint(key)[:8] for key in KEYS], (f"session {number}" for number in range(100))
    return next(name for name in names if tuple(_choices(KeyPool(marks), name)) == order)


def _choices(pool: KeyPool, session: str) -> Iterator[int]:
    tried: list[int] = []
    while (number := pool.choose(session, lambda _: True, tried)) is not None:
        tried.append(number)
        yield number


ONE, TWO, TRI = session_of(0, 1, 2), session_of(1, 2, 0), session_of(2, 0, 1)


def used(upstream: ScriptedUpstream) -> list[str]:
    return [(call.header("authorization") or "").removeprefix("Bearer ") for call in upstream.calls]


@pytest.fixture
async def engine(start: StartEngine, upstream: ScriptedUpstream, clock: Clock) -> RunningEngine:
    return await start(settings(provider(upstream, api_key=KEYS)), None, clock)


async def ask_as(engine: RunningEngine, session: str) -> None:
    before = len(engine.engine.records)
    await engine.ask(x_claude_code_session_id=session)
    await engine.record(before + 1)


async def test_a_session_keeps_its_key(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    for _ in range(3):
        for session in (ONE, TWO, TRI):
            await ask_as(engine, session)
    assert used(upstream) == KEYS * 3


async def test_a_session_keeps_its_key_over_a_restart(start: StartEngine, upstream: ScriptedUpstream) -> None:
    chosen = settings(provider(upstream, api_key=KEYS))
    for sessions in ((ONE, TWO, TRI), (TRI, TWO, ONE)):
        engine = await start(chosen)
        for session in sessions:
            await ask_as(engine, session)
        await engine.stop()
    assert used(upstream) == KEYS + KEYS[::-1]


async def test_a_limited_key_is_passed_over_within_the_request(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = by_key(one=LIMITED)
    response = await engine.ask(x_claude_code_session_id=ONE)
    record = await engine.record()
    assert (response.status_code, used(upstream)) == (200, KEYS[:2])
    tried = [(each.outcome, each.status, each.key) for each in record.attempts]
    assert tried == [("rate_limited", 429, SHOWN[0]), ("served", 200, SHOWN[1])]
    assert not record.fell_back


async def test_a_session_moves_only_when_its_key_is_limited_and_does_not_move_back(
    engine: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    await ask_as(engine, ONE)
    upstream.script = by_key(one=LIMITED)
    await ask_as(engine, ONE)
    upstream.script = FINE
    clock.passes(3600)
    await ask_as(engine, ONE)
    assert used(upstream) == [KEYS[0], KEYS[0], KEYS[1], KEYS[1]]


async def test_a_new_session_takes_the_key_whose_limit_lies_longest_back(
    engine: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = by_key(one=LIMITED, two=LIMITED)
    await ask_as(engine, ONE)
    upstream.script = FINE
    clock.passes(3600)
    await ask_as(engine, TWO)
    assert used(upstream)[-1] == KEYS[2]


async def test_a_refused_key_is_set_aside_and_named_and_the_other_serves(
    engine: RunningEngine, upstream: ScriptedUpstream, clock: Clock
) -> None:
    upstream.script = by_key(one=REFUSED)
    response = await engine.ask(x_claude_code_session_id=ONE)
    clock.passes(6)
    await engine.ask(x_claude_code_session_id=ONE)
    record = await engine.record(2)
    first = next(each for each in (await engine.snapshot()).providers if each.name == "first")
    assert (response.status_code, first.health) == (200, "ok")
    assert used(upstream) == [KEYS[0], KEYS[1], KEYS[1]]
    assert [(each.name, each.state) for each in first.keys] == list(zip(SHOWN, ["refused", "ok", "ok"], strict=True))
    assert "refused the key" in (first.keys[0].text or "")
    assert [each.outcome for each in record.attempts] == ["served"]


async def test_when_every_key_is_refused_the_client_reads_it_and_the_next_provider_serves_where_there_is_one(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = REFUSED
    engine = await start(settings(provider(upstream, api_key=KEYS), provider(second), fallback=True))
    response = await engine.ask()
    tried = [(each.provider, each.outcome) for each in (await engine.record()).attempts]
    assert (response.status_code, tried) == (200, [("first", "key_refused")] * 3 + [("second", "served")])


async def test_when_every_key_of_the_only_provider_is_refused_the_client_gets_its_401(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = REFUSED
    for count in (1, 2):
        response = await engine.ask()
        assert (response.status_code, response.content) == (401, REFUSED.body)
        assert (await engine.record(count)).outcome == "failed"
    assert Counter(used(upstream))[KEYS[2]] >= 1


async def test_limits_are_shown_for_each_key(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = by_key(one=as_stream(message_stream(), headers=tuple({**dict(UNIFIED)}.items())))
    await ask_as(engine, ONE)
    await ask_as(engine, TWO)
    first = next(each for each in (await engine.snapshot()).providers if each.name == "first")
    assert [[limit.name for limit in key.limits] for key in first.keys] == [["5h"], [], []]


async def test_fifty_sessions_at_once_move_off_a_limited_key(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = by_key(one=LIMITED, tri=LIMITED)
    answers = await asyncio.gather(*(engine.ask(x_claude_code_session_id=f"s{n}") for n in range(50)))
    assert {each.status_code for each in answers} == {200}
    assert Counter(used(upstream))[KEYS[1]] == 50


class Vault:
    """A key command whose key the test changes."""

    def __init__(self, folder: Path) -> None:
        self._secret, self._runs, script = folder / "secret", folder / "runs", folder / "vault.py"
        script.write_text(f"open({str(self._runs)!r}, 'a').write('x'); print(open({str(self._secret)!r}).read())")
        self.key = f"cmd:{sys.executable} {script}"

    def holds(self, secret: str) -> None:
        self._secret.write_text(secret)

    @property
    def runs(self) -> int:
        return len(self._runs.read_text())


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path)
    vault.holds(KEYS[0])
    return vault


async def test_a_command_s_key_is_fetched_again_once_when_it_is_refused(
    start: StartEngine, upstream: ScriptedUpstream, vault: Vault
) -> None:
    engine = await start(settings(provider(upstream, api_key=vault.key)))
    await engine.ask()
    vault.holds(KEYS[1])
    upstream.script = by_key(one=REFUSED)
    response = await engine.ask()
    record = await engine.record(2)
    assert (response.status_code, used(upstream)) == (200, [KEYS[0], KEYS[0], KEYS[1]])
    assert [each.outcome for each in record.attempts] == ["key_refused", "served"]
    assert vault.runs == 2


async def test_a_command_that_gives_the_same_key_again_is_not_tried_twice(
    start: StartEngine, upstream: ScriptedUpstream, vault: Vault
) -> None:
    upstream.script = REFUSED
    engine = await start(settings(provider(upstream, api_key=vault.key)))
    response = await engine.ask()
    assert (response.status_code, len(upstream.calls), vault.runs) == (401, 1, 2)


async def test_many_requests_with_an_outdated_key_fetch_it_again_together(
    start: StartEngine, upstream: ScriptedUpstream, vault: Vault
) -> None:
    engine = await start(settings(provider(upstream, api_key=vault.key)))
    await engine.ask()
    vault.holds(KEYS[1])
    upstream.script = by_key(one=REFUSED)
    answers = await asyncio.gather(*(engine.ask() for _ in range(20)))
    assert ({each.status_code for each in answers}, vault.runs) == ({200}, 2)


async def test_one_client_s_limit_does_not_close_another_client_s_way(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = by_key(one=LIMITED)
    engine = await start(settings(passthrough(upstream), provider(second), fallback=True))
    trails = []
    for key in (KEYS[0], KEYS[1], KEYS[0]):
        before = len(engine.engine.records)
        await engine.ask(authorization=f"Bearer {key}")
        trails.append([each.outcome for each in (await engine.record(before + 1)).attempts])
    assert trails == [["rate_limited", "served"], ["served"], ["skipped", "served"]]


async def test_a_login_s_gauge_is_the_one_that_was_told_last(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(passthrough(upstream)))
    for key, used_up in ((KEYS[0], "0.2"), (KEYS[1], "0.7")):
        headers = {**dict(UNIFIED), "anthropic-ratelimit-unified-5h-utilization": used_up}
        upstream.script = as_stream(message_stream(), headers=tuple(headers.items()))
        await engine.ask(authorization=f"Bearer {key}")
    await engine.record(2)
    first = next(each for each in (await engine.snapshot()).providers if each.name == "first")
    assert [limit.used for limit in first.limits] == [0.7]


async def test_no_key_is_in_what_the_panel_gets(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = by_key(one=REFUSED, two=LIMITED)
    await engine.ask()
    await engine.record()
    seen = (await engine.look("state")).text + (await engine.look("requests")).text
    assert not [key for key in KEYS if key in seen]


async def test_a_served_session_is_not_spread(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    serving(upstream)
    await asyncio.gather(*(engine.ask(x_claude_code_session_id=ONE) for _ in range(10)))
    assert set(used(upstream)) == {KEYS[0]}
