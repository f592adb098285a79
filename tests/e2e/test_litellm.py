"""A real LiteLLM proxy as provider, in Anthropic's format and in both of OpenAI's.

Its mocked answers need no network. Its model ``relayed`` stands at a scripted upstream, so that calls of tools and
errors pass through what LiteLLM does with real ones.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.e2e.questions import QUESTION, TOOLS
from tests.e2e.servers import LITELLM_KEY, litellm
from tests.e2e.stage import Stage
from tests.upstreams import Answer, Call, ScriptedUpstream
from tests.upstreams.dialects import OUTPUT, PROMPT, Name, Said, answer, answers_a_tool, error

Make = Callable[[str], Stage]
FORMATS: tuple[Name, ...] = ("openai-chat", "openai-responses")
each = pytest.mark.parametrize("dialect", FORMATS)


def format_of(call: Call) -> Name:
    return "openai-responses" if call.path.endswith("/responses") else "openai-chat"


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[str]:
    with litellm(tmp_path_factory.mktemp("litellm"), upstream.url) as running:
        yield running


@pytest.fixture
def make(tmp_path: Path, url: str) -> Iterator[Make]:
    """A stage whose provider is LiteLLM in a dialect."""
    made = Stage(tmp_path, tmp_path / "no-claude")

    def set_up(dialect: str) -> Stage:
        base = url if dialect == "anthropic" else f"{url}/v1"
        settings = f'base_url = "{base}"\ndialect = "{dialect}"\nauth = "bearer"\napi_key = "{LITELLM_KEY}"\n'
        made.set_up(f'[providers.litellm]\n{settings}[route]\ndefault = "litellm"\n')
        return made

    yield set_up
    made.tear_down()


def test_an_answer_of_litellm_arrives_streamed_and_whole(make: Make) -> None:
    here = make("anthropic")

    with here.sdk() as client:
        whole = client.messages.create(model="claude-opus-4-8", **QUESTION)
        with client.messages.stream(model="claude-opus-4-8", **QUESTION) as stream:
            streamed = stream.get_final_message()

    assert whole.content[0].text == "A mocked answer."
    assert streamed.content[0].text == "A mocked answer."
    rows = here.requests()
    assert [row["outcome"] for row in rows] == ["served", "served"]
    assert all(row["usage"]["output_tokens"] > 0 for row in rows)
    assert all(row["cost_usd"] is not None for row in rows)


@pytest.mark.parametrize("dialect", ["anthropic", *FORMATS])
def test_its_models_are_listed_and_can_be_used(make: Make, dialect: str) -> None:
    here = make(dialect)
    listed = here.json("models", "--refresh")["models"]
    names = {model["id"] for model in listed if model["provider"] == "litellm"}
    assert names == {"claude-opus-4-8", "glm-mock", "relayed"}

    here.cctui("use", "litellm/glm-mock")
    with here.sdk() as client:
        told = client.messages.create(model="claude-opus-4-8", **QUESTION)

    assert told.content[0].text == "Another mocked answer."
    row = here.requests()[-1]
    assert (row["asked_model"], row["target_model"], row["provider"]) == ("claude-opus-4-8", "glm-mock", "litellm")


def test_a_mocked_stream_of_chat_chunks_is_read(make: Make) -> None:
    here = make("openai-chat")
    here.cctui("use", "litellm/glm-mock")

    with here.sdk() as client, client.messages.stream(model="claude-opus-4-8", **QUESTION) as stream:
        told = stream.get_final_message()

    assert told.content[0].text == "Another mocked answer."
    row = here.requests()[-1]
    assert (row["usage"]["output_tokens"], row["usage_estimated"]) == (told.usage.output_tokens, False)


@each
def test_a_relayed_answer_arrives_streamed_and_whole(make: Make, upstream: ScriptedUpstream, dialect: Name) -> None:
    upstream.script = lambda call: answer(format_of(call), call, Said("Grüße.", thinking="Let me see."))
    here = make(dialect)
    here.cctui("use", "litellm/relayed")

    with here.sdk() as client:
        whole = client.messages.create(model="claude-opus-4-8", **QUESTION)
        with client.messages.stream(model="claude-opus-4-8", **QUESTION) as stream:
            streamed = stream.get_final_message()

    for told in (whole, streamed):
        assert "".join(block.text for block in told.content if block.type == "text") == "Grüße."
        assert [block.thinking for block in told.content if block.type == "thinking"] == ["Let me see."]
    row = here.requests()[-1]
    usage = row["usage"]
    assert (usage["input_tokens"], usage["cache_read_tokens"], usage["output_tokens"]) == (PROMPT - 200, 200, OUTPUT)


@each
def test_a_tool_is_called_and_its_result_goes_back(make: Make, upstream: ScriptedUpstream, dialect: Name) -> None:
    def reads(call: Call) -> Answer:
        done = answers_a_tool(format_of(call), call)
        said = Said("It was read.") if done else Said("", [("Read", {"file_path": "a b.txt"})])
        return answer(format_of(call), call, said)

    upstream.script = reads
    here = make(dialect)
    here.cctui("use", "litellm/relayed")

    with here.sdk() as client:
        with client.messages.stream(model="claude-opus-4-8", tools=TOOLS, **QUESTION) as stream:
            asked = stream.get_final_message()
        call = next(block for block in asked.content if block.type == "tool_use")
        assert (asked.stop_reason, call.name, call.input) == ("tool_use", "Read", {"file_path": "a b.txt"})
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "the content of it"}
        turns = [*QUESTION["messages"], {"role": "assistant", "content": asked.content}]
        turns.append({"role": "user", "content": [result]})
        told = client.messages.create(model="claude-opus-4-8", max_tokens=100, tools=TOOLS, messages=turns)

    assert told.content[0].text == "It was read."
    assert b"the content of it" in upstream.calls[-1].body


@each
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_from_behind_keeps_its_kind(
    make: Make, upstream: ScriptedUpstream, dialect: Name, *, stream: bool
) -> None:
    upstream.script = error("openai-chat", 400, "This model's maximum context length is 8192 tokens. You sent 9000.")
    here = make(dialect)
    here.cctui("use", "litellm/relayed")

    with here.sdk() as client, pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        client.messages.create(model="claude-opus-4-8", stream=stream, **QUESTION)
