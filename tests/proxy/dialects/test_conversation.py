"""A body of the Messages API as values that every format can say: legal, nothing lost without a word."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from proxy.dialects.conversation import (
    Conversation,
    Document,
    Image,
    NotAConversation,
    Text,
    Thinking,
    ToolChoice,
)
from proxy.dialects.conversation_reading import read_conversation, rooted
from proxy.dialects.turns import NO_RESULT
from tests.proxy.dialects.conversations import ATTRIBUTION, PNG, Body, bodies, calls_in, said_in, text_block


def asked(*messages: Body, **fields: Any) -> Conversation:
    return read_conversation({"model": "m", "messages": list(messages), **fields})


def user(*blocks: Body) -> Body:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Body) -> Body:
    return {"role": "assistant", "content": list(blocks)}


def call(call_id: str) -> Body:
    return {"type": "tool_use", "id": call_id, "name": "Bash", "input": {"x": 1}}


def result(call_id: str, content: Any = "ok") -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


class TestGenerated:
    @given(bodies())
    def test_turns_alternate_and_begin_with_the_users(self, body: Body) -> None:
        roles = [turn.role for turn in read_conversation(body).turns]
        assert roles[0] == "user"
        assert all(first != second for first, second in pairwise(roles))

    @given(bodies())
    def test_every_call_has_its_one_result_in_the_next_turn_before_all_else(self, body: Body) -> None:
        turns = read_conversation(body).turns
        assert [call.id for turn in turns for call in turn.calls] == [call["id"] for call in calls_in(body)]
        assert not turns[-1].calls
        for turn, after in pairwise(turns):
            assert [call.id for call in turn.calls] == [each.call_id for each in after.results]
            assert after.parts[: len(after.results)] == after.results

    @given(bodies())
    def test_no_text_is_lost(self, body: Body) -> None:
        read = read_conversation(body)
        everything = "\n".join([read.system_text, *_texts(read)])
        for text in said_in(body):
            assert text in everything


def _texts(read: Conversation) -> list[str]:
    said = [part.text for turn in read.turns for part in turn.said if isinstance(part, Text)]
    return said + [result.text for turn in read.turns for result in turn.results]


class TestSystem:
    def test_the_attribution_goes_and_the_rest_stays(self) -> None:
        assert asked(system=[text_block(ATTRIBUTION), text_block("a"), text_block("b")]).system_text == "a\n\nb"

    def test_of_a_text_that_begins_with_the_attribution_only_that_line_goes(self) -> None:
        assert asked(system=f"{ATTRIBUTION}\n\nBe brief.").system_text == "Be brief."

    def test_a_text_that_mentions_it_later_is_untouched(self) -> None:
        text = f"The first line is {ATTRIBUTION}"
        assert asked(system=text).system_text == text

    @pytest.mark.parametrize("system", [None, "", "  ", [], [text_block("")], 7, [7]])
    def test_no_system_prompt_is_none(self, system: Any) -> None:
        assert asked(system=system).system == ()

    def test_a_mark_for_caching_stays_with_its_text(self) -> None:
        mark = {"type": "ephemeral"}
        assert asked(system=[{**text_block("a"), "cache_control": mark}]).system == (Text("a", mark),)


class TestTurns:
    def test_neighbours_of_one_role_are_one_turn(self) -> None:
        turns = asked(user(text_block("a")), user(text_block("b"))).turns
        assert [part.text for part in turns[0].said if isinstance(part, Text)] == ["a", "b"]

    def test_an_assistant_never_speaks_first(self) -> None:
        assert [turn.role for turn in asked(assistant(text_block("a"))).turns] == ["user", "assistant"]

    def test_a_conversation_that_ends_in_a_call_gets_a_result_and_a_note(self) -> None:
        read = asked(user(text_block("go")), assistant(call("a")))
        assert read.turns[-1].results[0].text == NO_RESULT
        assert read.turns[-1].results[0].is_error
        assert read.notes

    def test_files_of_a_result_without_its_call_are_kept(self) -> None:
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
        pdf = {"type": "document", "title": "t", "source": {"type": "base64", "data": "aGk="}}
        read = asked(user(result("gone", [text_block("x"), image, pdf]), text_block("go")))
        told, *files, said = read.turns[0].said
        assert (told, said) == (Text("[result of an earlier call] x"), Text("go"))
        assert [type(each).__name__ for each in files] == ["Image", "Document"]

    def test_the_first_of_two_results_counts(self) -> None:
        read = asked(user(text_block("go")), assistant(call("a")), user(result("a", "one"), result("a", "two")))
        assert [each.text for each in read.turns[-1].results] == ["one"]

    def test_a_result_knows_its_tools_name_and_its_mark_for_caching(self) -> None:
        marked = {**result("a"), "cache_control": {"type": "ephemeral"}}
        (given_back,) = asked(user(text_block("go")), assistant(call("a")), user(marked)).turns[-1].results
        assert (given_back.name, given_back.cache) == ("Bash", {"type": "ephemeral"})

    @pytest.mark.parametrize(
        "message",
        [{"role": "system", "content": "Hurry."}, user({"type": "mid_conv_system", "content": [text_block("Hurry.")]})],
    )
    def test_a_system_message_in_the_middle_is_a_reminder(self, message: Body) -> None:
        (turn,) = asked(user(text_block("a")), message).turns
        assert turn.said[1] == Text("<system-reminder>\nHurry.\n</system-reminder>")

    @pytest.mark.parametrize("block", [text_block(""), {"type": "text"}, {"type": "text", "text": None}, 7])
    def test_empty_texts_are_gone(self, block: Any) -> None:
        assert asked(user(block)).turns == ()

    def test_thinking_keeps_its_signature(self) -> None:
        thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
        redacted = {"type": "redacted_thinking", "data": "d"}
        turn = asked(user(text_block("a")), assistant(thinking, redacted)).turns[1]
        assert turn.thoughts == (Thinking("hm", "s"), Thinking("", "d"))

    def test_a_block_that_nobody_knows_is_left_out_with_one_note(self) -> None:
        read = asked(user(text_block("a"), {"type": "hologram"}, {"type": "hologram"}))
        assert read.notes == ("a block of type hologram left out (×2)",)

    def test_a_reference_to_a_tool_in_a_result_is_told(self) -> None:
        found = result("a", [{"type": "tool_reference", "tool_name": "mcp__x"}])
        read = asked(user(text_block("go")), assistant(call("a")), user(found))
        assert "mcp__x" in read.turns[-1].results[0].text

    def test_a_search_result_is_text(self) -> None:
        block = {"type": "search_result", "title": "T", "source": "https://a", "content": [text_block("words")]}
        assert asked(user(block)).turns[0].said == (Text("[T] https://a\nwords"),)


class TestMedia:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ({"type": "base64", "media_type": "image/gif", "data": PNG}, Image("image/gif", PNG)),
            ({"type": "url", "url": "https://a"}, Image(url="https://a")),
        ],
    )
    def test_an_image_has_data_or_an_address(self, source: Body, expected: Image) -> None:
        assert asked(user({"type": "image", "source": source})).turns[0].said == (expected,)

    def test_a_document_of_text_is_text(self) -> None:
        plain = {"type": "document", "title": "A", "source": {"type": "text", "data": "words"}}
        inner = {"type": "document", "title": "B", "source": {"type": "content", "content": [text_block("more")]}}
        assert asked(user(plain, inner)).turns[0].said == (Text("[A]\nwords"), Text("[B]\nmore"))

    def test_a_pdf_is_a_document(self) -> None:
        block = {
            "type": "document",
            "title": "A",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "x"},
        }
        assert asked(user(block)).turns[0].said == (Document("A", data="x"),)

    @pytest.mark.parametrize("source", [{"type": "file", "file_id": "f"}, {}, None, "x"])
    def test_what_only_anthropic_holds_leaves_a_word_and_a_note(self, source: Any) -> None:
        read = asked(user({"type": "image", "source": source}))
        assert "image" in str(read.turns[0].said[0])
        assert read.notes


class TestFields:
    def test_tools_and_the_servers_own_are_told_apart(self) -> None:
        search = {"type": "web_search_20250305", "name": "web_search"}
        read = asked(tools=[{"name": "Bash"}, {"type": "custom", "name": "Read", "strict": True}, search])
        assert [(tool.name, tool.strict) for tool in read.tools] == [("Bash", False), ("Read", True)]
        assert [tool.type for tool in read.server_tools] == ["web_search_20250305"]

    def test_a_second_tool_of_a_name_is_left_out_with_a_note(self) -> None:
        read = asked(tools=[{"name": "Bash"}, {"name": "Bash"}])
        assert (len(read.tools), len(read.notes)) == (1, 1)

    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            (None, {"type": "object", "properties": {}}),
            ({}, {"type": "object", "properties": {}}),
            ({"type": "object", "properties": None}, {"type": "object", "properties": {}}),
            ({"type": ["object", "null"]}, {"type": "object", "properties": {}}),
            (
                {"type": "string"},
                {"type": "object", "properties": {"value": {"type": "string"}}, "required": ["value"]},
            ),
        ],
    )
    def test_a_schema_has_an_object_at_its_root(self, schema: Any, expected: Body) -> None:
        assert rooted(schema) == expected

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice(parallel=False)),
            ({"type": "any"}, ToolChoice("any")),
            ({"type": "tool", "name": "Bash"}, ToolChoice("tool", "Bash")),
            ({"type": "none"}, ToolChoice("none")),
            ({"type": "tool"}, ToolChoice()),
            ("any", ToolChoice()),
        ],
    )
    def test_a_choice_of_tool_is_read(self, choice: Any, expected: ToolChoice) -> None:
        assert asked(tool_choice=choice).choice == expected

    @pytest.mark.parametrize(
        ("thinking", "expected"),
        [
            ({"type": "enabled", "budget_tokens": 2000}, ("on", 2000)),
            ({"type": "adaptive"}, ("adaptive", None)),
            ({"type": "disabled"}, ("off", None)),
            ({"type": "new"}, ("unset", None)),
            (None, ("unset", None)),
        ],
    )
    def test_thinking_is_read(self, thinking: Any, expected: tuple[str, int | None]) -> None:
        read = asked(thinking=thinking)
        assert (read.thinking, read.thinking_budget) == expected

    @pytest.mark.parametrize(
        "fields",
        [
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            {"output_format": {"type": "json_schema", "schema": {"type": "object"}}},
        ],
    )
    def test_a_wanted_form_is_read_under_both_names(self, fields: Body) -> None:
        assert asked(**fields).format == {"type": "object"}

    def test_what_no_other_format_has_is_named(self) -> None:
        fields: Body = {"speed": "fast", "service_tier": "auto", "diagnostics": {"x": 1}, "safeguards": {"a": 1}}
        read = asked(
            **fields, output_config={"effort": "low", "task_budget": {"total": 9}}, hologram={"a": 1}, nothing=None
        )
        assert read.notes == (
            "speed left out: only Claude has it",
            "service_tier left out: only Claude has it",
            "diagnostics left out: only Claude has it",
            "safeguards left out: only Claude has it",
            "hologram left out: the provider's format has no such field",
            "output_config.task_budget left out: only Claude has it",
        )

    def test_what_no_other_format_has_of_tools_is_named_with_its_number(self) -> None:
        tools = [{"name": name, "input_schema": {}, "defer_loading": True, "strict": True} for name in "ab"]
        assert asked(tools=[*tools, {"name": "c", "input_examples": [{}]}]).notes == (
            "defer_loading of a tool left out: only Claude has it (×2)",
            "input_examples of a tool left out: only Claude has it",
        )

    def test_of_fields_that_a_client_makes_up_not_all_are_named(self) -> None:
        assert len(asked(**{f"field_{number}": 1 for number in range(1000)}).notes) == 20

    def test_numbers_are_numbers_or_nothing(self) -> None:
        read = asked(max_tokens=True, temperature="hot", top_k=5.0, top_p=None, stop_sequences=["a", "", 3])
        assert (read.max_tokens, read.temperature, read.top_k, read.top_p, read.stop) == (None, None, 5, None, ("a",))

    @pytest.mark.parametrize("body", [{}, {"messages": "hi"}, {"messages": None}])
    def test_a_body_without_messages_is_refused(self, body: Body) -> None:
        with pytest.raises(NotAConversation):
            read_conversation(body)
