"""Finding, adopting, starting and ending engines, with real processes on real sockets."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest

import proxy
from proxy import contract as c
from proxy.paths import Paths, write_private
from tests.tui.cli.conftest import ROOT, StartStub, stub_command
from tui import engine_process, supervisor

Behave = Callable[..., None]


def record(paths: Paths, url: str, pid: int = 1) -> None:
    write_private(paths.runtime_file, msgspec.json.encode({"pid": pid, "url": url, "token": "secret-token"}))


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def draining(paths: Paths) -> bool:
    found = supervisor.find(paths)
    return isinstance(found, supervisor.RunningEngine) and found.draining


def trace(paths: Paths) -> str:
    found = supervisor.find(paths)
    assert isinstance(found, supervisor.NoEngine)
    return found.trace


def test_without_a_runtime_file_no_engine_runs(paths: Paths) -> None:
    assert supervisor.find(paths) == supervisor.NoEngine()


def test_a_started_engine_is_found_again(paths: Paths, start_stub: StartStub) -> None:
    engine = start_stub()
    assert supervisor.find(paths) == engine


def test_a_running_engine_is_adopted_instead_of_a_second_one(paths: Paths, start_stub: StartStub) -> None:
    engine = start_stub()
    assert supervisor.ensure(paths) == engine


def test_two_starters_at_once_start_one_engine(paths: Paths, stub_starts: Behave, tmp_path: Path) -> None:
    births = tmp_path / "births"
    stub_starts(births=str(births))
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(lambda _: supervisor.ensure(paths), range(4)))
    assert len({engine.pid for engine in engines}) == 1
    assert births.read_text() == "born\n"


def test_a_stale_file_of_an_ended_engine_is_said_and_replaced(paths: Paths, stub_starts: Behave) -> None:
    record(paths, "http://127.0.0.1:1", pid=ended_pid())
    stub_starts()
    said: list[str] = []
    engine = supervisor.ensure(paths, say=said.append)
    assert "ended without a farewell" in said[0]
    assert supervisor.find(paths) == engine


def test_a_live_process_that_does_not_answer_is_said(paths: Paths) -> None:
    record(paths, "http://127.0.0.1:1", pid=os.getpid())
    assert "does not answer at http://127.0.0.1:1" in trace(paths)


def test_a_damaged_runtime_file_is_left_out_of_account(paths: Paths) -> None:
    write_private(paths.runtime_file, b"{half")
    assert "cannot be read" in trace(paths)


def test_an_address_that_is_none_counts_as_no_engine(paths: Paths) -> None:
    record(paths, "ftp://example", pid=ended_pid())
    assert isinstance(supervisor.find(paths), supervisor.NoEngine)


def test_a_foreign_process_on_the_port_is_named_and_gets_no_token(paths: Paths) -> None:
    seen: list[str] = []

    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(str(self.headers))
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        record(paths, f"http://127.0.0.1:{server.server_port}")
        sentence = trace(paths)
        server.shutdown()
        thread.join()
    assert f"pid {os.getpid()}" in sentence
    assert seen
    assert "secret-token" not in "".join(seen)


def test_an_engine_that_cannot_prove_itself_is_a_stranger(paths: Paths) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(stub_command(wrong_proof=True, words="up\n"), env=environ) as process:
        while not paths.runtime_file.exists():
            assert process.poll() is None
        sentence = trace(paths)
        process.kill()
    assert "It was sent no token." in sentence


def test_an_engine_of_another_contract_is_said_with_the_way_out(paths: Paths, start_stub: StartStub) -> None:
    start_stub(contract=c.CONTRACT + 1)
    with pytest.raises(supervisor.OtherContractError, match=f"speaks contract {c.CONTRACT + 1}.*`cctui stop`"):
        supervisor.ensure(paths)


def test_an_engine_of_another_contract_is_replaced_on_request(
    paths: Paths, start_stub: StartStub, stub_starts: Behave
) -> None:
    old = start_stub(contract=c.CONTRACT + 1)
    stub_starts()
    new = supervisor.replace(paths, old)
    assert new.contract == c.CONTRACT
    assert not engine_process.alive(old.pid)


def test_what_an_engine_said_when_it_could_not_start_is_passed_on(paths: Paths, stub_starts: Behave) -> None:
    stub_starts(words="Port 8787 is taken by nginx, pid 812.\n", exit_code=3)
    with pytest.raises(supervisor.SupervisorError) as error:
        supervisor.ensure(paths)
    assert str(error.value) == "Port 8787 is taken by nginx, pid 812."


def test_of_a_traceback_only_the_last_line_is_passed_on(paths: Paths, stub_starts: Behave) -> None:
    stub_starts(words="Traceback (most recent call last):\n  File x\nOSError: no room\n", exit_code=1)
    with pytest.raises(supervisor.SupervisorError) as error:
        supervisor.ensure(paths)
    assert str(error.value).splitlines()[0] == "The engine failed to start: OSError: no room"
    assert "File x" not in str(error.value)


def test_a_silent_end_names_the_log(paths: Paths, stub_starts: Behave) -> None:
    stub_starts(exit_code=7)
    with pytest.raises(supervisor.SupervisorError, match=r"code 7.*engine\.log"):
        supervisor.ensure(paths)


def test_stop_returns_when_the_engine_is_gone(paths: Paths, start_stub: StartStub) -> None:
    engine = start_stub()
    supervisor.stop(paths, engine)
    assert not engine_process.alive(engine.pid)
    assert supervisor.find(paths) == supervisor.NoEngine()


def test_an_engine_that_is_ending_is_waited_for_and_succeeded(
    paths: Paths, start_stub: StartStub, tmp_path: Path
) -> None:
    until = tmp_path / "until"
    os.mkfifo(until)

    def open_the_way(_: object) -> None:
        until.write_text("go")

    old = start_stub(drains_until=str(until))
    with ThreadPoolExecutor(2) as pool:
        stopping = pool.submit(supervisor.stop, paths, old)
        while not draining(paths):
            assert not stopping.done()
        starting = pool.submit(supervisor.ensure, paths, None, open_the_way)
        new = starting.result()
        stopping.result()
    assert new.pid != old.pid
    assert not engine_process.alive(old.pid)


def test_an_engine_that_does_not_take_the_command_is_ended_by_signal(paths: Paths, start_stub: StartStub) -> None:
    engine = start_stub()
    deaf = supervisor.RunningEngine("http://127.0.0.1:1", engine.token, engine.pid, engine.version, engine.contract)
    supervisor.stop(paths, deaf)
    assert not engine_process.alive(engine.pid)


def test_the_engine_outlives_a_hang_up_of_its_starters_session(start_stub: StartStub) -> None:
    engine = start_stub()
    assert os.getsid(engine.pid) == engine.pid
    assert os.getpgid(engine.pid) != os.getpgid(os.getpid())


def test_the_engine_runs_apart_from_the_users_directory(paths: Paths, start_stub: StartStub) -> None:
    engine = start_stub()
    assert (Path("/proc") / str(engine.pid) / "cwd").resolve() == paths.state_dir or sys.platform != "linux"


def test_the_engines_command_line_carries_what_the_user_said() -> None:
    options = engine_process.EngineOptions(port=9000, log_level="debug")
    assert engine_process.command(options, foreground=True)[1:] == [
        *("-P", "-m", "proxy", "--port", "9000", "--log-level", "debug", "--foreground")
    ]


def test_the_same_proxy_is_found_from_any_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "proxy").mkdir()
    (home / "proxy" / "__init__.py").write_text("raise SystemExit('the wrong proxy')")
    monkeypatch.delenv("PYTHONPATH")
    asked = [sys.executable, "-P", "-c", "import proxy; print(proxy.__file__)"]
    answer = subprocess.run(
        asked, env=engine_process.environment(), cwd=home, capture_output=True, text=True, check=True
    )
    assert Path(answer.stdout.strip()) == Path(proxy.__file__)


def test_a_process_that_ended_unreaped_does_not_count_as_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert engine_process.alive(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not engine_process.alive(process.pid)
    process.communicate()
