"""Model lists of providers that do not speak Anthropic's format."""

import json

import msgspec
import pytest

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import settings
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json

GEMINI = {
    "models": [
        {
            "name": "models/gemini-3-pro",
            "displayName": "Gemini 3 Pro",
            "inputTokenLimit": 1048576,
            "outputTokenLimit": 65536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }
    ]
}
OPENAI = {"object": "list", "data": [{"id": "gpt-5.5", "object": "model", "created": 1, "owned_by": "openai"}]}


@pytest.mark.parametrize(
    ("dialect", "path", "listed", "model"),
    [
        ("openai-responses", "/v1/models", OPENAI, "gpt-5.5"),
        ("openai-chat", "/v1/models", OPENAI, "gpt-5.5"),
        ("gemini", "/v1beta/models", GEMINI, "gemini-3-pro"),
    ],
)
async def test_the_list_is_asked_where_the_format_has_it(
    start: StartEngine, upstream: ScriptedUpstream, dialect: str, path: str, listed: object, model: str
) -> None:
    def lists(call: Call) -> Answer:
        return as_json(json.dumps(listed).encode(), 200 if call.path == path else 404)

    upstream.script = lists
    preset = {"gemini": "gemini", "openai-responses": "openai"}.get(dialect, "openai-compatible")
    first = {"preset": preset, "base_url": upstream.url, "api_key": "k", "dialect": dialect}
    engine = await start(settings(first))

    answer = msgspec.json.decode((await engine.look("models", refresh="1")).content, type=c.ModelList)

    assert [each.id for each in answer.models if each.provider == "first"] == [model]
    header = "x-goog-api-key" if dialect == "gemini" else "authorization"
    assert (upstream.calls[-1].header(header) or "").endswith("k")


async def test_gemini_s_windows_are_known_before_a_request_is_sent(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(json.dumps(GEMINI).encode())
    engine = await start(settings({"preset": "gemini", "base_url": upstream.url, "api_key": "k"}))

    answer = msgspec.json.decode((await engine.look("models", refresh="1")).content, type=c.ModelList)

    [model] = [each for each in answer.models if each.provider == "first"]
    assert (model.context_window, model.max_output_tokens) == (1048576, 65536)
