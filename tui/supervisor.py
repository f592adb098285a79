"""Find, adopt, start and stop the engine: what every command does before it can ask anything.

The runtime file is a hint. An engine counts as found when it proves that it holds the local token; the token
is sent to nobody before that. Everything here blocks, so the panel calls it from a worker.
"""

import http.client
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from proxy import contract as c
from proxy.paths import Paths
from tui import engine_process
from tui.engine_process import EngineOptions

HELLO_TIMEOUT_S = 2.0
START_TIMEOUT_S = 20.0
"""An engine listens within a second; a loaded machine may take several."""
STOP_GRACE_S = 5.0
"""What an engine may take beyond its drain to write its history and end."""
POLL_S = 0.02

_UNANSWERED = (OSError, http.client.HTTPException, ValueError)
"""What asking an address raises when no HTTP server is there, or it is no address."""


class SupervisorError(Exception):
    """The engine could not be found, started or stopped. ``str()`` is a text for the user."""


class OtherContractError(SupervisorError):
    """An engine runs, but it and this program do not speak the same contract."""

    def __init__(self, engine: "RunningEngine") -> None:
        super().__init__(
            f"The running engine (version {engine.version}, pid {engine.pid}) speaks contract {engine.contract}, "
            f"this cctui speaks {c.CONTRACT}. `cctui stop` ends it once its running streams are done; "
            "the next command starts a new one."
        )
        self.engine = engine


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """An engine that proved itself."""

    url: str
    token: str
    pid: int
    version: str
    contract: int
    draining: bool = False
    """It takes no new requests and ends soon."""


@dataclass(frozen=True, slots=True)
class NoEngine:
    """None runs here."""

    trace: str = ""
    """What is left of an earlier one, in a sentence; empty where there is nothing to tell."""


class RuntimeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine writes into the runtime file."""

    pid: int
    url: str
    token: str


def find(paths: Paths) -> RunningEngine | NoEngine:
    """The engine that the runtime file names, asked and verified; its contract may differ from ours."""
    try:
        record = _record(paths)
    except (OSError, msgspec.DecodeError):
        return NoEngine(f"The runtime file {paths.runtime_file} cannot be read and is left out of account.")
    if record is None:
        return NoEngine()
    try:
        return _ask(record) or NoEngine(_stranger(record))
    except _UNANSWERED:
        return NoEngine(_silence(record))


def ensure(
    paths: Paths,
    options: EngineOptions | None = None,
    say: Callable[[str], None] | None = None,
    *,
    started: Callable[[RunningEngine], None] | None = None,
) -> RunningEngine:
    """The running engine, or a new one. Callers that race for it start one between them.

    One that is ending is waited for, so that the next one can take its port and the sessions on it. ``say`` is
    told what is worth a sentence of all that, ``started`` which engine is new.
    """
    found = find(paths)
    if isinstance(found, NoEngine) or found.draining:
        with engine_process.start_lock(paths):
            found, new = _succeeded(paths, options or EngineOptions(), say or _say_nothing)
        if new and started is not None:
            started(found)
    if found.contract != c.CONTRACT:
        raise OtherContractError(found)
    return found


def replace(paths: Paths, engine: RunningEngine) -> RunningEngine:
    """End ``engine`` when its streams are done, then start one of this installation."""
    stop(paths, engine)
    return ensure(paths)


def stop(paths: Paths, engine: RunningEngine, drain_s: float | None = None) -> None:
    """Drain and end ``engine``; returns when it is gone. ``drain_s`` None: as its settings say."""
    body = msgspec.json.encode(c.Stop(drain_s=drain_s))
    try:
        status, _ = _call(engine.url, "POST", f"{c.DOOR}/stop", engine.token, body)
    except (OSError, http.client.HTTPException):
        status = 0
    if status != http.client.OK:
        engine_process.terminate(engine.pid)
    if _await_end(engine, (drain_s or 0.0) + STOP_GRACE_S, while_answering=drain_s is None):
        return
    engine_process.terminate(engine.pid)
    if not _await_end(engine, STOP_GRACE_S):
        raise SupervisorError(f"The engine (pid {engine.pid}) does not end. Its log is {paths.log_file}.")


def _succeeded(paths: Paths, options: EngineOptions, say: Callable[[str], None]) -> tuple[RunningEngine, bool]:
    """The engine that another starter brought up meanwhile, or a new one (True). The lock is held."""
    found = find(paths)
    if isinstance(found, RunningEngine):
        if not found.draining:
            return found, False
        say("The engine is ending; waiting for its running streams.")
        _await_end(found, STOP_GRACE_S, while_answering=True)
    elif found.trace:
        say(found.trace)
    return _start(paths, options), True


def _say_nothing(_: str) -> None:
    """For callers without an ear."""


def _start(paths: Paths, options: EngineOptions) -> RunningEngine:
    process = engine_process.spawn(paths, options)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if engine := _born(paths, process.pid):
            return engine
        if process.poll() is not None:
            raise SupervisorError(engine_process.last_words(paths, process.returncode))
        time.sleep(POLL_S)
    process.terminate()
    raise SupervisorError(
        f"The engine did not listen within {START_TIMEOUT_S:.0f} s and was ended. Its log is {paths.log_file}."
    )


def _born(paths: Paths, pid: int) -> RunningEngine | None:
    """The engine of that process, once it wrote its runtime file and answers."""
    try:
        record = _record(paths)
        return _ask(record) if record and record.pid == pid else None
    except (*_UNANSWERED, msgspec.DecodeError):
        return None


def _record(paths: Paths) -> RuntimeRecord | None:
    try:
        return msgspec.json.decode(paths.runtime_file.read_bytes(), type=RuntimeRecord)
    except FileNotFoundError:
        return None


def _ask(record: RuntimeRecord) -> RunningEngine | None:
    """The engine at the record's address; None where somebody else answers there."""
    nonce = secrets.token_hex(16)
    status, body = _call(record.url, "GET", f"{c.DOOR}/hello?nonce={nonce}")
    hello = _verified(body, record.token, nonce) if status == http.client.OK else None
    if hello is None:
        return None
    return RunningEngine(record.url, record.token, hello.pid, hello.version, hello.contract, hello.draining)


