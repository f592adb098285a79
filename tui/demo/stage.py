"""Where the demo plays: a temporary installation with simulated providers, out of the user's way."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping

from proxy.paths import HOME_VARIABLE, Paths, find_paths, write_private

_PRIVATE = re.compile(r"^(CCTUI|ANTHROPIC|CLAUDE)|KEY|TOKEN|SECRET|BASE_URL|ENDPOINT")
"""Variables that would bring the user's providers or settings into the demo."""

LEISURELY = {"every": "40.0", "length": "14.0", "first": "0.8", "speed": "55.0"}
HURRIED = {"every": "6.0", "length": "3.0", "first": "0.15", "speed": "350.0"}
"""A run of a few seconds shows an outage too: every other three seconds."""

_CONFIG = """\
[engine]
port = 0
local_servers = false

[providers.anthropic]
enabled = false

[providers.simulator]
enabled = false

[providers.claude-sim]
preset = "simulator"
[providers.claude-sim.simulator]
faults = {{ break = 0.02 }}
first_event_s = {first}
tokens_per_s = {speed}
outage_every_s = {every}
outage_for_s = {length}
outage_fault = "overloaded"

[providers.router-sim]
preset = "simulator"
[providers.router-sim.simulator]
models = [
  "anthropic/claude-opus-5.5", "anthropic/claude-sonnet-5.5", "anthropic/claude-haiku-5.5",
  "anthropic/claude-opus-4.8", "openai/gpt-5.5", "google/gemini-3-pro", "moonshotai/kimi-k3",
]
faults = {{ rate-limit = 0.04 }}
first_event_s = {first}
tokens_per_s = {speed}

[providers.local-sim]
preset = "simulator"
[providers.local-sim.simulator]
models = ["qwen3-coder:30b", "gpt-oss:20b"]
first_event_s = 1.8
tokens_per_s = 40.0

[route]
default = "claude-sim"
fallback = ["router-sim", "local-sim/qwen3-coder:30b"]
fallback_enabled = true
"""


def config(timing: Mapping[str, str]) -> str:
    """The demo's settings file."""
    return _CONFIG.format(**timing)


def environment(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """``environ`` without the user's keys and settings, and with the demo's home."""
    return {name: value for name, value in environ.items() if not _PRIVATE.search(name)} | {HOME_VARIABLE: home}


@contextlib.contextmanager
def stage(*, hurried: bool) -> Iterator[Paths]:
    """The installation, in force for this process and its children until the end; then removed."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="cctui-demo-", ignore_cleanup_errors=True) as home:
        try:
            _enter(environment(before, home))
            paths = find_paths()
            write_private(paths.config_file, config(HURRIED if hurried else LEISURELY).encode())
            yield paths
        finally:
            _enter(before)


def _enter(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
