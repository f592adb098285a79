"""Real servers of OpenAI's formats on this machine: a LiteLLM proxy, and llama.cpp with a model made for the tests."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.e2e.stage import LITELLM_VARIABLE, LLAMA_VARIABLE

LITELLM_KEY = "sk-litellm-test"
START_TIMEOUT_S = 120
LITELLM_CONFIG = """
model_list:
  - model_name: claude-opus-4-8
    litellm_params: {model: anthropic/claude-opus-4-8, api_key: none, mock_response: "A mocked answer."}
  - model_name: glm-mock
    litellm_params: {model: openai/glm-mock, api_key: none, mock_response: "Another mocked answer."}
"""
RELAYED = """
  - model_name: relayed
    litellm_params: {{model: openai/foreign-1, api_key: key-of-the-upstream, api_base: "{url}"}}
"""
_TINY_MODEL = Path(__file__).parent / "tiny_model.py"


@contextlib.contextmanager
def litellm(folder: Path, behind: str | None = None) -> Iterator[str]:
    """The base URL of a running proxy; its model ``relayed`` is served by the upstream at ``behind``."""
    config = LITELLM_CONFIG + (RELAYED.format(url=behind) if behind else "")
    (folder / "config.yaml").write_text(f"{config}general_settings: {{master_key: {LITELLM_KEY}}}\n")
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    command = [os.environ[LITELLM_VARIABLE], "--config", "config.yaml", "--host", "127.0.0.1", "--port"]
    with (
        _kept_port() as port,
        (folder / "told").open("wb") as told,
        _running([*command, str(port)], folder, environment, told) as process,
    ):
        _wait_for_port(port, process, folder / "log")
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def llama(folder: Path, reads: str, context: int) -> Iterator[str]:
    """The base URL of llama.cpp's server; its model calls for the file ``reads`` and holds ``context`` tokens."""
    command = [os.environ[LLAMA_VARIABLE], "-I", str(_TINY_MODEL), str(folder), str(context), reads]
    with _running(command, folder, {"PATH": os.defpath, "HOME": str(folder)}, subprocess.PIPE) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, f"llama.cpp did not start:\n{(folder / 'log').read_text()[-3000:]}"
        yield f"http://127.0.0.1:{int(port)}"


@contextlib.contextmanager
def _running(
    command: Sequence[str], folder: Path, env: Mapping[str, str], told: IO[bytes] | int
) -> Iterator["subprocess.Popen[bytes]"]:
    """``told`` takes its output, ``log`` in the folder its complaints."""
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=dict(env), stdin=subprocess.PIPE, stdout=told, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"LiteLLM did not start:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def _kept_port() -> Iterator[int]:
    """A port that goes to nobody but who asks for its number: it takes long until the server does."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield int(keeper.getsockname()[1])
