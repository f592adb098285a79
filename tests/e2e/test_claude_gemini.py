"""The real `claude` and what Gemini must get back: it refuses a past call without its thought signature."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.stage import Stage, provider
from tests.upstreams import Answer, Call, ScriptedUpstream, as_stream

MakeStage = Callable[[str], Stage]
Part = dict[str, Any]
MODEL = "gemini-3.1-pro-preview"
SETTINGS = f'[route]\ndefault = "abroad/{MODEL}"\n'


def events(*parts: Part) -> Answer:
    """An answer of ``parts``, one an event."""
    told: list[Part] = [{"content": {"role": "model", "parts": [part]}, "index": 0} for part in parts]
    told.append({"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0})
    usage = {"promptTokenCount": 900, "candidatesTokenCount": 20, "totalTokenCount": 920}
    payloads = [{"candidates": [each], "usageMetadata": usage, "modelVersion": MODEL} for each in told]
    return as_stream(*(b"data: " + json.dumps(payload).encode() + b"\r\n\r\n" for payload in payloads))


def read(path: str, number: int, **fields: Any) -> Part:
    return {"functionCall": {"name": "Read", "args": {"file_path": path}, "id": f"id{number}"}, **fields}


@pytest.mark.parametrize(
    "before",
    [[], [{"text": "I look."}], [{"text": "hm", "thought": True}], [{"text": "hm", "thought": True}, {"text": "So."}]],
    ids=["alone", "after text", "after thinking", "after both"],
)
def test_a_thought_signature_and_ids_return_through_the_client(stage: MakeStage, before: list[Part]) -> None:
    def answers(call: Call) -> Answer:
        if b"functionResponse" in call.body or b"file_path" not in call.body:
            return events({"text": "Both read."})
        paths = [str(here.project / name) for name in ("one.txt", "two.txt")]
        return events(*before, read(paths[0], 1, thoughtSignature="c2lnbmVk"), read(paths[1], 2))

    with ScriptedUpstream(answers) as upstream:
        settings = provider("abroad", upstream.url, (MODEL,), dialect='"gemini"')
        here = stage(settings.replace('auth = "bearer"', 'auth = "x-goog-api-key"') + SETTINGS)
        for name in ("one", "two"):
            (here.project / f"{name}.txt").write_text(f"content of {name}\n")

        assert here.ask("Read both.", "--dangerously-skip-permissions") == "Both read."

        last = next(call for call in reversed(upstream.calls) if b"functionResponse" in call.body)
        contents = json.loads(last.body)["contents"]
        calls = [part for content in contents for part in content["parts"] if "functionCall" in part]
        responses = [part for content in contents for part in content["parts"] if "functionResponse" in part]
        assert [part.get("thoughtSignature") for part in calls] == ["c2lnbmVk", None]
        assert [part["functionCall"]["id"] for part in calls] == ["id1", "id2"]
        assert [part["functionResponse"]["id"] for part in responses] == ["id1", "id2"]
