"""Probes of what goes in: an image that is seen, a long prompt that is read to both ends, a prompt cache that pays.

Pure. The texts are the same in every check but for its nonce."""

import base64
import struct
import zlib
from collections.abc import Iterator
from functools import cache

from proxy.checkup.probe import (
    ROOM_TOKENS,
    Ask,
    Facts,
    Probe,
    Seen,
    Size,
    Verdict,
    degraded,
    dollars,
    failed,
    passed,
    question,
    unserved,
)

PICTURE_PIXELS = 96
LEFT, RIGHT = (220, 20, 20), (20, 40, 220)
LONG_LINES = 1250
"""About 25,000 tokens: as much as the client's own instructions and tools."""
LONG_TOKENS = 25_000
LONG_WINDOW = 32_000
LONG_READ = 0.4
"""Of the prompt's tokens; a tokenizer that makes fewer has not read all of it."""
CACHED_LINES = 400
"""About 8,000 tokens: no maker of models wants more than 4,096 before it caches."""
CACHED_TOKENS = 8_000


@cache
def picture() -> bytes:
    """A PNG whose left half is red and whose right half is blue."""
    half = PICTURE_PIXELS // 2
    row = b"\0" + bytes(LEFT) * half + bytes(RIGHT) * half
    head = struct.pack(">IIBBBBB", PICTURE_PIXELS, PICTURE_PIXELS, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(row * PICTURE_PIXELS)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _image_question(_: Seen) -> Ask:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(picture()).decode()}
    words = "Name the colour of the left half of this picture, then that of the right half, as two words."
    content = [{"type": "image", "source": source}, {"type": "text", "text": words}]
    return Ask({"max_tokens": ROOM_TOKENS, "messages": [{"role": "user", "content": content}], "stream": False})


def _blind(facts: Facts) -> str | None:
    return "the model takes no images, says the provider's list" if facts.images is False else None


def _image(seen: Seen) -> Verdict:
    if wrong := unserved(seen):
        return wrong
    answer = seen.answers[0]
    said = answer.text.lower()
    if not {"red", "blue"} <= set("".join(each if each.isalpha() else " " for each in said).split()):
        return failed("the picture is not seen: its colours are not named", answer)
    if said.index("red") > said.index("blue"):
        return degraded("the picture's colours are named the wrong way round", answer)
    return passed("the picture is seen")


def _lines(count: int, nonce: str) -> Iterator[str]:
    for number in range(1, count + 1):
        room, maps = number * 7919 % 9973, number % 89
        yield f"{number:05d}. In room {room} of the archive {nonce} stands a shelf with {maps} maps."


def _codes(facts: Facts) -> tuple[str, str]:
    return f"PLOVER-{facts.nonce[:4].upper()}", f"DUNLIN-{facts.nonce[4:].upper()}"


def _long_question(seen: Seen) -> Ask:
    first, last = _codes(seen.facts)
    lines = list(_lines(LONG_LINES, seen.facts.nonce))
    lines[1:1] = [f"The code of the first door is {first}."]
    lines[-1:-1] = [f"The code of the last door is {last}."]
    text = "\n".join(lines)
    return Ask(question(f"{text}\n\nReply with the code of the first door and the code of the last door.", stream=True))


def _narrow(facts: Facts) -> str | None:
    if facts.window is None or facts.window >= LONG_WINDOW:
        return None
    return f"its window of {facts.window:,} tokens holds no long prompt; Claude Code needs more"


def _long(seen: Seen) -> Verdict:
    if wrong := unserved(seen):
        return wrong
    answer, usage = seen.answers[0], seen.answers[0].record.usage
    missing = [each for each in _codes(seen.facts) if each not in answer.text.upper()]
    if len(missing) == 1:
        end = "start" if missing[0].startswith("PLOVER") else "end"
        return failed(f"the {end} of a long prompt is lost: it was cut, and nobody said so", answer)
    if missing:
        return failed("a long prompt is not read: neither of its codes comes back", answer)
    if not answer.record.usage_estimated and 0 < usage.prompt_tokens < LONG_READ * LONG_TOKENS:
        return degraded(f"read, but billed as {usage.prompt_tokens:,} tokens only", answer)
    return passed(f"both ends of {usage.prompt_tokens:,} tokens are read")


def _cache_question(seen: Seen) -> Ask:
    text = "\n".join(_lines(CACHED_LINES, seen.facts.nonce))
    system = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
    return Ask(question("Reply with the word OK and nothing else.", system=system))


def _cached(seen: Seen) -> Verdict:
    if wrong := unserved(seen):
        return wrong
    first, second = (each.record for each in seen.answers[:2])
    if second.usage_estimated or not second.usage.prompt_tokens:
        return degraded("no tokens are told, so nobody can tell what came from a cache", seen.answers[1], "usage")
    read, prompt = second.usage.cache_read_tokens, second.usage.prompt_tokens
    if not read:
        return degraded(
            "nothing is read from a cache: each turn pays for the whole conversation", seen.answers[1], "usage"
        )
    told = f"the second time {read:,} of {prompt:,} tokens came from the cache"
    if first.cost_nano_usd is None or second.cost_nano_usd is None or first.cost_nano_usd == 0:
        return passed(told)
    prices = f"{dollars(second, 4)} after {dollars(first, 4)}"
    if second.cost_nano_usd >= first.cost_nano_usd and not first.usage.cache_read_tokens:
        return degraded(f"{told}, but it was not cheaper: {prices}")
    return passed(f"{told}: {prices}")


IMAGE = Probe(
    "image", "image", _image, (_image_question,), Size(1, 200, 30, ROOM_TOKENS), unfit=_blind, understood=True
)
LONG = Probe(
    "long",
    "long input",
    _long,
    (_long_question,),
    Size(1, LONG_TOKENS, 40, ROOM_TOKENS),
    unfit=_narrow,
    understood=True,
)
CACHE = Probe(
    "cache",
    "prompt cache",
    _cached,
    (_cache_question, _cache_question),
    Size(2, 2 * CACHED_TOKENS, 20, 2 * ROOM_TOKENS),
)
