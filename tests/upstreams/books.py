"""An upstream that bills: every answer of its own goes into its books, at published prices, by its own arithmetic.

Nothing here knows the engine's sums: rates are dollars as text, amounts exact fractions, rounded half up to a
nano-dollar once a request. Of an answer that broke or whose client left the output is billed that was streamed until
then, by a tokenizer of the upstream's own, and never told: that figure nobody else can have, but come near it.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from tests.upstreams.answers import Answer, Break, Hold, Step, as_json, as_stream
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


MORE_IN_THE_US = Fraction(11, 10)
"""Tokens of answers that are bound to the United States, by Anthropic's price list."""

LETTERS_PER_TOKEN = 4
"""Words are cut into tokens of so many letters, the space behind them included: 3.25 bytes each, on average."""
ENOUGH = "enough"
"""The last word of an interrupted answer."""


@dataclass(frozen=True)
class Entry:
    """One line of the books."""

    provider: str
    model: str
    session: str | None
    agent: str | None
    message_id: str
    usage: Mapping[str, Any]
    interrupted: bool
    """Its output was never told."""

    @property
    def nano_usd(self) -> int:
        return nano_usd(self.model, self.usage)

    def with_output(self, tokens: int) -> "Entry":
        """The same with another count of output."""
        return replace(self, usage={**self.usage, "output_tokens": tokens})


@dataclass
class Books:
    """The books of several upstreams."""

    entries: list[Entry] = field(default_factory=list)

    def enter(
        self, provider: str, model: str, call: Call, usage: Mapping[str, Any], *, interrupted: bool = False
    ) -> str:
        """Write a line. Returns the id of the answer that it is for."""
        session, agent = call.header("x-claude-code-session-id"), call.header("x-claude-code-agent-id")
        message_id = f"msg_{len(self.entries):06}"
        self.entries.append(Entry(provider, model, session, agent, message_id, usage, interrupted))
        return message_id

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
    ) / MILLION
    if usage.get("inference_geo") == "us":
        dollars *= MORE_IN_THE_US
    dollars += usage["server_tool_use"]["web_search_requests"] * Fraction(rates.searches) / 1000
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
        if fate in ("broken", "cancelled"):
            return self._interrupted(call, model, usage, Break() if fate == "broken" else Hold())
        message_id = self.books.enter(self.name, model, call, usage)
        words = "Some words in a row."
        if not body["stream"]:
            return as_json(message_body(words, usage=usage, model=model, message_id=message_id))
        return as_stream(*message_events(words, usage=usage, model=model, thinking="Hm.", message_id=message_id))

    def _interrupted(self, call: Call, model: str, usage: Mapping[str, Any], end: Step) -> Answer:
        """An answer all the text of which is streamed, and nothing after it."""
        chance = random.Random(repr(usage))
        thought, said = ([_word(chance) for _ in range(chance.randrange(20, 300))] for _ in range(2))
        said.append(ENOUGH)
        billed = {**usage, "output_tokens": sum(map(_tokens, (*thought, *said)))}
        message_id = self.books.enter(self.name, model, call, billed, interrupted=True)
        events = message_events(
            " ".join(said), usage=usage, model=model, thinking=" ".join(thought), message_id=message_id
        )
        after_the_text = 3
        """The end of the block, the counts, the end of the message."""
        return as_stream(*events[:-after_the_text], end)


FATES = ("whole", "long", "broken", "cancelled", "overloaded", "error first", "refused", "at once")
"""``overloaded`` and ``error first``: the first upstream fails; ``refused``: all do; ``at once``: not as a stream."""


def _word(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randrange(2, 10)))


def _tokens(word: str) -> int:
    return -(-len(word + " ") // LETTERS_PER_TOKEN)


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
        "inference_geo": chance.choice(["global", "not_available", "us"]),
    }


def plan(rounds: int, models: Iterable[str]) -> list[tuple[str, str]]:
    """Fate and model of each request: every fate with every model, ``rounds`` times, well mixed."""
    wanted = [(fate, model) for _ in range(rounds) for fate in FATES for model in models]
    random.Random("mixed").shuffle(wanted)
    return wanted
