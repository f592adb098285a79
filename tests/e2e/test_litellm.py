"""A real LiteLLM proxy as provider; its mocked answers need no network."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.e2e.stage import LITELLM_VARIABLE, Stage

CONFIG = """
model_list:
  - model_name: claude-opus-4-8
    litellm_params: {model: anthropic/claude-opus-4-8, api_key: none, mock_response: "A mocked answer."}
  - model_name: glm-mock
    litellm_params: {model: openai/glm-mock, api_key: none, mock_response: "Another mocked answer."}
general_settings: {master_key: sk-litellm-test}
"""
START_TIMEOUT_S = 120


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a running proxy."""
    folder = tmp_path_factory.mktemp("litellm")
    (folder / "config.yaml").write_text(CONFIG)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    command = [os.environ[LITELLM_VARIABLE], "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        wait_for_port(port, process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"LiteLLM did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def here(tmp_path: Path, litellm: str) -> Iterator[Stage]:
    made = Stage(tmp_path, tmp_path / "no-claude")
    made.set_up(
        f'[providers.litellm]\nbase_url = "{litellm}"\napi_key = "sk-litellm-test"\n[route]\ndefault = "litellm"\n'
    )
    yield made
    made.tear_down()


def client_of(here: Stage) -> anthropic.Anthropic:
    """The SDK, set up with what `cctui env` says."""
    env = json.loads(here.cctui("env", "--shell", "json").stdout)
    name, _, token = env["ANTHROPIC_CUSTOM_HEADERS"].splitlines()[0].partition(": ")
    return anthropic.Anthropic(
        base_url=env["ANTHROPIC_BASE_URL"], auth_token=env["ANTHROPIC_AUTH_TOKEN"], default_headers={name: token}
    )


def test_an_answer_of_litellm_arrives_streamed_and_whole(here: Stage) -> None:
    client = client_of(here)
    question: Any = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello?"}]}

    whole = client.messages.create(model="claude-opus-4-8", **question)
    with client.messages.stream(model="claude-opus-4-8", **question) as stream:
        streamed = stream.get_final_message()

    assert whole.content[0].text == "A mocked answer."
    assert streamed.content[0].text == "A mocked answer."
    rows = here.requests()
    assert [row["outcome"] for row in rows] == ["served", "served"]
    assert all(row["usage"]["output_tokens"] > 0 for row in rows)
    assert all(row["cost_usd"] is not None for row in rows)


def test_its_models_are_listed_and_can_be_used(here: Stage) -> None:
    listed = here.json("models", "--refresh")["models"]
    assert {model["id"] for model in listed if model["provider"] == "litellm"} == {"claude-opus-4-8", "glm-mock"}

    here.cctui("use", "litellm/glm-mock")
    answer = client_of(here).messages.create(
        model="claude-opus-4-8", max_tokens=100, messages=[{"role": "user", "content": "Hello?"}]
    )

    assert answer.content[0].text == "Another mocked answer."
    row = here.requests()[-1]
    assert (row["asked_model"], row["target_model"], row["provider"]) == ("claude-opus-4-8", "glm-mock", "litellm")
