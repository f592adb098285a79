"""Requests against the types of the vendor's own SDK: nothing missing, nothing wrong, nothing that they do not know."""

from collections.abc import Mapping
from typing import Any

from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter

_CHAT: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsNonStreaming)
_CHAT_STREAMED: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsStreaming)
_RESPONSES: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)
_RESPONSES_STREAMED: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsStreaming)
_RESPONSES_COUNT: TypeAdapter[Any] = TypeAdapter(InputTokenCountParams)


def assert_of_type(adapter: TypeAdapter[Any], payload: Mapping[str, Any]) -> None:
    """``payload`` fits and has no field beside: pydantic leaves unknown ones of a TypedDict out."""
    assert exhausted(adapter.validate_python(payload)) == payload


def assert_chat_request(payload: Mapping[str, Any]) -> None:
    assert_of_type(_CHAT_STREAMED if payload.get("stream") else _CHAT, payload)


def assert_responses_request(payload: Mapping[str, Any]) -> None:
    assert_of_type(_RESPONSES_STREAMED if payload.get("stream") else _RESPONSES, _with_ids(payload))


def assert_responses_count(payload: Mapping[str, Any]) -> None:
    assert_of_type(_RESPONSES_COUNT, _with_ids(payload))


def _with_ids(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The types demand an id of past reasoning; the API refuses one where nothing is stored."""
    items = [{"id": "rs_1", **item} if item["type"] == "reasoning" else item for item in payload["input"]]
    return {**payload, "input": items}


def exhausted(value: Any) -> Any:
    """``value`` with its lazy lists read, which is when pydantic looks at them."""
    if isinstance(value, Mapping):
        return {name: exhausted(each) for name, each in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    return [exhausted(each) for each in value]
