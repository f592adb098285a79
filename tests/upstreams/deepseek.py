"""What DeepSeek's server of Anthropic's format refuses, in its own words."""

import json

from tests.upstreams.answers import Answer, as_json
from tests.upstreams.anthropic import error_body
from tests.upstreams.scripted import Call


def refusal_of(call: Call) -> Answer | None:
    """The answer to a request that it does not take; None: it takes it."""
    body = json.loads(call.body)
    off = body.get("thinking", {}).get("type") == "disabled"
    past = [each["content"] for each in body["messages"] if each["role"] == "assistant"]
    if off and "effort" in body.get("output_config", {}):
        return _refused("thinking options type cannot be disabled when reasoning_effort is set")
    if not off and any(isinstance(content, str) or content[0]["type"] != "thinking" for content in past):
        return _refused("The `content[].thinking` in the thinking mode must be passed back to the API.")
    return None


def _refused(words: str) -> Answer:
    return as_json(error_body("invalid_request_error", words), 400)
