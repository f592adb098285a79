"""Scripted models of providers that neither search nor fetch: the engine does both for them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.proxy.dialects.grammar import Answer as Got
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, message_body, tool_call
from tests.upstreams.dialects import NAMES, OUTPUT, PROMPT, Said, answer

each = pytest.mark.parametrize("dialect", [*NAMES, "anthropic"])
"""For each format, each of which has a way of its own to call tools."""
Script = Callable[[Call], Answer]


def speaks(dialect: str, call: Call, said: Said) -> Answer:
    if dialect != "anthropic":
        return answer(dialect, call, said)  # type: ignore[arg-type]
    usage = {"input_tokens": PROMPT - 200, "cache_read_input_tokens": 200, "output_tokens": OUTPUT}
    tools = [tool_call(name, given, f"toolu_{number}") for number, (name, given) in enumerate(said.tools)]
    return as_json(message_body(said.text, usage=usage, model="foreign-1", tools=tools))


def in_turn(dialect: str, *said: Said) -> Script:
    """A model that says one thing after the other, one in each round."""
    number = iter(range(99))
    return lambda call: speaks(dialect, call, said[min(next(number), len(said) - 1)])


def foreign(upstream: ScriptedUpstream, dialect: str = "anthropic", **more: Any) -> dict[str, Any]:
    """Settings of a provider with one model, which neither searches nor fetches."""
    auth = "x-goog-api-key" if dialect == "gemini" else "bearer"
    fields = {"base_url": upstream.url, "dialect": dialect, "auth": auth, "api_key": "k", "models": ["foreign-1"]}
    return {"preset": "respan", **fields, **more}


def by(service: ScriptedUpstream, **more: Any) -> dict[str, Any]:
    """Settings of the search."""
    return {"backend": "brave", "api_key": "key-of-brave", "base_url": service.url, "usd_per_search": "0.005", **more}


def blocks(got: Got, kind: str) -> list[dict[str, Any]]:
    return [block for block in got.blocks if block["type"] == kind]


def asked(call: Call) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(call.body)
    return sent
