"""An upstream that bills: every answer of its own goes into its books, at published prices, by its own arithmetic.

Nothing here knows the engine's sums: rates are dollars as text, amounts exact fractions, rounded half up to a
nano-dollar once a request. What was told of a stream until it broke or its client left is what was billed.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.upstreams.answers import Answer, Break, Hold, as_json, as_stream
from tests.upstreams.anthropic import error_body, error_event, message_body, message_events
from tests.upstreams.scripted import Call

MILLION = 10**6


@dataclass(frozen=True)
class Rates:
    """Dollars per million tokens, as a maker publishes them."""

    input: str
    output: str
    cache_read: str
    write_5m: str
    write_1h: str
    searches: str = "0"
    """For a thousand."""
    long_from: int | None = None
    """Prompts of so many tokens cost ``long`` as a whole."""
    long: "Rates | None" = None


RATES: Mapping[str, Rates] = {
    "claude-opus-4-8": Rates("5", "25", "0.50", "6.25", "10", "10"),
    "claude-sonnet-4-5": Rates(
        "3", "15", "0.30", "3.75", "6", "10", 200_001, Rates("6", "22.50", "0.60", "7.50", "12", "10")
    ),
    "claude-haiku-4-5": Rates("1", "5", "0.10", "1.25", "2", "10"),
    "gpt-5.4": Rates("2.50", "15", "0.25", "2.50", "2.50", "10", 272_001, Rates("5", "22.50", "0.50", "5", "5", "10")),
}
"""Anthropic's and OpenAI's price lists of November 2026; OpenAI bills writing to its cache as input."""


@dataclass(frozen=True)
class Entry:
    """One line of the books."""

    provider: str
    model: str
    session: str | None
    agent: str | None
    nano_usd: int


@dataclass
class Books:
    """The books of several upstreams."""

    entries: list[Entry] = field(default_factory=list)

    def enter(self, provider: str, model: str, call: Call, usage: Mapping[str, Any]) -> None:
        session, agent = call.header("x-claude-code-session-id"), call.header("x-claude-code-agent-id")
        self.entries.append(Entry(provider, model, session, agent, nano_usd(model, usage)))

    def total(self) -> int:
        return sum(entry.nano_usd for entry in self.entries)

    def by(self, key: Callable[[Entry], str | None]) -> dict[str, int]:
        """Sums by ``key``; empty where there is none."""
        sums: dict[str, int] = {}
        for entry in self.entries:
            name = key(entry) or ""
            sums[name] = sums.get(name, 0) + entry.nano_usd
        return sums


def nano_usd(model: str, usage: Mapping[str, Any]) -> int:
    """What ``usage`` costs on ``model``, rounded half up."""
    rates = RATES[model]
    writes = usage["cache_creation"]
    short, long = writes["ephemeral_5m_input_tokens"], writes["ephemeral_1h_input_tokens"]
    prompt = usage["input_tokens"] + usage["cache_read_input_tokens"] + short + long
    if rates.long is not None and rates.long_from is not None and prompt >= rates.long_from:
        rates = rates.long
    dollars = (
        usage["input_tokens"] * Fraction(rates.input)
        + usage["output_tokens"] * Fraction(rates.output)
        + usage["cache_read_input_tokens"] * Fraction(rates.cache_read)
        + short * Fraction(rates.write_5m)
        + long * Fraction(rates.write_1h)
    ) / MILLION + usage["server_tool_use"]["web_search_requests"] * Fraction(rates.searches) / 1000
    return int(dollars * 10**9 + Fraction(1, 2))


@dataclass
class BillingUpstream:
    """A script for ``ScriptedUpstream``: answers as the request's text asks, and bills what it answers.

    The text is one of ``FATES`` and a number, by which counts are drawn, the same in every run.
    """

    name: str
    books: Books
    fails: Callable[[str], bool] = lambda _: False
    """Fates that this upstream refuses with 529 and does not bill."""

    def __call__(self, call: Call) -> Answer:
        body = json.loads(call.body)
        model, text = body["model"], body["messages"][-1]["content"]
        fate = text.partition(" #")[0]
        if fate == "refused" or self.fails(fate):
            return as_json(error_body("overloaded_error", "Overloaded"), 529)
        if fate == "error first" and self.name == "first":
            return as_stream(error_event())
        usage = draw(f"{self.name} {text}", long=fate == "long")
        events = message_events("Some words in a row.", usage=usage, model=model, thinking="Hm.")
        if fate in ("broken", "cancelled"):
            self.books.enter(self.name, model, call, {**usage, "output_tokens": 1})
            return as_stream(*events[:6], Break() if fate == "broken" else Hold())
        self.books.enter(self.name, model, call, usage)
        if not body["stream"]:
            return as_json(message_body("Some words in a row.", usage=usage, model=model))
        return as_stream(*events)


FATES = ("whole", "long", "broken", "cancelled", "overloaded", "error first", "refused", "at once")
"""``overloaded`` and ``error first``: the first upstream fails; ``refused``: all do; ``at once``: not as a stream."""


def draw(seed: str, *, long: bool) -> dict[str, Any]:
    """Counts of a request, with caches of both lifetimes; ``long`` goes beyond every tier."""
    chance = random.Random(seed)

    def some(most: int) -> int:
        return chance.choice([0, chance.randrange(100), chance.randrange(most)])

    short, hour = some(30_000), some(30_000)
    return {
        "input_tokens": 1 + some(20_000) + (280_000 if long else 0),
        "cache_creation_input_tokens": short + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": hour},
        "cache_read_input_tokens": some(90_000),
        "output_tokens": 2 + some(9_000),
        "server_tool_use": {"web_search_requests": chance.choice([0, 0, 3])},
    }


def plan(rounds: int, models: Iterable[str]) -> list[tuple[str, str]]:
    """Fate and model of each request: every fate with every model, ``rounds`` times, well mixed."""
    wanted = [(fate, model) for _ in range(rounds) for fate in FATES for model in models]
    random.Random("mixed").shuffle(wanted)
    return wanted
