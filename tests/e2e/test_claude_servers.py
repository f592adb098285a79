"""The real `claude` on a real LiteLLM proxy and on llama.cpp's own server: answers, files, fallback."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.servers import LITELLM_KEY, litellm, llama
from tests.e2e.stage import Stage, provider
from tests.e2e.tiny_model import AFTER, MODEL, SAID
from tests.upstreams import Answer, Call, Reply, ScriptedUpstream
from tests.upstreams.dialects import Name, Said, answer, answers_a_tool

MakeStage = Callable[[str], Stage]
CONTEXT = 131_072
ANSWER = "It retries twice: größer."
foreign = pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses"])
local = pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic"])


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the local model reads."""
    path = tmp_path_factory.mktemp("notes") / "notes.txt"
    path.write_text("what the notes say\n")
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, notes: Path) -> Iterator[str]:
    with llama(tmp_path_factory.mktemp("llama"), str(notes), CONTEXT) as running:
        yield running


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[str]:
    with litellm(tmp_path_factory.mktemp("litellm"), upstream.url) as running:
        yield running


def settings(name: str, url: str, dialect: str, model: str) -> str:
    base = url if dialect == "anthropic" else f"{url}/v1"
    fields = f'base_url = "{base}"\ndialect = "{dialect}"\nauth = "bearer"\napi_key = "{LITELLM_KEY}"\n'
    return f"[providers.{name}]\n{fields}models = {json.dumps([model])}\n"


def spoken(call: Call, said: Said) -> Answer:
    dialect: Name = "openai-responses" if call.path.endswith("/responses") else "openai-chat"
    return answer(dialect, call, said)


@foreign
def test_an_answer_of_litellm_reaches_the_user(
    stage: MakeStage, proxy: str, upstream: ScriptedUpstream, dialect: str
) -> None:
    upstream.script = lambda call: spoken(call, Said(ANSWER))
    here = stage(settings("proxy", proxy, dialect, "relayed") + '[route]\ndefault = "proxy/relayed"\n')

    assert here.ask("How often does it retry?") == ANSWER

    row = here.requests()[-1]
    assert (row["outcome"], row["provider"], row["usage"]["cache_read_tokens"]) == ("served", "proxy", 200)


@foreign
def test_a_file_is_read_through_litellm(
    stage: MakeStage, proxy: str, upstream: ScriptedUpstream, notes: Path, dialect: Name
) -> None:
    def reads(call: Call) -> Answer:
        if answers_a_tool(dialect, call) or b"file_path" not in call.body:
            return spoken(call, Said("Read."))
        return spoken(call, Said("", [("Read", {"file_path": str(notes)})]))

    upstream.script = reads
    before = len(upstream.calls)
    here = stage(settings("proxy", proxy, dialect, "relayed") + '[route]\ndefault = "proxy/relayed"\n')

    assert here.ask("Read the notes.", "--dangerously-skip-permissions") == "Read."

    assert any(b"what the notes say" in call.body for call in upstream.calls[before:])


@foreign
def test_litellm_steps_in_for_claude(stage: MakeStage, proxy: str, upstream: ScriptedUpstream, dialect: str) -> None:
    upstream.script = lambda call: spoken(call, Said(ANSWER))
    with ScriptedUpstream(Reply(529, framing="length")) as overloaded:
        chain = '[route]\ndefault = "first"\nfallback = ["proxy/relayed"]\nfallback_enabled = true\n'
        first = provider("first", overloaded.url, ("claude-opus-4-8",))
        here = stage(first + settings("proxy", proxy, dialect, "relayed") + chain)

        assert here.ask("How often?", "--model", "claude-opus-4-8") == ANSWER

        attempts = here.requests()[-1]["attempts"]
        assert [(each["provider"], each["outcome"]) for each in attempts][-1] == ("proxy", "served")


@local
def test_a_local_model_reads_a_file_for_the_user(stage: MakeStage, tiny: str, dialect: str) -> None:
    here = stage(settings("local", tiny, dialect, MODEL) + f'[route]\ndefault = "local/{MODEL}"\n')

    assert here.ask("Read the notes.", "--dangerously-skip-permissions") == AFTER

    rows = [row for row in here.requests() if row["role"] == "main"]
    assert [row["outcome"] for row in rows] == ["served", "served"]
    assert all(row["usage"]["input_tokens"] > 0 and not row["usage_estimated"] for row in rows)


@local
def test_a_local_model_steps_in_for_claude(stage: MakeStage, tiny: str, dialect: str) -> None:
    with ScriptedUpstream(Reply(529, framing="length")) as overloaded:
        chain = f'[route]\ndefault = "first"\nfallback = ["local/{MODEL}"]\nfallback_enabled = true\n'
        first = provider("first", overloaded.url, ("claude-opus-4-8",))
        here = stage(first + settings("local", tiny, dialect, MODEL) + chain)

        assert here.ask("Hello?", "--model", "claude-opus-4-8", "--tools", "") == SAID
