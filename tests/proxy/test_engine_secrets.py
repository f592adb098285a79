"""No secret and no prompt in anything that the engine keeps or shows."""

import asyncio
import logging
from collections.abc import Iterator

import msgspec
import pytest

from proxy import contract as c
from proxy.logs import start_log
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import TIMEOUT_S, RunningEngine, message, provider, settings
from tests.upstreams import Break, ScriptedUpstream, as_json, as_stream, error_body, message_events

LOGIN = "sk-ant-oat01-CANARYLOGIN0123456789abcdef"
CLIENT_KEY = "sk-ant-api03-CANARYCLIENTKEY0123456789"
PROVIDER_KEY = "sk-or-v1-CANARYPROVIDERKEY0123456789abcd"
HEADER_SECRET = "CANARYHEADERSECRET0123456789"
PROMPT = "CANARYPROMPT the launch code is 0000"
ANSWER = "CANARYANSWER it is noted"
SECRETS = ("CANARYLOGIN", "CANARYCLIENTKEY", "CANARYPROVIDERKEY", "CANARYHEADERSECRET")
TEXTS = ("CANARYPROMPT", "CANARYANSWER")


@pytest.fixture
def own_log() -> Iterator[None]:
    """The process's log is the test's alone, and as it was afterwards."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, logging.raiseExceptions = handlers, raising
    root.setLevel(level)


@pytest.fixture
async def used(own_log: None, start: StartEngine, upstream: ScriptedUpstream) -> RunningEngine:
    """An engine that logs everything and met every kind of ending with secrets all around."""
    headers = {"x-extra": HEADER_SECRET}
    engine = await start(settings(provider(upstream, api_key=PROVIDER_KEY, headers=headers)))
    start_log(engine.paths, "debug", foreground=False)
    answers = [
        as_stream(*message_events(ANSWER)),
        as_stream(*message_events(ANSWER)[:5], Break()),
        as_json(error_body("authentication_error", f"invalid x-api-key {PROVIDER_KEY}"), 401),
        as_json(error_body("api_error", "oops"), 500),
    ]
    for answer in answers:
        upstream.script = answer
        await ask_with_secrets(engine)
    await engine.record(len(answers))
    return engine


async def ask_with_secrets(engine: RunningEngine) -> None:
    await engine.ask(
        message(system=PROMPT, tools=[{"name": "t", "description": PROMPT}]),
        authorization=f"Bearer {LOGIN}",
        x_api_key=CLIENT_KEY,
        cookie="id=CANARYLOGIN",
        x_claude_code_session_id="s",
    )


def found_in(data: bytes, words: tuple[str, ...]) -> list[str]:
    return [word for word in words if word.encode() in data]


async def test_no_file_holds_a_secret_or_a_text(used: RunningEngine) -> None:
    await used.stop()
    logging.shutdown()
    root = used.paths.state_dir.parent
    files = {file.name: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    leaks = {name: found for name, data in files.items() if (found := found_in(data, SECRETS + TEXTS))}
    assert {"ledger.sqlite3", "engine.log"} <= set(files)
    assert leaks == {}


async def test_the_local_token_is_in_its_own_files_alone(used: RunningEngine) -> None:
    root = used.paths.state_dir.parent
    holding = {file.name for file in root.rglob("*") if file.is_file() and used.token.encode() in file.read_bytes()}
    assert holding == {"token", "engine.json"}


async def test_files_are_for_their_owner_alone(used: RunningEngine) -> None:
    await used.look("requests")
    open_to_others = {
        file.name: oct(file.stat().st_mode)
        for file in used.paths.state_dir.parent.rglob("*")
        if file.is_file() and file.stat().st_mode & 0o077 and file.suffix != ".log"
    }
    assert open_to_others == {}


@pytest.mark.parametrize("path", ["state", "requests", "models", "usage", "launch"])
async def test_no_answer_at_the_door_holds_a_secret_or_a_text(used: RunningEngine, path: str) -> None:
    assert found_in((await used.look(path)).content, (*SECRETS, *TEXTS, used.token)) == []


async def test_the_feed_holds_no_secret(used: RunningEngine, upstream: ScriptedUpstream) -> None:
    async with used.http.stream("GET", f"{c.DOOR}/feed", params={"panel": "p"}) as response:
        chunks = response.aiter_raw()
        received = await anext(chunks)
        await ask_with_secrets(used)
        told = received.count(b'"phase":"done"')
        async with asyncio.timeout(TIMEOUT_S):
            while received.count(b'"phase":"done"') == told:
                received += await anext(chunks)
    assert found_in(received, (*SECRETS, *TEXTS, used.token)) == []


async def test_the_inspector_shows_texts_but_no_secret(used: RunningEngine) -> None:
    rows = msgspec.json.decode((await used.look("requests")).content, type=list[c.Request])
    shown = b"".join([(await used.look(f"requests/{row.id}")).content for row in rows])
    assert found_in(shown, SECRETS) == []


async def test_an_error_of_the_engine_s_own_holds_no_secret(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(f"http://name.invalid/{'p' * 8}", api_key=PROVIDER_KEY)))
    response = await engine.ask(authorization=f"Bearer {LOGIN}")
    assert found_in(response.content, (*SECRETS, engine.token)) == []
