"""What is measured: nothing in between, nginx, the engine, and any other proxy that is installed."""

import contextlib
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from proxy.contract import TOKEN_HEADER
from tests.bench.processes import contender_cores, environment, free_port, load_cores, running
from tests.bench.traffic import ASKED_MODEL, SERVED_MODEL

START_PATIENCE_S = 30.0


class DidNotStart(Exception):
    """The contender does not answer on its port."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that answers the load on ``port``."""

    name: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """What its clients must send."""
    pid: int | None = None
    """Whose processor time and memory count; None: not measured."""


Starter = Callable[[Path, int], contextlib.AbstractContextManager[Contender]]
"""Takes an empty folder and the upstream's port."""


@contextlib.contextmanager
def direct(_: Path, upstream: int) -> Iterator[Contender]:
    yield Contender("direct", upstream)


@contextlib.contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Contender]:
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, upstream=upstream))
    command = [_program("nginx"), "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    with running(command, environment(folder), contender_cores(), folder / "nginx.log") as process:
        wait_for(port)
        yield Contender("nginx", port, pid=_only_child(process.pid))


_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_max_body_size 64m;
  client_body_buffer_size 8m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


@contextlib.contextmanager
def engine(
    folder: Path, upstream: int, name: str = "cctui", more: str = "", speaks: str = "anthropic"
) -> Iterator[Contender]:
    """The real engine: model swapped, usage read, priced and recorded; ``more`` are settings, ``speaks`` the
    provider's dialect."""
    home = folder / "cctui"
    home.mkdir()
    (home / "config.toml").write_text(_ENGINE.format(upstream=upstream, served=SERVED_MODEL, speaks=speaks) + more)
    command = [sys.executable, "-P", "-m", "proxy"]
    env = environment(folder, CCTUI_HOME=str(home))
    with running(command, env, contender_cores(), folder / "engine.log") as process:
        facts = home / "run" / "engine.json"
        _until(facts.exists, "the engine")
        runtime = msgspec.json.decode(facts.read_bytes())
        wait_for(runtime["port"])
        yield Contender(name, runtime["port"], {TOKEN_HEADER: runtime["token"]}, process.pid)


_ENGINE = """
[engine]
port = 0
local_servers = false
[providers.bench]
base_url = "http://127.0.0.1:{upstream}"
dialect = "{speaks}"
auth = "bearer"
api_key = "bench-key"
models = ["{served}"]
context_windows = {{ "{served}" = 4_000_000 }}
[route]
default = "bench/{served}"
"""


_CHAIN = """
fallback = ["second", "third"]
fallback_enabled = true
[providers.second]
base_url = "http://127.0.0.1:9"
auth = "bearer"
api_key = ["one", "two", "three", "four"]
models = ["claude-opus-4-8"]
[providers.third]
base_url = "http://127.0.0.1:9"
auth = "bearer"
api_key = "five"
models = ["claude-opus-4-8"]
"""


@contextlib.contextmanager
def engine_with_chain(folder: Path, upstream: int) -> Iterator[Contender]:
    """The engine with fallback on and two more targets: what the bookkeeping costs a request that succeeds."""
    with engine(folder, upstream, "cctui, fallback on", _CHAIN) as alone:
        yield alone


@contextlib.contextmanager
def engine_with_panel(folder: Path, upstream: int) -> Iterator[Contender]:
    """The engine with a panel's reader attached, which watches a stream and decodes every event."""
    with engine(folder, upstream) as alone:
        token = alone.headers[TOKEN_HEADER]
        command = [sys.executable, "-P", "-m", "tests.bench.attached", str(alone.port), token]
        with running(command, environment(folder), load_cores(), folder / "attached.log") as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            yield Contender("cctui, panel attached", alone.port, alone.headers, alone.pid)


def engine_abroad(dialect: str) -> Starter:
    """The engine with a provider of ``dialect``, which it translates to and from."""

    @contextlib.contextmanager
    def start(folder: Path, upstream: int) -> Iterator[Contender]:
        with engine(folder, upstream, f"cctui, {dialect}", speaks=dialect) as alone:
            yield alone

    return start


@contextlib.contextmanager
def mitmdump(folder: Path, upstream: int) -> Iterator[Contender]:
    port = free_port()
    command = [
        _program("mitmdump"), "--quiet", "--mode", f"reverse:http://127.0.0.1:{upstream}",
        "--listen-host", "127.0.0.1", "--listen-port", str(port),
        "--set", "stream_large_bodies=1", "--set", f"confdir={folder}",
    ]  # fmt: skip
    with running(command, environment(folder), contender_cores(), folder / "mitmdump.log") as process:
        wait_for(port)
        yield Contender("mitmdump", port, pid=process.pid)


@contextlib.contextmanager
def litellm(folder: Path, upstream: int) -> Iterator[Contender]:
    port = free_port()
    config = folder / "litellm.yaml"
    config.write_text(
        f"model_list:\n  - model_name: {ASKED_MODEL}\n    litellm_params:\n      model: anthropic/{SERVED_MODEL}\n"
        f"      api_base: http://127.0.0.1:{upstream}\n      api_key: bench-key\n"
    )
    command = [_program("litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with running(command, environment(folder), contender_cores(), folder / "litellm.log") as process:
        wait_for(port)
        yield Contender("LiteLLM", port, pid=process.pid)


@contextlib.contextmanager
def claude_code_router(folder: Path, upstream: int) -> Iterator[Contender]:
    port = free_port()
    settings = folder / ".claude-code-router"
    settings.mkdir()
    provider = {
        "name": "bench",
        "api_base_url": f"http://127.0.0.1:{upstream}/v1/messages",
        "api_key": "bench-key",
        "models": [SERVED_MODEL],
        "transformer": {"use": ["Anthropic"]},
    }
    router = {"default": f"bench,{SERVED_MODEL}"}
    config = {"HOST": "127.0.0.1", "PORT": port, "Providers": [provider], "Router": router}
    (settings / "config.json").write_bytes(msgspec.json.encode(config))
    with running([_program("ccr"), "start"], environment(folder), contender_cores(), folder / "ccr.log") as process:
        wait_for(port)
        yield Contender("claude-code-router", port, pid=process.pid)


OWN: tuple[Starter, ...] = (engine, engine_with_chain, engine_with_panel)
PEERS: Mapping[str, Starter] = {
    "nginx": nginx,
    "mitmdump": mitmdump,
    "litellm": litellm,
    "ccr": claude_code_router,
}
"""By the name of their program: contenders where it is on the path."""


def installed() -> tuple[Starter, ...]:
    """Every contender of this machine; the quickest first."""
    found = {name: starter for name, starter in PEERS.items() if find_program(name)}
    first = (found.pop("nginx"),) if "nginx" in found else ()
    return (direct, *first, *OWN, *found.values())


def find_program(name: str) -> str | None:
    """Where ``name`` is; system daemons are not on everybody's path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def wait_for(port: int) -> None:
    """Until something speaks HTTP on ``port``. Raises ``DidNotStart``."""
    _until(lambda: _answers(port), f"port {port}")


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _until(ready: Callable[[], bool], what: str) -> None:
    ends_at = time.monotonic() + START_PATIENCE_S
    while not ready():
        if time.monotonic() > ends_at:
            raise DidNotStart(f"{what} did not answer within {START_PATIENCE_S:.0f} s")
        time.sleep(0.02)


def _program(name: str) -> str:
    program = find_program(name)
    if program is None:
        raise DidNotStart(f"{name} is not installed")
    return program


def _only_child(pid: int) -> int | None:
    """The one worker of ``pid``; None where the system does not tell."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if len(children) == 1 else None
