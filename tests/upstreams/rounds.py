"""An upstream whose answers take several passes, each billed by its own length: rounds of searches, and iterations.

The request's text is a fate and a number. ``searches``, ``grows`` and ``in vain`` call for the web three times, twice
and twice; then they answer, and ``in vain`` fails at the first upstream. ``compacted`` and ``advised`` are one answer
that tells its passes one by one; its counts at the top leave out the compaction and the advice, as Anthropic's do.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.upstreams.answers import Answer, as_json, as_stream
from tests.upstreams.anthropic import error_body, message_body, message_events, tool_call
from tests.upstreams.books import Books
from tests.upstreams.scripted import Call

SEARCHED: Mapping[str, tuple[int, ...]] = {
    "searches": (70_000, 71_000, 72_000, 73_000),
    "grows": (150_000, 199_000, 240_000),
    "in vain": (150_000, 250_000, 260_000),
}
"""Tokens of each round's prompt. The price of long prompts begins after 200,000 for one model, 272,000 for another."""
SEARCHES_USD = "0.01"
"""For one: what ``books`` bills."""
ADVISER = "claude-opus-4-8"
ITERATED: Mapping[str, tuple[tuple[str, int], ...]] = {
    "compacted": (("compaction", 190_000), ("message", 40_000)),
    "advised": (("message", 120_000), ("advisor_message", 121_000), ("message", 230_000)),
}
"""Kind and prompt of each pass."""
FATES = (*SEARCHED, *ITERATED)
LONGEST = {
    **{fate: max(prompts) for fate, prompts in SEARCHED.items()},
    **{fate: max(prompt for _, prompt in passes) for fate, passes in ITERATED.items()},
}
"""Prompts, of each fate."""


def counts(prompt: int, *, searches: int = 0) -> dict[str, Any]:
    """What a pass used: half of the prompt is read from the cache, some of it written to it."""
    short, hour = 1_000 + prompt % 7, 2_000 + prompt % 11
    read = prompt // 2
    return {
        "input_tokens": prompt - read - short - hour,
        "cache_creation_input_tokens": short + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": hour},
        "cache_read_input_tokens": read,
        "output_tokens": 500 + prompt % 13,
        "server_tool_use": {"web_search_requests": searches},
    }


@dataclass
class RoundsUpstream:
    """A script for ``ScriptedUpstream``."""

    name: str
    books: Books

    def __call__(self, call: Call) -> Answer:
        body = json.loads(call.body)
        fate = body["messages"][0]["content"].partition(" #")[0]
        if fate in ITERATED:
            return self._iterated(call, body, ITERATED[fate])
        number = sum(turn["role"] == "assistant" for turn in body["messages"])
        prompts = SEARCHED[fate]
        if fate == "in vain" and self.name == "first" and number == len(prompts) - 1:
            return as_json(error_body("overloaded_error", "Overloaded"), 529)
        calls = number < len(prompts) - 1
        message_id = self.books.enter(self.name, body["model"], call, counts(prompts[number], searches=int(calls)))
        tools = [tool_call("web_search", {"query": f"query {number}"}, f"toolu_{number}")] if calls else []
        words = "" if calls else "Found."
        usage = counts(prompts[number])
        return as_json(message_body(words, usage=usage, model=body["model"], tools=tools, message_id=message_id))

    def _iterated(self, call: Call, body: Mapping[str, Any], passes: Iterable[tuple[str, int]]) -> Answer:
        told, model = [], body["model"]
        for kind, prompt in passes:
            own = ADVISER if kind == "advisor_message" else model
            told.append({"type": kind, **counts(prompt)} | ({} if kind == "compaction" else {"model": own}))
            message_id = self.books.enter(self.name, own, call, counts(prompt))
        last = told[-1]
        usage = {**{name: value for name, value in last.items() if name not in ("type", "model")}, "iterations": told}
        if not body["stream"]:
            return as_json(message_body("Done.", usage=usage, model=model, message_id=message_id))
        return as_stream(*message_events("Done.", usage=usage, model=model, message_id=message_id))
