"""Engines as processes of their own, on one home, in front of a scripted provider."""

import os
import select
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

from proxy import contract as c
from proxy.paths import Paths, find_paths
from tests.upstreams import ScriptedUpstream, message_events

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0
EVENTS = message_events("one two three")
MESSAGE = {"model": "claude-opus-4-8", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}
CONFIG = """
[engine]
port = {port}
local_servers = false
[providers.first]
preset = "respan"
base_url = "{url}"
api_key = "key"
[route]
default = "first"
"""


class EngineProcess:
    """``python -P -m proxy`` in a home of its own. Its log goes to the terminal, where the test waits for lines."""

    def __init__(self, home: Path, *arguments: str, **pipes: Any) -> None:
        self.paths: Paths = find_paths({"CCTUI_HOME": str(home)})
        environment = {"CCTUI_HOME": str(home), "HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "proxy", *arguments],
            env=environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=pipes.get("stdout", subprocess.DEVNULL),
            stderr=pipes.get("stderr", subprocess.PIPE),
            pass_fds=pipes.get("pass_fds", ()),
        )
        self.said = b""

    def wait_for(self, words: str) -> None:
        """Read what the engine says until ``words`` were among it."""
        assert self.process.stderr is not None
        while words.encode() not in self.said:
            ready, _, _ = select.select([self.process.stderr], [], [], TIMEOUT_S)
            data = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            assert data, f"never said {words!r}, but {self.said!r}"
            self.said += data

    def started(self) -> "EngineProcess":
        self.wait_for(" serves at ")
        return self

    def ended(self) -> int:
        """The exit code; what the engine said last is in ``said``."""
        if self.process.stderr is not None:
            self.said += self.process.stderr.read()
        return self.process.wait(TIMEOUT_S)

    @property
    def runtime(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.paths.runtime_file.read_bytes())
        return found

    def client(self) -> httpx.Client:
        runtime = self.runtime
        headers = {c.TOKEN_HEADER: runtime["token"]}
        return httpx.Client(base_url=runtime["url"], headers=headers, timeout=TIMEOUT_S, trust_env=False, verify=False)

    def snapshot(self) -> c.Snapshot:
        with self.client() as client:
            return msgspec.json.decode(client.get(f"{c.DOOR}/state").content, type=c.Snapshot)

    def rows(self) -> list[tuple[Any, ...]]:
        """Outcome and output tokens of everything in the ledger."""
        connection = sqlite3.connect(self.paths.ledger_file)
        try:
            return connection.execute("SELECT outcome, output_tokens FROM requests").fetchall()
        finally:
            connection.close()


class Stage:
    """Starts engines on one home and ends those that a test left running."""

    def __init__(self, home: Path, upstream: ScriptedUpstream) -> None:
        self.home = home
        self.upstream = upstream
        self._started: list[EngineProcess] = []
        home.mkdir()
        self.configure()

    def configure(self, port: int = 0, more: str = "") -> None:
        (self.home / "config.toml").write_text(CONFIG.format(port=port, url=self.upstream.url) + more)

    def start(self, *arguments: str, **pipes: Any) -> EngineProcess:
        engine = EngineProcess(self.home, *(arguments or ("--foreground",)), **pipes)
        self._started.append(engine)
        return engine

    def end(self) -> None:
        for engine in self._started:
            if engine.process.poll() is None:
                engine.process.kill()
            engine.process.wait()
            if engine.process.stderr is not None:
                engine.process.stderr.close()
