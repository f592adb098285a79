"""Tool calls of OpenAI's chat format in all the pieces and orders in which servers send them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.dialect import Occasion
from proxy.dialects.quirks import Quirks
from tests.proxy.dialects.chat_streams import ASKED, CHAT, Payload, answer, called, delta, finish, raw_answer, stream_of
from tests.proxy.dialects.chunking import read
from tests.proxy.dialects.conversations import ARGUMENTS, Body, bodies, calls_in
from tests.proxy.dialects.grammar import Answer, checked


def arguments_of(*payloads: Payload, reason: str = "tool_calls") -> list[Any]:
    return [call["input"] for call in answer(*payloads, finish(reason)).calls]


class TestCalls:
    def test_a_call_in_pieces_comes_whole_and_with_its_own_name(self) -> None:
        sent_name = json.loads(CHAT.request(ASKED, Occasion("m", "msg_1")).body)["tools"][0]["function"]["name"]
        seen = answer(
            delta(role="assistant", content=None, tool_calls=[]),
            called(id="call_abcdefghijklmnop", type="function", name=sent_name, arguments=""),
            called(arguments='{"pa'),
            called(arguments='th": "ü\\n"}'),
            finish("tool_calls"),
        )
        assert seen.kinds == ["tool_use"]
        assert seen.calls[0] == {
            "type": "tool_use",
            "id": "call_abcdefghijklmnop",
            "name": "mcp__files__read.all",
            "input": {"path": "ü\n"},
        }
        assert seen.stop_reason == "tool_use"

    def test_name_and_arguments_in_one_chunk_are_both_kept(self) -> None:
        assert arguments_of(called(id="a", name="Bash", arguments='{"x": 1}')) == [{"x": 1}]

    @pytest.mark.parametrize("arguments", ["", None, {}, "{}", "null", "  ", [], "[]", '""'])
    def test_no_arguments_in_any_spelling_are_an_empty_object(self, arguments: Any) -> None:
        assert arguments_of(called(id="a", name="Bash", arguments=arguments)) == [{}]

    @pytest.mark.parametrize("arguments", [{"x": [1]}, '"{\\"x\\": [1]}"', ' {"x": [1]} \n'])
    def test_arguments_as_an_object_or_wrapped_in_a_text_are_read(self, arguments: Any) -> None:
        assert arguments_of(called(id="a", name="Bash", arguments=arguments)) == [{"x": [1]}]

    def test_blanks_after_the_arguments_are_nothing(self) -> None:
        pieces = (
            called(id="a", name="Bash", arguments='{"x":1}'),
            called(arguments="\n"),
            called(1, id="b", name="Read"),
        )
        assert arguments_of(*pieces) == [{"x": 1}, {}]

    @given(bodies(orphans=False), st.integers(1, 9))
    def test_calls_that_were_sent_come_back_as_they_were(self, body: Body, size: int) -> None:
        told = Occasion("m", "msg_1")
        out = CHAT.request(body, told)
        made = [each for message in json.loads(out.body)["messages"] for each in message.get("tool_calls", ())]
        deltas = []
        for index, each in enumerate(made):
            name, text = each["function"]["name"], each["function"]["arguments"]
            deltas.append(called(index, id=each["id"], name=name))
            deltas += [called(index, arguments=text[at : at + size]) for at in range(0, len(text), size)]
        seen = checked(read(CHAT.reader(out, told), [stream_of(*deltas, finish("tool_calls"))]))
        assert seen.calls == [{name: each[name] for name in ("type", "id", "name", "input")} for each in calls_in(body)]

    def test_long_escaped_arguments_are_not_cut(self) -> None:
        given_text = 'quote " backslash \\ newline \n' * 4000
        text = json.dumps({"content": given_text})
        pieces = [called(arguments=text[at : at + 997]) for at in range(0, len(text), 997)]
        seen = checked(raw_answer(stream_of(called(id="a", name="Write"), *pieces, finish("tool_calls"))))
        assert seen.calls[0]["input"] == {"content": given_text}

    def test_arguments_wait_for_the_name(self) -> None:
        assert arguments_of(called(id="a", arguments='{"x":'), called(name="Bash", arguments="1}")) == [{"x": 1}]

    def test_an_id_that_comes_late_belongs_to_the_same_call(self) -> None:
        assert arguments_of(called(name="Bash", arguments='{"x":'), called(id="late", arguments="1}")) == [{"x": 1}]

    def test_the_name_told_again_with_each_piece_is_the_same_call(self) -> None:
        pieces = ['{"x":', "1}", ""]
        assert arguments_of(*(called(id="a", name="Bash", arguments=piece) for piece in pieces)) == [{"x": 1}]
        assert arguments_of(*(called(name="Bash", arguments=piece) for piece in pieces)) == [{"x": 1}]

    def test_ids_that_are_missing_short_or_doubled_become_unique_and_legal(self) -> None:
        seen = answer(
            called(0, name="Bash", arguments="{}"),
            called(1, id="call_1", name="Bash", arguments="{}"),
            called(2, id="functions.Bash:2", name="Bash", arguments="{}"),
            called(3, id="call_abcdefghijklmnop", name="Bash", arguments='{"x":1}'),
            called(4, id="call_abcdefghijklmnop", name="Bash", arguments='{"x":2}'),
            finish("tool_calls"),
        )
        assert len(seen.calls) == 5
        assert all(call["id"].replace("_", "").isalnum() for call in seen.calls)

    @pytest.mark.parametrize("index", [0, None])
    def test_another_id_at_the_same_place_is_another_call(self, index: int | None) -> None:
        seen = arguments_of(
            called(index, id="a", name="Bash", arguments='{"x":1}'),
            called(index, id="b", name="Bash", arguments='{"x":2}'),
        )
        assert seen == [{"x": 1}, {"x": 2}]

    def test_another_name_at_the_same_place_is_another_call(self) -> None:
        assert len(arguments_of(called(name="Bash", arguments="{}"), called(name="Read", arguments="{}"))) == 2

    def test_the_same_name_after_whole_arguments_is_another_call(self) -> None:
        seen = arguments_of(called(name="Bash", arguments='{"x":1}'), called(name="Bash", arguments='{"x":2}'))
        assert seen == [{"x": 1}, {"x": 2}]

    def test_calls_without_an_index_in_one_chunk_are_told_apart_by_their_place(self) -> None:
        both = [{"id": name, "function": {"name": "Bash", "arguments": "{"}} for name in ("a", "b")]
        more = [{"function": {"arguments": f'"x":{number}}}'}} for number in (1, 2)]
        assert arguments_of(delta(tool_calls=both), delta(tool_calls=more)) == [{"x": 1}, {"x": 2}]

    def test_pieces_without_an_index_go_by_their_id(self) -> None:
        seen = arguments_of(
            called(None, id="a", name="Bash", arguments='{"x":'),
            called(None, id="b", name="Bash", arguments='{"x":'),
            called(None, id="a", arguments="1}"),
            called(None, id="b", arguments="2}"),
        )
        assert seen == [{"x": 1}, {"x": 2}]

    def test_interleaved_calls_are_written_one_after_the_other(self) -> None:
        seen = arguments_of(
            called(0, id="a", name="Bash", arguments='{"x":'),
            called(1, id="b", name="Read", arguments='{"y":'),
            called(0, arguments="1"),
            called(1, arguments="2}"),
            called(0, arguments="}"),
        )
        assert seen == [{"x": 1}, {"y": 2}]

    def test_a_call_is_written_while_it_grows(self) -> None:
        told = Occasion("m", "msg_1")
        reader = CHAT.reader(CHAT.request(ASKED, told), told)
        reader.feed(stream_of(called(id="a", name="Bash", arguments='{"x'), done=False))
        assert b'":1' in reader.feed(stream_of(called(arguments='":1'), done=False)).replace(b'\\"', b'"')

    def test_text_in_the_midst_of_a_call_is_kept_for_after_it(self) -> None:
        seen = answer(
            called(id="a", name="Bash", arguments='{"x":'),
            delta(content="by the way"),
            delta(reasoning="hm"),
            called(arguments="1}"),
            finish("tool_calls"),
        )
        assert seen.kinds == ["tool_use", "text", "thinking"]
        assert seen.calls[0]["input"] == {"x": 1}

    def test_text_in_the_midst_of_a_call_stands_before_the_text_after_it(self) -> None:
        seen = answer(
            called(id="a", name="Bash", arguments='{"x"'),
            delta(content="one "),
            called(arguments=":1}"),
            delta(content="two"),
            finish("tool_calls"),
        )
        assert seen.text == "one two"

    def test_text_after_a_whole_call_goes_out_at_once(self) -> None:
        seen = answer(
            called(id="a", name="Bash", arguments='{"x":1}'),
            delta(content="done"),
            called(1, id="b", name="Bash", arguments="{}"),
            finish("tool_calls"),
        )
        assert seen.kinds == ["tool_use", "text", "tool_use"]

    def test_a_single_call_may_stand_without_its_list(self) -> None:
        pieces = [{"index": 0, "id": "", "function": {"name": name, "arguments": text}} for name, text in
                  (("Bash", '{"x"'), (None, ":1}"))]  # fmt: skip
        assert arguments_of(*(delta(tool_calls=piece) for piece in pieces)) == [{"x": 1}]

    def test_the_old_function_call_is_a_call(self) -> None:
        seen = answer(
            delta(function_call={"name": "Bash", "arguments": ""}),
            delta(function_call={"arguments": '{"x":1}'}),
            finish("function_call"),
        )
        assert [call["input"] for call in seen.calls] == [{"x": 1}]
        assert seen.stop_reason == "tool_use"

    @pytest.mark.parametrize("arguments", ['{"x": tru', '{"x": 1}}', "[1]", "not json", '"text"', "7"])
    def test_broken_arguments_are_an_error_and_no_call(self, arguments: str) -> None:
        seen = answer(called(id="a", name="Bash", arguments=arguments), finish("tool_calls"))
        assert seen.error is not None
        assert "Bash" in seen.error["message"]

    def test_arguments_cut_by_the_length_limit_end_in_max_tokens(self) -> None:
        body = stream_of(called(id="a", name="Bash", arguments='{"x": "lo'), finish("length"))
        assert b'"stop_reason":"max_tokens"' in raw_answer(body)
        assert checked(raw_answer(body)).stop_reason == "max_tokens"

    def test_a_call_without_a_name_is_an_error(self) -> None:
        assert answer(called(id="a", arguments='{"x":1}'), finish("tool_calls")).error is not None

    def test_a_call_that_the_length_limit_cut_before_its_name_is_left_out(self) -> None:
        seen = answer(delta(content="a"), called(id="a", arguments='{"x'), finish("length"))
        assert (seen.kinds, seen.stop_reason) == (["text"], "max_tokens")

    def test_a_call_without_a_name_is_not_lost_behind_a_text(self) -> None:
        seen = answer(called(id="a", arguments='{"x":1}'), delta(content="text"), finish("tool_calls"))
        assert seen.error is not None

    def test_a_name_may_come_after_the_arguments_and_a_text(self) -> None:
        pieces = (
            called(0, id="a", name="Bash", arguments="{}"),
            called(1, id="b", arguments='{"x":1}'),
            delta(content="text"),
            called(1, name="Read"),
        )
        assert arguments_of(*pieces) == [{}, {"x": 1}]

    def test_arguments_of_nothing_but_blanks_are_broken_off(self) -> None:
        seen = answer(called(id="a", name="Bash", arguments='{"x":1,'), *[called(arguments="\n\t" * 50)] * 6, finish())
        assert seen.error is not None
        assert "blanks" in seen.error["message"]

    def test_blanks_within_a_text_are_arguments(self) -> None:
        blanks = [called(arguments=" " * 100)] * 7
        seen = arguments_of(called(id="a", name="Write", arguments='{"x":"\\"'), *blanks, called(arguments='"}'))
        assert seen == [{"x": '"' + " " * 700}]

    @pytest.mark.parametrize("calls", [[], None, [None], ["x"], {"a": 1}, [{"function": None}], [{"index": None}]])
    def test_tool_calls_that_are_none_change_nothing(self, calls: Any) -> None:
        seen = answer(delta(content="a", tool_calls=calls), finish())
        assert (seen.kinds, seen.stop_reason) == (["text"], "end_turn")


def head(index: int | None, letter: str, name: str = "Bash", arguments: str = "") -> Payload:
    """The first piece of a call, with an id of its own."""
    return called(index, id=f"call_{letter * 16}", name=name, arguments=arguments)


class TestPiecesThatGoAstray:
    """What reports about servers say: the place of a piece is wrong, or it was told before."""

    @pytest.mark.parametrize("first", ["{}", "{", "{ ", "{ }", "null"])
    def test_an_empty_object_before_the_arguments_is_none(self, first: str) -> None:
        real = (called(arguments='{"loc'), called(arguments='ation":"x"}'))
        assert arguments_of(head(0, "a", arguments=first), *real) == [{"location": "x"}]

    def test_an_empty_object_that_nothing_follows_is_the_arguments(self) -> None:
        assert arguments_of(head(0, "a", arguments="{}"), head(1, "b", arguments='{"x":1}')) == [{}, {"x": 1}]

    @pytest.mark.parametrize("again", ['{"location":"x"}', '{ "location": "x" }', {"location": "x"}])
    @pytest.mark.parametrize("index", [0, 1, None])
    def test_whole_arguments_told_again_are_the_same(self, again: Any, index: int | None) -> None:
        pieces = (head(0, "a"), called(arguments='{"location":'), called(arguments='"x"}'))
        assert arguments_of(*pieces, called(index, id="call_" + "a" * 16, name="Bash", arguments=again)) == [
            {"location": "x"}
        ]
        if index == 0:
            assert arguments_of(*pieces, called(0, arguments=again)) == [{"location": "x"}]

    @given(ARGUMENTS, st.data(), st.sampled_from(["pieces", "all told again at the end", "all told again each time"]))
    def test_arguments_are_the_same_in_whatever_pieces(self, given: Any, data: st.DataObject, style: str) -> None:
        text = json.dumps(given)
        cuts = sorted(data.draw(st.sets(st.integers(3, max(3, len(text) - 1)), max_size=5)))
        pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        if style == "all told again each time":
            pieces = [text[:end] for end in [*cuts, len(text)] if text[:end].rstrip()[-1] not in ":[,"]
        elif style == "all told again at the end":
            pieces.append(text)
        body = stream_of(head(0, "a"), *(called(arguments=piece) for piece in pieces), finish("tool_calls"))
        assert [call["input"] for call in checked(raw_answer(body)).calls] == [given]

    def test_an_object_that_begins_like_the_arguments_is_a_value_within_them(self) -> None:
        pieces = [called(arguments=piece) for piece in ('{"query":', '{"query": "x"}', "}")]
        assert arguments_of(head(0, "a"), *pieces) == [{"query": {"query": "x"}}]

    @pytest.mark.parametrize("cut", [1, 2, 3, 4, 6, 9])
    def test_arguments_told_again_in_another_spelling_end_what_was_begun(self, cut: int) -> None:
        given = {"date": "2025-03-26", "n": 300, "kind": "支出"}
        compact = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        for again in (json.dumps(given), json.dumps(given, ensure_ascii=False)):
            pieces = (called(arguments=compact[:20]), called(arguments=compact[20:-cut]), called(arguments=again))
            assert arguments_of(head(0, "a"), *pieces) == [given]

    def test_an_object_within_the_arguments_is_no_retelling(self) -> None:
        pieces = [called(arguments=piece) for piece in ('{"a":', '{"b":1}', ',"c":[', '{"b":1}', ",", '{"b":2}', "]}")]
        assert arguments_of(head(0, "a"), *pieces) == [{"a": {"b": 1}, "c": [{"b": 1}, {"b": 2}]}]
        code = [called(arguments=piece) for piece in ('{"code":"() => ', "{}", '{}"', "}")]
        assert arguments_of(head(0, "a"), *code) == [{"code": "() => {}{}"}]

    @pytest.mark.parametrize("fields", [{}, {"id": "call_" + "a" * 16, "name": "Bash"}])
    def test_arguments_that_are_told_from_the_start_with_each_piece_are_told_once(self, fields: Payload) -> None:
        text = '{"location":"x","z":[{"y":"{"}]}'
        for size in (1, 3, 7):
            pieces = [called(arguments=text[:end], **fields) for end in range(size, len(text) + size, size)]
            assert arguments_of(head(0, "a"), *pieces) == [json.loads(text)]

    def test_a_key_that_looks_like_the_start_of_an_object_is_a_key(self) -> None:
        pieces = [called(arguments=piece) for piece in ('{"', '{"', ":1}")]
        assert arguments_of(head(0, "a"), *pieces) == [{"{": 1}]

    @pytest.mark.parametrize("name", [{}, {"name": ""}, {"name": None}])
    def test_another_id_without_a_name_goes_on_with_the_call_at_its_place(self, name: Payload) -> None:
        pieces = [called(0, id=f"chatcmpl-{piece}", arguments=piece, **name) for piece in ('{"location":', '"x"}')]
        assert arguments_of(head(0, "a"), *pieces) == [{"location": "x"}]

    def test_the_tail_of_a_second_call_may_have_another_index_than_its_head(self) -> None:
        pieces = (head(0, "a"), called(0, arguments='{"x":1}'), head(0, "b", "Read"), called(1, arguments='{"y":2}'))
        assert arguments_of(*pieces) == [{"x": 1}, {"y": 2}]

    @pytest.mark.parametrize("index", [0, 5])
    def test_a_tail_at_the_place_of_a_whole_call_goes_to_the_open_one(self, index: int) -> None:
        pieces = (head(0, "a", arguments='{"x":1}'), head(1, "b", "Read", '{"y":'), called(index, arguments="2}"))
        assert arguments_of(*pieces) == [{"x": 1}, {"y": 2}]

    def test_tails_with_neither_index_nor_id_go_to_the_open_call(self) -> None:
        pieces = (head(0, "a", arguments='{"x":1}'), head(1, "b", "Read"), called(None, arguments='{"y":2}'))
        assert arguments_of(*pieces) == [{"x": 1}, {"y": 2}]
        heads = [{"id": f"call_{letter * 16}", "function": {"name": "Bash"}} for letter in "ab"]
        tails = [called(None, arguments=piece) for piece in ('{"x":', "1}", '{"y":', "2}")]
        assert arguments_of(delta(tool_calls=heads), *tails) == [{"x": 1}, {"y": 2}]

    @pytest.mark.parametrize("first", ["", '{"location":"x"}'])
    def test_a_known_id_at_another_index_is_the_same_call(self, first: str) -> None:
        assert arguments_of(head(0, "a", arguments=first), head(1, "a", arguments='{"location":"x"}')) == [
            {"location": "x"}
        ]

    def test_one_id_for_all_calls_tells_them_apart_by_what_they_say(self) -> None:
        pieces = (head(0, "a", arguments='{"x":1}'), head(1, "a", arguments='{"x":2}'), head(2, "a", "Read", "{}"))
        assert arguments_of(*pieces) == [{"x": 1}, {"x": 2}, {}]

    @pytest.mark.parametrize("index", ["0", 0, 0.5, True])
    def test_an_index_may_be_a_text_or_nonsense(self, index: Any) -> None:
        assert arguments_of(head(index, "a"), called(index, arguments='{"x":1}')) == [{"x": 1}]

    @pytest.mark.parametrize("arguments", ["", "{}", None])
    def test_a_place_without_a_name_beside_a_call_is_nothing(self, arguments: str | None) -> None:
        phantom = called(1, id="call_zzzzzzzzzzzzzzzz", name="", arguments=arguments)
        assert arguments_of(head(0, "a", arguments='{"x":1}'), phantom) == [{"x": 1}]

    def test_a_sign_of_life_at_a_place_without_a_call_leaves_the_place_free(self) -> None:
        empty = called(1, id="", name="", arguments="")
        second = (called(1, name="Bash", arguments='{"y":'), called(1, arguments="2}"))
        assert arguments_of(called(0, name="Bash", arguments='{"x":'), empty, *second, called(0, arguments="1}")) == [
            {"x": 1},
            {"y": 2},
        ]

    def test_arguments_that_go_on_after_a_text_are_not_lost(self) -> None:
        seen = answer(head(0, "a", arguments="{}"), delta(content="mid"), called(arguments='{"x":1}'), finish())
        assert [call["input"] for call in seen.calls] == [{"x": 1}]
        assert seen.text == "mid"


class TestReasoningThatReturns:
    QUIRKS = Quirks(reasoning_back="reasoning_details")

    def returned(self, seen: Answer) -> dict[str, Any]:
        """The assistant's message of the next request, made from this answer."""
        results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "ok"} for call in seen.calls]
        turns = [
            *ASKED["messages"],
            {"role": "assistant", "content": seen.blocks},
            {"role": "user", "content": results},
        ]
        out = CHAT.request({"messages": turns}, Occasion("asked-model", "msg_2", quirks=self.QUIRKS))
        message = json.loads(out.body)["messages"][1]
        assert isinstance(message, dict)
        return message

    def test_details_are_joined_from_their_pieces_and_return(self) -> None:
        pieces = [
            {"type": "reasoning.text", "text": "I ", "index": 0, "format": "anthropic-claude-v1", "signature": None},
            {"type": "reasoning.text", "text": "run", "index": 0},
            {"type": "reasoning.text", "signature": "sig", "index": 0},
            {"type": "reasoning.encrypted", "data": "xyz", "index": 1, "id": "rs_1"},
        ]
        seen = answer(
            *(delta(reasoning_details=[piece]) for piece in pieces),
            called(id="call_1", name="Bash", arguments="{}"),
            finish("tool_calls"),
            quirks=self.QUIRKS,
        )
        assert seen.kinds == ["thinking", "tool_use"]
        expected = [{**pieces[0], "text": "I run", "signature": "sig"}, pieces[3]]
        assert self.returned(seen)["reasoning_details"] == expected

    def test_encrypted_details_that_come_late_return_all_the_same(self) -> None:
        late = {"type": "reasoning.encrypted", "data": "xyz"}
        seen = answer(
            called(id="call_1", name="Bash", arguments="{}"),
            delta(reasoning_details=[late]),
            finish("tool_calls"),
            quirks=self.QUIRKS,
        )
        assert self.returned(seen)["reasoning_details"] == [late]

    def test_details_in_the_midst_of_a_call_leave_its_arguments_whole(self) -> None:
        within = {"type": "reasoning.encrypted", "data": "xyz"}
        seen = answer(
            called(0, id="call_1", name="Bash", arguments='{"a":'),
            delta(reasoning_details=[within]),
            called(0, arguments="1}"),
            called(1, id="call_2", name="Bash", arguments='{"b":2}'),
            finish("tool_calls"),
            quirks=self.QUIRKS,
        )
        assert [call["input"] for call in seen.calls] == [{"a": 1}, {"b": 2}]
        assert seen.kinds == ["tool_use", "thinking", "tool_use"]
        assert self.returned(seen)["reasoning_details"] == [within]

    def test_two_ids_are_two_details(self) -> None:
        pieces = [{"type": "reasoning.encrypted", "data": name, "id": name} for name in ("a", "b")]
        seen = answer(
            delta(reasoning_details=pieces),
            called(id="call_1", name="Bash", arguments="{}"),
            finish("tool_calls"),
            quirks=self.QUIRKS,
        )
        assert self.returned(seen)["reasoning_details"] == pieces

    @pytest.mark.parametrize("place", [{}, {"id": "a" * 16}, {"index": 0}, {"index": 0, "function": {"arguments": ""}}])
    def test_what_hangs_onto_a_call_may_come_on_its_own(self, place: Payload) -> None:
        extra = {"google": {"thought_signature": "sig"}}
        seen = answer(
            called(0, id="a" * 16, name="Bash", arguments='{"a":1}'),
            delta(tool_calls=[{**place, "extra_content": extra}]),
            finish("stop"),
        )
        assert [call["input"] for call in seen.calls] == [{"a": 1}]
        assert self.returned(seen)["tool_calls"][0]["extra_content"] == extra

    def test_what_hangs_onto_a_call_returns_with_it(self) -> None:
        extra = {"google": {"thought_signature": "sig"}}
        seen = answer(
            called(0, id="", name="Bash", arguments='{"a":1}', extra_content=extra),
            called(1, id="", name="Bash", arguments='{"a":2}'),
            finish("tool_calls"),
        )
        first, second = self.returned(seen)["tool_calls"]
        assert first["extra_content"] == extra
        assert "extra_content" not in second
