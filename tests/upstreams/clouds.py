"""What a cloud before Claude does by itself: who may ask, where the model stands, what a body must and must not hold.

From the references of Bedrock's InvokeModel and CountTokens and of Vertex's rawPredict, and independent of the engine's
translations.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote

from tests.upstreams.answers import Answer
from tests.upstreams.dialects import error
from tests.upstreams.scripted import Call

Cloud = Literal["bedrock", "vertex"]
CLOUDS: tuple[Cloud, ...] = ("bedrock", "vertex")
KEY = "key-of-the-provider"

NO_MODEL: Mapping[Cloud, tuple[int, str]] = {
    "bedrock": (400, "The provided model identifier is invalid."),
    "vertex": (404, "Publisher Model was not found or your project does not have access to it."),
}
"""What is said of a model that does not exist."""
UNCOUNTED = "The provided model doesn't support counting tokens."
REFUSED: Mapping[Cloud, tuple[int, str]] = {
    "bedrock": (403, "Authentication failed: Please make sure your API Key is valid."),
    "vertex": (401, "Request had invalid authentication credentials."),
}

_VERSIONS: Mapping[Cloud, str] = {"bedrock": "bedrock-2023-05-31", "vertex": "vertex-2023-10-16"}
_FIELDS = {
    *("anthropic_version", "anthropic_beta", "messages", "max_tokens", "system", "stop_sequences", "temperature"),
    *("top_p", "top_k", "tools", "tool_choice", "thinking", "metadata", "output_config", "context_management"),
}


def cloud_of(speaks: str) -> Cloud | None:
    """The cloud that has this format, if one has."""
    return next((cloud for cloud in CLOUDS if cloud == speaks), None)


def counts(cloud: Cloud, call: Call) -> bool:
    """Whether ``call`` asks for a count."""
    return call.path.endswith("/count-tokens" if cloud == "bedrock" else "/count-tokens:rawPredict")


def refusal(cloud: Cloud, call: Call, model: str) -> Answer | None:
    """What the cloud says to a request that is not as it has to be; ``model`` is the one that it serves."""
    if call.header("authorization") != f"Bearer {KEY}":
        return error(cloud, *REFUSED[cloud])
    wrong = _bedrock_fault(call, model) if cloud == "bedrock" else _vertex_fault(call, model)
    return error(cloud, *wrong) if wrong is not None else None


def body_of(cloud: Cloud, call: Call) -> dict[str, Any]:
    """The body that Claude gets to read; of a count on Bedrock it stands within another one."""
    body: dict[str, Any] = json.loads(call.body)
    if cloud == "bedrock" and counts(cloud, call):
        body = json.loads(base64.b64decode(body["input"]["invokeModel"]["body"], validate=True))
    return body


def _bedrock_fault(call: Call, model: str) -> tuple[int, str] | None:
    start, named, action = call.target.removeprefix("/").split("/")
    if start != "model" or action not in ("invoke", "invoke-with-response-stream", "count-tokens"):
        return 404, "UnknownOperationException"
    bare = model[model.index("anthropic.") :]
    if action == "count-tokens" and unquote(named) != bare:
        return 400, UNCOUNTED
    if action != "count-tokens" and unquote(named) != model:
        return NO_MODEL["bedrock"]
    return _body_fault("bedrock", call, required=("messages", "max_tokens", "anthropic_version"), more=())


def _vertex_fault(call: Call, model: str) -> tuple[int, str] | None:
    named, _, action = call.target.rpartition("/")[2].rpartition(":")
    body = json.loads(call.body)
    if counts("vertex", call):
        if body.get("model") != model:
            return NO_MODEL["vertex"]
        return _body_fault("vertex", call, required=("messages", "model", "anthropic_version"), more=("model",))
    if unquote(named) != model:
        return NO_MODEL["vertex"]
    if body.get("stream", False) is not (action == "streamRawPredict"):
        return 400, f"stream does not go with {action}"
    return _body_fault("vertex", call, required=("messages", "max_tokens", "anthropic_version"), more=("stream",))


def _body_fault(
    cloud: Cloud, call: Call, *, required: tuple[str, ...], more: tuple[str, ...]
) -> tuple[int, str] | None:
    body = body_of(cloud, call)
    if missing := next((name for name in required if name not in body), None):
        return 400, f"{missing}: Field required"
    if extra := next((name for name in body if name not in {*_FIELDS, *more}), None):
        return 400, f"{extra}: Extra inputs are not permitted"
    if body["anthropic_version"] != _VERSIONS[cloud]:
        return 400, "anthropic_version: Input should be the cloud's own"
    if "max_tokens" in body and (body.get("thinking") or {}).get("budget_tokens", 0) >= body["max_tokens"]:
        return 400, "`max_tokens` must be greater than `thinking.budget_tokens`."
    return None
