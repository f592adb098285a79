"""A provider that does what it is asked, in every format, and with one fault if the test plants it.

It reads a request without knowing its format: all its texts together tell what is wanted. So it can judge from the
outside whether a check asks for what it says, and every check of it must pass until a fault is planted.
"""

import asyncio
import base64
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from tests.upstreams import clouds
from tests.upstreams.answers import Answer, Pause, Reply, Step, as_json
from tests.upstreams.anthropic import error_body, message_body, message_events, models_body, tool_call
from tests.upstreams.dialects import Said, answer, error, exception_frame, in_frames, streams
from tests.upstreams.gate import BOUND_S, Gate
from tests.upstreams.scripted import Call

Format = Literal["anthropic", "openai-chat", "openai-responses", "gemini", "bedrock", "vertex"]
FORMATS: tuple[Format, ...] = ("anthropic", "openai-chat", "openai-responses", "gemini", "bedrock", "vertex")

Fault = Literal[
    "key refused",
    "credit spent",
    "model not listed",
    "list broken",
    "other words",
    "buffered",
    "buffered, sent in pieces",
    "broken arguments",
    "other arguments",
    "call lost",
    "words for a call",
    "result ignored",
    "image ignored",
    "no thinking",
    "signature lost",
    "signature lost, refused",
    "thinking refused",
    "start lost",
    "no usage",
    "no output counted",
    "no cache",
    "count of another shape",
    "no count",
    "count far off",
    "error under 200",
    "error of another kind",
    "wrong model answered",
    "field rejected",
    "goes on, refuses",
    "goes on, waits",
    "frame broken",
    "exception in the stream",
]

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
BOOKED = {
    "guest": {"name": "Ada Lovelace", "contact": {"email": "ada@example.com"}},
    "courses": [{"dish": "soup", "count": 2}, {"dish": "cake", "count": 1}],
    "seating": "terrace",
}
WORD = re.compile(r"this word and nothing else: (\S+)")
DOORS = re.compile(r"The code of the (?:first|last) door is (\S+?)\.")
RESULT = re.compile(r"Confirmation code: (\S+)")
NO_MODEL = "no-such-model"
CACHED_BYTES = 10_000


