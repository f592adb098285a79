"""llama.cpp's own server with a model made for the tests, in every format that it speaks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.e2e.questions import QUESTION, TOOLS
from tests.e2e.servers import llama
from tests.e2e.stage import Stage
from tests.e2e.tiny_model import AFTER, MODEL, SAID

Make = Callable[[str], Stage]
CONTEXT = 4096
READS = "notes of the day.txt"
each = pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic"])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with llama(tmp_path_factory.mktemp("llama"), READS, CONTEXT) as running:
        yield running


@pytest.fixture
def make(tmp_path: Path, url: str) -> Iterator[Make]:
    """A stage whose provider is the server in a dialect."""
    made = Stage(tmp_path, tmp_path / "no-claude")

    def set_up(dialect: str) -> Stage:
        base = url if dialect == "anthropic" else f"{url}/v1"
        settings = f'base_url = "{base}"\ndialect = "{dialect}"\nauth = "none"\n'
        made.set_up(f'[providers.local]\n{settings}[route]\ndefault = "local/{MODEL}"\n')
        return made

    yield set_up
    made.tear_down()


@each
def test_an_answer_arrives_streamed_and_whole(make: Make, dialect: str) -> None:
    here = make(dialect)

    with here.sdk() as client:
        whole = client.messages.create(model="claude-opus-4-8", **QUESTION)
        with client.messages.stream(model="claude-opus-4-8", **QUESTION) as stream:
            pieces = list(stream.text_stream)
            streamed = stream.get_final_message()

    assert whole.content[0].text == streamed.content[0].text == "".join(pieces) == SAID
    assert len(pieces) > 1
    assert whole.stop_reason == streamed.stop_reason == "end_turn"
    for row in here.requests():
        assert (row["outcome"], row["target_model"], row["usage_estimated"]) == ("served", MODEL, False)
        assert row["usage"]["output_tokens"] == len(SAID.split()) + 1


@each
def test_a_tool_is_called_and_its_result_goes_back(make: Make, dialect: str) -> None:
    with make(dialect).sdk() as client:
        with client.messages.stream(model="claude-opus-4-8", tools=TOOLS, **QUESTION) as stream:
            asked = stream.get_final_message()
        [call] = asked.content
        assert (asked.stop_reason, call.name, call.input) == ("tool_use", "Read", {"file_path": READS})
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "the content of it"}
        turns = [*QUESTION["messages"], {"role": "assistant", "content": asked.content}]
        turns.append({"role": "user", "content": [result]})
        told = client.messages.create(model="claude-opus-4-8", max_tokens=100, tools=TOOLS, messages=turns)

    assert told.content[0].text == AFTER


@each
@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_beyond_its_window_is_told_in_the_words_on_which_the_client_compacts(
    make: Make, dialect: str, *, stream: bool
) -> None:
    turns: Any = [{"role": "user", "content": "x" * 2 * CONTEXT}]
    words = rf"prompt is too long: \d+ tokens > {CONTEXT} maximum"

    with make(dialect).sdk() as client, pytest.raises(anthropic.BadRequestError, match=words):
        client.messages.create(model="claude-opus-4-8", max_tokens=9, messages=turns, stream=stream)


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic"])
def test_an_answer_that_reaches_its_limit_says_so(make: Make, dialect: str) -> None:
    with make(dialect).sdk() as client:
        told = client.messages.create(model="claude-opus-4-8", **QUESTION | {"max_tokens": 2})

    assert (told.content[0].text, told.stop_reason) == ("Hello from", "max_tokens")


def test_its_model_is_listed(make: Make) -> None:
    here = make("openai-chat")
    listed = here.json("models", "--refresh")["models"]
    assert [model["id"] for model in listed if model["provider"] == "local"] == [MODEL]