def _call(url: str, method: str, path: str, token: str | None = None, body: bytes | None = None) -> tuple[int, bytes]:
    address = urlsplit(url)
    if address.scheme != "http" or not address.hostname:
        raise ValueError(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=HELLO_TIMEOUT_S)
    headers = {"content-type": "application/json"} if body is not None else {}
    try:
        connection.request(method, path, body, headers | ({c.TOKEN_HEADER: token} if token else {}))
        response = connection.getresponse()
        return response.status, response.read(1 << 16)
    finally:
        connection.close()


def _verified(body: bytes, token: str, nonce: str) -> c.Hello | None:
    try:
        hello = msgspec.json.decode(body, type=c.Hello)
    except msgspec.DecodeError:
        return None
    right = c.proof_of_token(token, nonce)
    return hello if secrets.compare_digest(hello.proof.encode(), right.encode()) else None


def _silence(record: RuntimeRecord) -> str:
    if engine_process.alive(record.pid):
        return f"The engine that was started last (pid {record.pid}) does not answer at {record.url}."
    return f"The engine that was started last (pid {record.pid}) ended without a farewell."


def _stranger(record: RuntimeRecord) -> str:
    address = urlsplit(record.url)
    owner = engine_process.port_owner(address.hostname or "127.0.0.1", address.port or 80) or "another program"
    return f"At {record.url}, where the last engine listened, now answers {owner}. It was sent no token."


def _await_end(engine: RunningEngine, patience_s: float, *, while_answering: bool = False) -> bool:
    """Whether ``engine`` ended within ``patience_s``, counted anew each time that it answers, if that is meant."""
    deadline = time.monotonic() + patience_s
    while engine_process.alive(engine.pid):
        if time.monotonic() > deadline:
            if not (while_answering and _answers(engine)):
                return False
            deadline = time.monotonic() + patience_s
        time.sleep(POLL_S)
    return True


def _answers(engine: RunningEngine) -> bool:
    try:
        return _call(engine.url, "GET", f"{c.DOOR}/hello?nonce=0")[0] == http.client.OK
    except _UNANSWERED:
        return False
