"""The real `claude` searches the web by a provider of another dialect that has a search of its own."""

import json
from collections.abc import Callable
from typing import Any

from tests.e2e.stage import Stage, provider
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json
from tests.upstreams.dialects import Said, answer, answers_a_tool, streams

MakeStage = Callable[[str], Stage]
PAGE = "https://weather.example/bern"
FOUND = "It rains in Bern."
SETTINGS = '[providers.abroad.quirks]\nsearch_tool = "web_search"\n[route]\ndefault = "abroad/foreign-1"\n'


def searched(call: Call) -> Answer:
    """A response whose search was run by the provider; whole, whatever was asked for."""
    cited = {"type": "url_citation", "url": PAGE, "title": "Weather", "start_index": 0, "end_index": 4}
    content = [{"type": "output_text", "text": FOUND, "annotations": [cited]}]
    action = {"type": "search", "query": "weather bern", "sources": [{"type": "url", "url": PAGE}]}
    output: list[dict[str, Any]] = [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": action},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content},
    ]
    body = {"id": "resp_1", "object": "response", "model": "foreign-1", "status": "completed", "output": output}
    assert streams("openai-responses", call)
    return as_json(json.dumps(body).encode())


def test_a_search_of_claude_code_s_is_run_by_the_provider(stage: MakeStage) -> None:
    def says(call: Call) -> Answer:
        if b'{"type":"web_search"}' in call.body:
            return searched(call)
        if b"WebSearch" not in call.body or answers_a_tool("openai-responses", call):
            return answer("openai-responses", call, Said("Take an umbrella."))
        return answer("openai-responses", call, Said("", [("WebSearch", {"query": "weather bern"})]))

    with ScriptedUpstream(says) as upstream:
        here = stage(provider("abroad", upstream.url, ("foreign-1",), dialect='"openai-responses"') + SETTINGS)

        assert here.ask("Do I need an umbrella?", "--dangerously-skip-permissions") == "Take an umbrella."

        last = next(call for call in reversed(upstream.calls) if answers_a_tool("openai-responses", call))
        results = [item for item in json.loads(last.body)["input"] if item["type"] == "function_call_output"]
        assert PAGE in results[-1]["output"]
        assert FOUND in results[-1]["output"]
