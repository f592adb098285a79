"""Probes of tools: arguments of a nested schema, two calls in one answer, a result that is read, thinking that comes
back with it. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.checkup.probe import (
    EVIDENCE_CHARS,
    ROOM_TOKENS,
    Answer,
    Ask,
    Facts,
    Probe,
    Seen,
    Size,
    Verdict,
    degraded,
    failed,
    passed,
    question,
    skipped,
    unserved,
)

THINKING_TOKENS = 1024
"""The least that may be asked for."""


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_TEXT = {"type": "string"}
_TABLE = {
    "name": "book_table",
    "description": "Books a table at a restaurant and answers with a confirmation code.",
    "input_schema": _object(
        guest=_object(name=_TEXT, contact=_object(email=_TEXT)),
        courses={"type": "array", "items": _object(dish=_TEXT, count={"type": "integer"})},
        seating={"type": "string", "enum": ["inside", "terrace"]},
    ),
}
_BOOKED = {
    "guest": {"name": "Ada Lovelace", "contact": {"email": "ada@example.com"}},
    "courses": [{"dish": "soup", "count": 2}, {"dish": "cake", "count": 1}],
    "seating": "terrace",
}
_BOOK = (
    "Call the tool book_table once: the guest is Ada Lovelace (ada@example.com), the courses are 2 of the dish soup "
    "and 1 of the dish cake, the seating is terrace. When the tool has answered, reply with its confirmation code."
)
_WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": _object(city=_TEXT),
}
_TIME = {"name": "get_time", "description": "The time in a city.", "input_schema": _object(city=_TEXT)}
_BOTH = "Call get_weather for Oslo and get_time for Lima, both of them at once in this answer. Say nothing else."
_PUZZLE = (
    "Work out 17 times 23, then take away the number of letters in the word Mississippi. After that call the tool "
    "get_time for Lima. When it has answered, reply with the time."
)


def _tool_question(_: Seen) -> Ask:
    return Ask(question(_BOOK, tools=[_TABLE], stream=True))


def _toolless(facts: Facts) -> str | None:
    return "the model takes no tools, says the provider's list" if facts.tools is False else None


def _tool(seen: Seen) -> Verdict:
    if wrong := unserved(seen):
        return wrong
    answer = seen.answers[0]
    call = next((each for each in answer.calls if each.get("name") == "book_table"), None)
    if call is None:
        return failed("answered with words instead of a call", answer)
    given = call.get("input")
    if not isinstance(given, Mapping):
        return Verdict("fail", "the call's arguments are no JSON object", _shown(given))
    if not _fits(given, _TABLE["input_schema"]):
        return Verdict("fail", "the call's arguments do not fit the schema", _shown(given))
    if answer.record.stop_reason != "tool_use":
        return degraded(f"calls, but says that it ended by {answer.record.stop_reason or 'nothing'}", answer)
    if _plain(given) != _plain(_BOOKED):
        return Verdict("degraded", "the arguments fit the schema, but are not what was asked for", _shown(given))
    return passed("nested arguments arrive whole")


def _fits(value: object, schema: object) -> bool:
    """Whether ``value`` is what a schema of ours asks for."""
    if not isinstance(schema, Mapping):
        return False
    match schema.get("type"):
        case "object":
            inner = schema["properties"]
            return isinstance(value, Mapping) and all(
                name in value and _fits(value[name], each) for name, each in inner.items()
            )
        case "array":
            return isinstance(value, list) and all(_fits(each, schema["items"]) for each in value)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return isinstance(value, str) and value in schema.get("enum", (value,))


def _plain(value: object) -> str:
    """Compared without regard to case and to the order of names."""
    return msgspec.json.encode(value, order="sorted").decode().lower()


def _parallel_question(_: Seen) -> Ask:
    return Ask(question(_BOTH, tools=[_WEATHER, _TIME], stream=True))


def _parallel(seen: Seen) -> Verdict:
    if wrong := unserved(seen):
        return wrong
    answer = seen.answers[0]
    names = [str(each.get("name")) for each in answer.calls]
    missing = [name for name in ("get_weather", "get_time") if name not in names]
    if missing == ["get_weather", "get_time"]:
        return failed("answered with words instead of two calls", answer)
    if missing:
        return degraded(f"of two calls in one answer only {names[0]} came: tools run one after the other", answer)
    broken = next((each for each in answer.calls if not _fits(each.get("input"), _TIME["input_schema"])), None)
    if broken is not None:
        return Verdict("fail", f"the arguments of {broken.get('name')} are broken", _shown(broken.get("input")))
    if len({each.get("id") for each in answer.calls}) < len(names):
        return failed("two calls have the same id: their results cannot be told apart", answer)
    return passed("two calls came in one answer")


def _with_result(body: Mapping[str, Any], answer: Answer, result: str) -> dict[str, Any]:
    """The next turn: the answer as it came, and the result of each call."""
    content = answer.message["content"] if answer.message is not None else []
    results = [{"type": "tool_result", "tool_use_id": each.get("id"), "content": result} for each in answer.calls]
    turns = [{"role": "assistant", "content": content}, {"role": "user", "content": results}]
    return {**body, "messages": [*body["messages"], *turns]}


def _result_question(seen: Seen) -> Ask | None:
    first = next(iter(seen.others.get("tool", ())), None)
    if first is None or not first.calls or not all(isinstance(each.get("input"), Mapping) for each in first.calls):
        return None
    return Ask(_with_result(_tool_question(seen).body, first, f"Booked. Confirmation code: {seen.facts.code}"))


def _result(seen: Seen) -> Verdict:
    if wrong := unserved(seen):
        return wrong
    answer = seen.answers[0]
    if seen.facts.code in answer.text.upper():
        return passed("the result is read and answered")
    if answer.calls:
        return failed("the result is not read: it calls the tool again", answer)
    return failed("the result is not read: the code in it does not come back", answer)


def _thoughtless(facts: Facts) -> str | None:
    return "the model does not think, says the provider's list" if facts.thinking is False else _toolless(facts)


def _thought(kind: Mapping[str, Any]) -> Ask:
    return Ask(question(_PUZZLE, max_tokens=4 * THINKING_TOKENS, tools=[_TIME], stream=True, thinking=kind))


_ENABLED = {"type": "enabled", "budget_tokens": THINKING_TOKENS}


def _of_own_accord(_: Seen) -> Ask:
    """Newer models think as they see fit, and some of them take nothing else."""
    return _thought({"type": "adaptive"})


def _by_budget(seen: Seen) -> Ask | None:
    """Older models take a budget only."""
    return None if seen.answers[0].served and _thoughts(seen.answers[0]) else _thought(_ENABLED)


def _thinking_back(seen: Seen) -> Ask | None:
    answer = seen.answers[-1]
    if not (answer.served and _thoughts(answer) and answer.calls):
        return None
    kind = _ENABLED if len(seen.answers) > 1 else {"type": "adaptive"}
    return Ask(_with_result(_thought(kind).body, answer, "It is 14:05 in Lima."))


def _thoughts(answer: Answer) -> list[Mapping[str, Any]]:
    return answer.blocks("thinking", "redacted_thinking")


def _thinking(seen: Seen) -> Verdict:
    thought = next((each for each in seen.answers if each.served and _thoughts(each)), None)
    if thought is None:
        silent = next((each for each in seen.answers if each.served), None)
        if silent is not None:
            return degraded("answers, but shows no thinking", silent)
        return unserved(seen) or skipped("not asked")
    unsigned = [each for each in _thoughts(thought) if not (each.get("signature") or each.get("data"))]
    back = seen.answers[-1]
    if back is not thought and not back.served:
        words = back.record.error or f"status {back.status}"
        lost = "its signature was lost: " if unsigned else ""
        return failed(f"the thinking cannot be sent back: {lost}{words}", back)
    if unsigned:
        text = "the thinking's signature was lost: Claude refuses it in the next turn"
        return failed(text, thought) if seen.facts.claude else degraded(text, thought)
    if back is thought:
        return degraded("thinks, but does not call the tool that was asked for: nothing could be sent back", thought)
    return passed("thinking is signed, and taken back with the tool's result")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text[:EVIDENCE_CHARS]


TOOL = Probe(
    "tool", "tool call", _tool, (_tool_question,), Size(1, 320, 150, ROOM_TOKENS), unfit=_toolless, understood=True
)
PARALLEL = Probe(
    "parallel",
    "parallel tools",
    _parallel,
    (_parallel_question,),
    Size(1, 260, 120, ROOM_TOKENS),
    unfit=_toolless,
    understood=True,
)
RESULT = Probe(
    "result",
    "tool result",
    _result,
    (_result_question,),
    Size(1, 460, 40, ROOM_TOKENS),
    ("tool",),
    _toolless,
    understood=True,
)
THINKING = Probe(
    "thinking",
    "thinking",
    _thinking,
    (_of_own_accord, _by_budget, _thinking_back),
    Size(3, 1200, 900, 12 * THINKING_TOKENS),
    unfit=_thoughtless,
    understood=True,
)