class Clock:
    """Goes on by a hundredth of a second each time it is read, and by as much as a script wants."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


class Mind:
    """The script of a provider of one format: ``upstream.script = Mind(…)``."""

    def __init__(
        self, speaks: Format, model: str, clock: Clock, progress: Callable[[], int], fault: Fault | None = None
    ) -> None:
        """``progress`` tells how many bytes of the answer reached the client: a stream goes on when they do."""
        self._speaks, self._model, self._clock, self._progress, self._fault = speaks, model, clock, progress, fault
        self._cloud = clouds.cloud_of(speaks)
        self._bodies: set[bytes] = set()
        self._going_on = False

    def __call__(self, call: Call) -> Answer:
        if self._fault == "key refused":
            return self._error(*(clouds.REFUSED[self._cloud] if self._cloud else (401, "invalid key")))
        if self._fault == "credit spent":
            return self._error(402, "no credit left")
        if call.method == "GET":
            return self._models()
        wrong_model = NO_MODEL in call.target or NO_MODEL.encode() in call.body
        if self._cloud and not wrong_model and (wrong := clouds.refusal(self._cloud, call, self._model)) is not None:
            return wrong
        if self._counts(call):
            return self._count(call)
        if wrong_model and (wrong := self._wrong_model()) is not None:
            return wrong
        if refused := self._refused(call):
            return refused
        said = self._said(call)
        return self._told(said, call)

    def _models(self) -> Answer:
        if self._fault == "list broken":
            return as_json(b"<html>", 502)
        listed = "another-model" if self._fault == "model not listed" else self._model
        if self._speaks == "gemini":
            return as_json(json.dumps({"models": [{"name": f"models/{listed}"}]}).encode())
        return as_json(models_body(listed))

    def _counts(self, call: Call) -> bool:
        if self._cloud:
            return clouds.counts(self._cloud, call)
        return call.path.endswith(("/count_tokens", ":countTokens"))

    def _count(self, call: Call) -> Answer:
        if self._fault == "no count":
            return self._error(400, clouds.UNCOUNTED)
        tokens = 5000 if self._fault == "count far off" else len(self._body(call)) // 4
        name = {"gemini": "totalTokens", "bedrock": "inputTokens"}.get(self._speaks, "input_tokens")
        if self._fault == "count of another shape":
            return as_json(json.dumps({"tokens": {"count": tokens}}).encode())
        return as_json(json.dumps({name: tokens}).encode())

    def _body(self, call: Call) -> bytes:
        return json.dumps(clouds.body_of(self._cloud, call)).encode() if self._cloud else call.body

    def _wrong_model(self) -> Answer | None:
        match self._fault:
            case "wrong model answered":
                return None
            case "error under 200":
                return as_json(error_body("not_found_error", "no such model"))
            case "error of another kind":
                return self._error(500, "internal error")
            case _:
                return self._error(*(clouds.NO_MODEL[self._cloud] if self._cloud else (404, "no such model")))

    def _refused(self, call: Call) -> Answer | None:
        if self._going_on:
            self._going_on = False
            if self._fault == "goes on, refuses":
                return self._error(429, "one request at a time")
            self._clock.now += 30
        if self._fault == "field rejected" and b"context_management" in call.body:
            return self._error(400, "context_management: Extra inputs are not permitted")
        past = b'"tool_result"' in call.body and b'"thinking"' in call.body
        if self._fault in ("thinking refused", "signature lost, refused") and past:
            return self._error(400, "messages.1.content.0.thinking: each block needs a valid signature")
        return None

    def _error(self, status: int, words: str) -> Answer:
        if self._speaks != "anthropic":
            return error(self._speaks, status, words)
        kinds = {401: "authentication_error", 402: "billing_error", 404: "not_found_error", 429: "rate_limit_error"}
        return as_json(
            error_body(kinds.get(status, "invalid_request_error" if status < 500 else "api_error"), words), status
        )

    def _said(self, call: Call) -> Said:
        """What is wanted, from all texts of the request."""
        texts = list(_strings(json.loads(call.body)))
        text, names = "\n".join(texts), set(texts)
        if found := RESULT.search(text):
            return Said("Done." if self._fault == "result ignored" else f"The code is {found[1]}")
        if "It is 14:05" in text:
            return Said("14:05")
        if "book_table" in names:
            return self._call(("book_table", BOOKED))
        if "get_weather" in names:
            calls = [("get_weather", {"city": "Oslo"}), ("get_time", {"city": "Lima"})]
            return Said(tools=calls[:1] if self._fault == "call lost" else calls)
        if "get_time" in names:
            thinking = "" if self._fault == "no thinking" else "Let me work that out."
            return Said(tools=[("get_time", {"city": "Lima"})], thinking=thinking)
        if picture := next((each for each in texts if "iVBORw0K" in each), None):
            return Said("I see nothing." if self._fault == "image ignored" else _colours(picture))
        return Said(self._words(text))

    def _call(self, call: tuple[str, dict[str, Any]]) -> Said:
        if self._fault == "words for a call":
            return Said("I would call book_table now.")
        return Said(tools=[(call[0], {**call[1], "seating": "inside"})] if self._fault == "other arguments" else [call])

    def _words(self, text: str) -> str:
        if codes := DOORS.findall(text):
            return " and ".join(codes[1:] if self._fault == "start lost" else codes)
        if "numbers from 1 to 200" in text:
            self._going_on = self._fault in ("goes on, refuses", "goes on, waits")
        if "Write the numbers" in text:
            return ", ".join(NUMBERS * 6)
        found = WORD.search(text)
        return "OK" if found is None else "Hello there." if self._fault == "other words" else found[1]

    def _told(self, said: Said, call: Call) -> Answer:
        whole = self._spoken(said, call)
        prompt, output = max(40, len(call.body) // 4), max(12, len(said.text) // 4)
        cached = prompt - 10 if call.body in self._bodies and len(call.body) > CACHED_BYTES else 0
        self._bodies.add(call.body)
        if self._fault == "no cache":
            cached = 0
        if self._fault == "no output counted":
            output = 0
        steps = (
            [whole.body] if isinstance(whole.body, bytes) else [each for each in whole.body if isinstance(each, bytes)]
        )
        steps = [_counted(each, prompt, cached, output) for each in self._spoiled(steps)]
        if isinstance(whole.body, bytes):
            return Reply(whole.status, whole.headers, b"".join(steps), framing="length")
        if self._speaks == "bedrock":
            return self._framed(steps, said)
        return Reply(whole.status, whole.headers, self._in_time(steps, said))

    def _framed(self, events: list[bytes], said: Said) -> Reply:
        """A stream of AWS's."""
        framed = in_frames(events)
        steps = [each for each in framed.body if isinstance(each, bytes)]
        if self._fault == "frame broken":
            steps[-1] = steps[-1][:-1] + bytes([steps[-1][-1] ^ 1])
        if self._fault == "exception in the stream":
            broken_off = exception_frame("modelStreamErrorException", "The model broke off.")
            return Reply(framed.status, framed.headers, [*steps[:3], broken_off])
        return Reply(framed.status, framed.headers, self._in_time(steps, said))

    def _spoken(self, said: Said, call: Call) -> Reply:
        """Of Claude in a cloud too, its own events."""
        if self._speaks != "anthropic" and self._speaks != "bedrock" and self._speaks != "vertex":
            told = answer(self._speaks, call, said, self._model)
            assert isinstance(told, Reply)
            return told
        tools = [tool_call(name, given, f"toolu_{number:020d}") for number, (name, given) in enumerate(said.tools)]
        if streams(self._cloud or "openai-chat", call):
            events = message_events(said.text, tools=tools, thinking=said.thinking, model=self._model)
            return Reply(200, (("content-type", "text/event-stream"),), events)
        body = message_body(said.text, tools=tools, thinking=said.thinking, model=self._model)
        return Reply(200, (("content-type", "application/json"),), body)

    def _spoiled(self, steps: list[bytes]) -> list[bytes]:
        match self._fault:
            case "no usage":
                return [_without_usage(each) for each in steps]
            case "broken arguments":
                marks = (b'"input_json_delta"', b'"function":{"arguments"', b"arguments.delta")
                cut = [place for place, each in enumerate(steps) if any(mark in each for mark in marks)]
                return [each for place, each in enumerate(steps) if place not in cut[-1:]]
            case "signature lost" | "signature lost, refused":
                return [each for each in steps if b"signature_delta" not in each]
            case _:
                return steps

    def _in_time(self, steps: list[bytes], said: Said) -> list[Step]:
        """A long answer waits three times until its client has read what came so far."""
        if self._fault == "buffered":
            self._clock.now += 4
            return [b"".join(steps)]
        if len(said.text) < 100:
            return list(steps)
        if self._fault == "buffered, sent in pieces":
            self._clock.now += 40
        timed: list[Step] = []
        reading = _Reading(self._progress)
        stops = [len(steps) * quarter // 4 for quarter in (1, 2, 3)]
        for place, step in enumerate(steps):
            timed += [step, *([Pause(_Read(reading))] if place in stops else [])]
        return timed


class _Reading:
    """How far the client has read an answer."""

    def __init__(self, progress: Callable[[], int]) -> None:
        self.progress = progress
        self.seen_bytes = 0


class _Read(Gate):
    """Opens when the client has read more of the answer than at the last gate."""

    def __init__(self, reading: _Reading) -> None:
        super().__init__("the client reads on")
        self._reading = reading

    async def passed(self) -> None:
        async with asyncio.timeout(BOUND_S):
            while self._reading.progress() <= self._reading.seen_bytes:  # noqa: ASYNC110  of bytes there are no events
                await asyncio.sleep(0)
        self._reading.seen_bytes = self._reading.progress()


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _colours(picture: str) -> str:
    """The colours of the first and the last pixel of a PNG without filters."""
    data = base64.b64decode(picture.partition("base64,")[2] or picture)
    at = data.index(b"IDAT")
    rows = zlib.decompress(data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at])])
    width = int.from_bytes(data[16:20])
    left, right = rows[1:4], rows[width * 3 - 2 : width * 3 + 1]
    return f"{_colour(left)} {_colour(right)}"


