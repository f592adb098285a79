"""The engine as a process of its own: how it starts, is found, is told to stop, and comes back after a crash."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys

import httpx
import msgspec
import pytest

from proxy import contract as c
from proxy.paths import find_paths
from tests.proxy.engine_process import EVENTS, MESSAGE, ROOT, TIMEOUT_S, Stage
from tests.upstreams import Gate, Pause, as_stream


def test_the_runtime_file_says_how_to_reach_the_engine_and_is_for_its_owner_alone(stage: Stage) -> None:
    engine = stage.start().started()
    runtime, file = engine.runtime, engine.paths.runtime_file
    assert (file.stat().st_mode & 0o777, runtime["pid"], runtime["contract"]) == (0o600, engine.process.pid, c.CONTRACT)
    assert runtime["token"] == engine.paths.token_file.read_text().strip()
    assert runtime["url"] == f"http://127.0.0.1:{runtime['port']}"
    with engine.client() as client:
        hello = client.get(f"{c.DOOR}/hello", params={"nonce": "n"}).json()
    assert hello["proof"] == c.proof_of_token(runtime["token"], "n")


def test_a_stop_lets_the_running_stream_finish_and_writes_the_ledger(stage: Stage) -> None:
    rest = Gate("rest")
    stage.upstream.script = as_stream(*EVENTS[:5], Pause(rest), *EVENTS[5:])
    engine = stage.start().started()
    with engine.client() as client, client.stream("POST", "/v1/messages", json=MESSAGE) as response:
        chunks = response.iter_raw()
        received = next(chunks)
        engine.process.send_signal(signal.SIGTERM)
        engine.wait_for("requests may end within")
        rest.open()
        received += b"".join(chunks)
    assert (engine.ended(), received) == (0, b"".join(EVENTS))
    assert (engine.rows(), engine.paths.runtime_file.exists()) == ([("served", 42)], False)


def test_a_second_stop_ends_at_once_and_tells_the_client(stage: Stage) -> None:
    stage.upstream.script = as_stream(*EVENTS[:5], Pause(Gate("never")))
    engine = stage.start().started()
    with engine.client() as client, client.stream("POST", "/v1/messages", json=MESSAGE) as response:
        chunks, read = response.iter_raw(), b""
        while not read.endswith(EVENTS[4]):
            read += next(chunks)
        engine.process.send_signal(signal.SIGTERM)
        engine.wait_for("requests may end within")
        engine.process.send_signal(signal.SIGTERM)
        rest = b"".join(chunks)
    assert (engine.ended(), b"event: error" in rest, b"Traceback" in engine.said) == (0, True, False)
    assert engine.rows() == [("broken", 2)]  # of what was written, estimated


@pytest.mark.parametrize("name", ["SIGHUP", "SIGPIPE", "SIGTTOU", "SIGTSTP"])
def test_a_lost_terminal_changes_nothing(stage: Stage, name: str) -> None:
    rest = Gate("rest")
    stage.upstream.script = as_stream(*EVENTS[:5], Pause(rest), *EVENTS[5:])
    engine = stage.start().started()
    with engine.client() as client, client.stream("POST", "/v1/messages", json=MESSAGE) as response:
        chunks = response.iter_raw()
        received = next(chunks)
        engine.process.send_signal(getattr(signal, name))
        rest.open()
        received += b"".join(chunks)
    assert (received, engine.process.poll()) == (b"".join(EVENTS), None)


def test_an_engine_whose_output_nobody_reads_serves_on(stage: Stage) -> None:
    reading, writing = os.pipe()
    engine = stage.start("--foreground", "--log-level", "debug", stdout=writing, stderr=writing)
    os.close(writing)
    said = b""
    while b" serves at " not in said:
        data = os.read(reading, 65536)
        assert data, said
        said += data
    os.close(reading)
    with engine.client() as client:
        answers = [client.post("/v1/messages", json=MESSAGE).content for _ in range(3)]
    assert (answers, engine.process.poll()) == ([b"".join(EVENTS)] * 3, None)


def test_an_engine_without_any_output_starts_and_serves(stage: Stage) -> None:
    command = f"exec {sys.executable} -P -m proxy --foreground >&- 2>&-"
    environment = {"CCTUI_HOME": str(stage.home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(["/bin/sh", "-c", command], env=environment, cwd=stage.home, stdin=subprocess.DEVNULL)
    try:
        stop_when_it_listens(process, stage)
        assert process.wait(TIMEOUT_S) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("argument", "code"), [("--log-level=info", 3), ("--foreground", 1)])
def test_a_fixed_port_that_is_taken_is_told_with_its_owner(stage: Stage, argument: str, code: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stage.configure(port)
        engine = stage.start(argument)
        ended = engine.ended()
    said = engine.said.decode()
    assert (ended, f"port {port}" in said, str(os.getpid()) in said, "Traceback" in said) == (code, True, True, False)
    assert not engine.paths.runtime_file.exists()


def test_wrong_settings_are_told_with_file_and_line(stage: Stage) -> None:
    stage.configure(more='fallbak = ["first"]\n')
    engine = stage.start()
    code, said = engine.ended(), engine.said.decode()
    line = len((stage.home / "config.toml").read_text().splitlines())
    assert (code, f"config.toml:{line}" in said, "did you mean fallback" in said) == (2, True, True)
    assert "Traceback" not in said


def test_a_restart_returns_to_the_same_port(stage: Stage) -> None:
    text = (stage.home / "config.toml").read_text().replace("port = 0\n", "")
    (stage.home / "config.toml").write_text(text)
    first = stage.start().started()
    port = first.runtime["port"]
    first.process.terminate()
    first.ended()
    assert stage.start().started().runtime["port"] == port


def test_a_free_port_is_taken_where_none_is_asked_for(stage: Stage) -> None:
    port = stage.start("--foreground", "--port", "0").started().runtime["port"]
    assert 0 < port < 65536


def test_a_crash_is_told_by_the_next_engine(stage: Stage) -> None:
    crashed = stage.start().started()
    crashed.process.kill()
    crashed.ended()
    notices = [notice.text for notice in stage.start().started().snapshot().notices]
    assert any("last second may be missing" in text for text in notices)


def test_a_damaged_ledger_is_moved_aside_and_told(stage: Stage) -> None:
    paths = find_paths({"CCTUI_HOME": str(stage.home)})
    paths.state_dir.mkdir()
    paths.ledger_file.write_bytes(b"this is no database at all, " * 500)
    engine = stage.start().started()
    with engine.client() as client:
        assert client.post("/v1/messages", json=MESSAGE).status_code == 200
    notices = " ".join(notice.text for notice in engine.snapshot().notices)
    engine.process.terminate()
    assert (engine.ended(), "damaged" in notices, engine.rows()) == (0, True, [("served", 42)])
    assert len(list(paths.state_dir.glob("ledger.damaged-*"))) == 1


def test_a_locked_ledger_does_not_stop_traffic_and_is_caught_up(stage: Stage) -> None:
    first = stage.start().started()
    first.process.terminate()
    first.ended()
    other = sqlite3.connect(first.paths.ledger_file, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    engine = stage.start().started()
    with engine.client() as client:
        assert client.post("/v1/messages", json=MESSAGE).status_code == 200
    problems = engine.snapshot().problems
    other.execute("COMMIT")
    other.close()
    engine.process.terminate()
    assert (engine.ended(), "locked" in " ".join(problems), engine.rows()) == (0, True, [("served", 42)])


def stop_when_it_listens(process: "subprocess.Popen[bytes]", stage: Stage) -> None:
    """Ask the engine at the door to stop, once its runtime file tells where that is."""
    runtime = find_paths({"CCTUI_HOME": str(stage.home)}).runtime_file
    while not runtime.exists():
        assert process.poll() is None
    found = msgspec.json.decode(runtime.read_bytes())
    headers = {c.TOKEN_HEADER: found["token"]}
    answer = httpx.post(f"{found['url']}{c.DOOR}/stop", headers=headers, trust_env=False, verify=False)
    assert answer.json() == {"ok": True}
