"""The chain of digests that stands for a prompt, and where two of them part."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.divergence import COMPACTED, first_difference
from proxy.protocol.messages import Body
from proxy.protocol.prefix import DIGEST_BYTES, Prefix, Unreadable, pieces_of, read_prefix
from tests.proxy.protocol.prompts import (
    ATTRIBUTION,
    HOUR,
    MARK,
    SYSTEM,
    TALK,
    TOOLS,
    body_of,
    grown,
    request,
    said,
    text,
    tool,
)

SUMMARY = "Your task is to create a detailed summary of the conversation so far."
CONTINUED = "This session is being continued from a previous conversation that ran out of context. It was about…"


def prefix(value: dict[str, Any] | None = None, provider: str = "first", model: str = "opus", **more: Any) -> Prefix:
    return read_prefix(body_of(value or request()), provider, model, **more)


def difference(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    return first_difference(prefix(before), prefix(after))


def test_the_next_turn_begins_as_the_last_one() -> None:
    assert difference(request(), request(grown())) is None


def test_marks_that_move_change_nothing() -> None:
    moved = [*TALK[:-1], said("user", "Thanks.")]
    assert difference(request(), request(moved)) is None


def test_a_text_as_a_string_and_as_a_block_are_the_same() -> None:
    plain = [{"role": "user", "content": "Thanks."} if each is TALK[-1] else each for each in TALK]
    assert difference(request(), request(plain)) is None


def test_a_tools_result_as_a_string_and_as_a_block_are_the_same() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [text("a file")]}
    assert difference(request(), request([*TALK[:2], said("user", result), *TALK[3:]])) is None


def test_a_block_added_to_the_last_message_changes_nothing_before_it() -> None:
    longer = [*TALK[:-1], said("user", "Thanks.", "And now?")]
    assert difference(request(), request(longer)) is None


def test_another_order_of_keys_inside_a_tools_schema_is_another_prompt() -> None:
    one = tool("Read", input_schema={"type": "object", "required": ["a"]})
    other = tool("Read", input_schema={"required": ["a"], "type": "object"})
    assert difference(request(tools=[one]), request(tools=[other])) == "tool Read changed"


def test_a_changed_tool_is_named() -> None:
    assert difference(request(), request(tools=[tool("Bash", "Other words."), *TOOLS[1:]])) == "tool Bash changed"


def test_added_and_removed_tools_are_named_by_their_server() -> None:
    more = [*TOOLS, tool("mcp__jira__find"), tool("mcp__jira__make"), tool("Write")]
    assert difference(request(), request(tools=more)) == "2 tools of mcp jira and 1 more added"
    assert difference(request(tools=more), request()) == "2 tools of mcp jira and 1 more removed"
    assert difference(request(), request(tools=[*TOOLS[1:], tool("Write")])) == "tool Write added, tool Bash removed"


def test_reordered_tools_are_told_from_changed_ones() -> None:
    swapped = [TOOLS[0], TOOLS[2], TOOLS[1], TOOLS[3]]
    assert difference(request(), request(tools=swapped)) == "tools reordered from tool mcp github list on"


def test_a_tool_that_is_only_announced_is_not_in_the_prompt() -> None:
    assert difference(request(), request(tools=[*TOOLS, tool("Later", defer_loading=True)])) is None


def test_a_changed_system_block_is_told_by_its_number() -> None:
    assert difference(request(), request(system=[*SYSTEM[:2], text("New rules.")])) == "system block 3 changed"
    assert difference(request(), request(system=[*SYSTEM, text("More.")])) == "system block 4 added"
    assert difference(request(), request(system=SYSTEM[:2])) == "system block 3 removed"


def test_the_attribution_line_is_named_where_it_is_the_cause() -> None:
    other = [text(ATTRIBUTION.replace("3c4", "9d1")), *SYSTEM[1:]]
    told = difference(request(), request(system=other))
    assert told == "the client's attribution line (x-anthropic-billing-header, system block 1) changed"


def test_a_provider_that_takes_the_attribution_line_out_does_not_see_it_change() -> None:
    other = request(system=[text(ATTRIBUTION.replace("3c4", "9d1")), *SYSTEM[1:]])
    assert first_difference(prefix(attributed=False), prefix(other, attributed=False)) is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"thinking": {"type": "disabled"}}, "thinking settings changed"),
        ({"tool_choice": {"type": "any"}}, "tool choice changed"),
        ({"output_config": {"effort": "low"}}, "effort changed"),
        ({"speed": "fast"}, "speed changed"),
    ],
)
def test_settings_that_the_cache_goes_by_are_named(fields: dict[str, Any], told: str) -> None:
    before = request(thinking={"type": "adaptive"}, output_config={"effort": "high"})
    assert difference(before, before | fields) == told


def test_settings_that_the_cache_does_not_see_are_not() -> None:
    assert difference(request(max_tokens=1, stream=True), request(max_tokens=2, metadata={"user_id": "x"})) is None


def test_an_edited_message_is_told_by_its_number() -> None:
    edited = [*TALK[:2], said("user", {"type": "tool_result", "tool_use_id": "t1", "content": "cleared"}), *TALK[3:]]
    assert difference(request(), request(edited)) == "message 3 edited"


def test_what_was_inserted_or_removed_is_told_from_what_was_edited() -> None:
    longer = [*TALK[:1], said("user", "Wait."), *TALK[1:]]
    assert difference(request(), request(longer)) == "something was inserted at message 2"
    assert difference(request(longer), request()) == "something was removed at message 2"


def test_a_conversation_that_went_back_says_how_far() -> None:
    assert difference(request(), request(TALK[:3])) == "the conversation went back to message 3"


def test_what_stands_behind_the_last_mark_was_never_cached() -> None:
    marked = [said("user", text("One.", **MARK)), said("assistant", "Two."), said("user", "Three.")]
    assert difference(request(marked), request([marked[0], said("user", "Other.")])) is None


def test_with_no_mark_at_all_the_whole_prompt_counts() -> None:
    before, after = [said("user", "One."), said("user", "Two.")], [said("user", "One."), said("user", "Else.")]
    bare: dict[str, Any] = {"system": None, "tools": []}
    assert difference(request(before, **bare), request(after, **bare)) == "message 2 edited"


def test_the_summarys_request_and_what_follows_it_is_a_compaction() -> None:
    asks = request([*grown(), said("user", SUMMARY)])
    assert difference(asks, request([said("user", "A summary."), said("user", "Go on.")])) == COMPACTED


def test_a_conversation_that_begins_with_a_summary_was_compacted() -> None:
    assert difference(request(grown()), request([said("user", CONTINUED, "Go on.")])) == COMPACTED


def test_another_provider_or_model_comes_before_all_else() -> None:
    edited = request(tools=[])
    told = first_difference(prefix(), prefix(edited, provider="second"))
    assert told == "the provider changed from first to second"
    assert first_difference(prefix(), prefix(edited, model="haiku")) == "the model changed from opus to haiku"


def test_what_the_engine_left_out_for_the_target_is_a_reason_where_nothing_else_is() -> None:
    told = first_difference(prefix(), prefix(changed=("2 thinking blocks of another provider left out",)))
    assert told == "cctui changed the request for this target: 2 thinking blocks of another provider left out"


def test_a_mark_of_an_hour_is_seen_wherever_it_stands() -> None:
    assert not prefix().hour
    assert prefix(request(tools=[*TOOLS, {**tool("Last"), **HOUR}])).hour
    assert prefix(request([said("user", text("Hi.", **HOUR))])).hour
    assert prefix(request(cache_control=HOUR["cache_control"])).hour


def test_only_digests_and_names_are_kept() -> None:
    kept = prefix(request([said("user", "my secret words")]))
    assert "secret" not in repr(kept)
    assert len(kept.blocks) == DIGEST_BYTES


@pytest.mark.parametrize(
    "raw",
    [
        b'{"messages":[1]}',
        b'{"messages":[{"content":[null]}]}',
        b'{"tools":[[]]}',
        b'{"messages":[{"role":"user"}]}',
        b'{"messages":"none"}',
    ],
)
def test_a_body_without_shape_is_unreadable_or_empty_and_nothing_else(raw: bytes) -> None:
    try:
        chain = read_prefix(Body(raw), "first", "opus")
    except Unreadable:
        return
    assert chain.blocks == b""


WORDS = st.text(min_size=1, max_size=8)
TURNS = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.lists(WORDS, min_size=1, max_size=4)), max_size=8)


@given(turns=TURNS, more=TURNS)
def test_whatever_is_appended_the_beginning_stays_the_same(turns: list[Any], more: list[Any]) -> None:
    one, other = ([said(role, *words) for role, words in each] for each in (turns, [*turns, *more]))
    assert difference(request(one), request(other)) is None


@given(turns=st.lists(WORDS, min_size=1, max_size=12), place=st.integers(0, 11), word=WORDS)
def test_an_edit_anywhere_is_found_where_it_is(turns: list[str], place: int, word: str) -> None:
    place %= len(turns)
    edited = [*turns[:place], word + "!" + turns[place], *turns[place + 1 :]]
    before, after = (request([said("user", each) for each in words]) for words in (turns, edited))
    unmarked: dict[str, Any] = {"system": None, "tools": []}
    told = difference(before | unmarked, after | unmarked)
    assert told is not None
    assert told.split("message ")[1].split()[0] == str(place + 1)


@given(turns=TURNS)
def test_the_reader_gives_way_after_each_message(turns: list[Any]) -> None:
    pauses: list[int] = []
    messages = [said(role, *words) for role, words in turns]
    chain = read_prefix(body_of(request(messages)), "first", "opus", pause=lambda: pauses.append(1))
    assert len(pauses) == len(messages)
    assert len(pieces_of(chain.blocks)) == sum(chain.lengths)