def _colour(pixel: bytes) -> str:
    return ("red", "green", "blue")[pixel.index(max(pixel))].capitalize()


_PROMPTS = re.compile(rb'"(prompt_tokens|promptTokenCount)":\d+')
_INPUT = re.compile(rb'"input_tokens":\d+')
_CACHED = re.compile(rb'"(cached_tokens|cachedContentTokenCount|cache_read_input_tokens)":\d+')
_OUTPUTS = re.compile(rb'"(completion_tokens|output_tokens|candidatesTokenCount)":\d+')
_THOUGHTS = re.compile(rb'"(thoughtsTokenCount|reasoning_tokens)":\d+')


def _counted(step: bytes, prompt: int, cached: int, output: int) -> bytes:
    """``step`` with other counts in its usage."""
    claude = b"cache_read_input_tokens" in step
    step = _PROMPTS.sub(rb'"\1":%d' % prompt, step)
    step = _INPUT.sub(b'"input_tokens":%d' % (prompt - cached if claude else prompt), step)
    step = _CACHED.sub(rb'"\1":%d' % cached, step)
    step = _THOUGHTS.sub(rb'"\1":0', step)
    return _OUTPUTS.sub(rb'"\1":%d' % output, step)


def _without_usage(step: bytes) -> bytes:
    """``step`` without what it tells of tokens; an event or a body."""
    head, mark, data = step.rpartition(b"data: ") if b"data: " in step else (b"", b"", step)
    try:
        payload = json.loads(data)
    except ValueError:
        return step
    return head + mark + msgspec.json.encode(_plain(payload)) + (b"\n\n" if mark else b"")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name not in ("usage", "usageMetadata")}
    return [_plain(each) for each in value] if isinstance(value, list) else value
