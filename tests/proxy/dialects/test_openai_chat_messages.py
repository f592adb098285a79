"""Turns of a conversation in OpenAI's chat format: legal for the vendor, and nothing of them lost on the way."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from proxy.dialects.openai_chat_messages import GOES_ON
from proxy.dialects.openai_chat_reasoning import DIALECT, sealed_reasoning
from proxy.dialects.quirks import PLAIN, Quirks
from proxy.dialects.signatures import sealed
from proxy.dialects.told_files import ERROR_MARK, NO_OUTPUT
from proxy.dialects.tool_names import sent_id
from proxy.dialects.turns import NO_RESULT
from proxy.protocol.terms import NOT_KEPT
from tests.proxy.dialects.chat_requests import CLAUDES, MINE, PNG_URL, messages_of, outgoing, sent
from tests.proxy.dialects.conversations import ATTRIBUTION, PDF, Body, bodies, calls_in, said_in, text_block
from tests.proxy.dialects.turns import BASH, IMAGE, PDF_BLOCK, asking, assistant, call, result, user
from tests.proxy.dialects.vendor_types import assert_chat_request


class TestGenerated:
    @given(bodies())
    def test_every_request_is_legal_for_the_vendor(self, body: Body) -> None:
        assert_chat_request(sent(body))

    @given(bodies())
    def test_every_text_reaches_the_provider(self, body: Body) -> None:
        told = "\n".join(_texts(sent(body)))
        for text in said_in(body):
            assert text in told

    @given(bodies(orphans=False))
    def test_calls_keep_their_names_ids_and_arguments(self, body: Body) -> None:
        out = outgoing(body)
        made = [each for message in json.loads(out.body)["messages"] for each in message.get("tool_calls", ())]
        assert [each["id"] for each in made] == [each["id"] for each in calls_in(body)]
        assert [out.names.own(each["function"]["name"]) for each in made] == [each["name"] for each in calls_in(body)]
        assert [json.loads(each["function"]["arguments"]) for each in made] == [
            each["input"] for each in calls_in(body)
        ]

    @given(bodies())
    def test_results_stand_directly_behind_their_calls(self, body: Body) -> None:
        waiting: list[str] = []
        for message in sent(body)["messages"]:
            if message["role"] == "tool":
                assert waiting
                assert message["tool_call_id"] == waiting.pop(0)
            else:
                assert not waiting, "a call without its result"
                waiting = [each["id"] for each in message.get("tool_calls", ())]
        assert not waiting

    @given(bodies())
    def test_users_never_speak_twice_in_a_row_and_the_system_speaks_first_or_never(self, body: Body) -> None:
        roles = [message["role"] for message in sent(body)["messages"]]
        assert "system" not in roles[1:]
        assert all(pair != ("user", "user") for pair in pairwise(roles))

    @given(bodies())
    def test_no_mark_for_caching_leaks(self, body: Body) -> None:
        assert b"cache_control" not in outgoing(body).body


def _texts(payload: dict[str, Any]) -> list[str]:
    contents = [message.get("content") for message in payload["messages"]]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return [each for each in contents if isinstance(each, str)] + [part["text"] for part in parts if "text" in part]


class TestMessages:
    def test_system_texts_are_one_first_message_without_the_attribution(self) -> None:
        written = messages_of(
            user("hi"), system=[text_block(ATTRIBUTION), text_block("Be brief."), text_block("Be kind.")]
        )
        assert written[0] == {"role": "system", "content": "Be brief.\n\nBe kind."}

    def test_a_system_message_in_the_middle_becomes_a_reminder_of_the_users(self) -> None:
        written = messages_of(user("hi"), assistant("yes?"), {"role": "system", "content": "Hurry."}, user("go"))
        assert written[-1]["role"] == "user"
        assert written[-1]["content"] == "<system-reminder>\nHurry.\n</system-reminder>\n\ngo"

    def test_text_alone_is_a_string(self) -> None:
        assert messages_of(user("a", "b")) == [{"role": "user", "content": "a\n\nb"}]

    def test_text_is_a_list_of_parts_where_a_server_wants_it(self) -> None:
        written = messages_of(user("a"), quirks=Quirks(text_parts=True))
        assert written == [{"role": "user", "content": [{"type": "text", "text": "a"}]}]

    def test_text_and_calls_are_one_message(self) -> None:
        written = messages_of(user("go"), assistant("I run it.", call(command="ls")), user(result()), tools=[BASH])
        assert written[1] == {
            "role": "assistant",
            "content": "I run it.",
            "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "Bash", "arguments": '{"command":"ls"}'}}
            ],
        }

    @pytest.mark.parametrize(("takes_null", "content"), [(True, None), (False, "")])
    def test_a_message_of_calls_alone_has_the_content_that_the_server_takes(
        self, takes_null: bool, content: str | None
    ) -> None:
        written = messages_of(user("go"), assistant(call()), user(result()), quirks=Quirks(empty_content=takes_null))
        assert written[1]["content"] == content

    def test_results_stand_before_what_else_the_user_says(self) -> None:
        written = messages_of(
            user("go"), assistant(call("a"), call("b")), user("and now?", result("b", "B"), result("a", "A"))
        )
        assert [(each["role"], each["content"]) for each in written[2:]] == [
            ("tool", "A"),
            ("tool", "B"),
            ("user", "and now?"),
        ]

    def test_an_assistant_speaks_between_results_and_user_where_a_server_wants_it(self) -> None:
        written = messages_of(
            user("go"), assistant(call()), user(result(), "and now?"), quirks=Quirks(user_after_tool=False)
        )
        assert [each["role"] for each in written[1:]] == ["assistant", "tool", "assistant", "user"]
        assert written[3]["content"] == GOES_ON

    def test_a_missing_result_is_made_up_and_noted(self) -> None:
        out = outgoing(asking(user("go"), assistant(call()), user("never mind")))
        written = json.loads(out.body)["messages"]
        assert written[2] == {"role": "tool", "tool_call_id": "toolu_1", "content": ERROR_MARK + NO_RESULT}
        assert any("without a result" in note for note in out.notes)

    def test_a_result_without_its_call_is_told_as_text(self) -> None:
        written = messages_of(user("go"), assistant("hm"), user(result("toolu_9", "lost words")))
        assert written[-1]["role"] == "user"
        assert "lost words" in written[-1]["content"]

    @pytest.mark.parametrize("content", ["", None, []])
    def test_a_result_without_content_says_so(self, content: Any) -> None:
        written = messages_of(user("go"), assistant(call()), user(result(content=content)))
        assert written[2]["content"] == NO_OUTPUT

    def test_a_failed_result_is_marked(self) -> None:
        written = messages_of(user("go"), assistant(call()), user(result(content="no such file", is_error=True)))
        assert written[2]["content"] == f"{ERROR_MARK}no such file"

    def test_ids_beyond_64_characters_are_shortened_alike_in_call_and_result(self) -> None:
        long_id = "toolu_" + "x" * 80
        written = messages_of(user("go"), assistant(call(long_id)), user(result(long_id)))
        assert written[1]["tool_calls"][0]["id"] == written[2]["tool_call_id"]
        assert len(written[2]["tool_call_id"]) <= 64

    def test_ids_have_nine_letters_for_a_server_that_takes_no_others(self) -> None:
        written = messages_of(user("go"), assistant(call()), user(result()), quirks=Quirks(tool_ids="nine"))
        assert written[1]["tool_calls"][0]["id"] == written[2]["tool_call_id"] == sent_id("toolu_1", "nine")
        assert len(written[2]["tool_call_id"]) == 9

    def test_past_work_of_a_servers_tool_is_told_as_text(self) -> None:
        search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "cats"}}
        found = {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [{"type": "web_search_result", "title": "Cats", "url": "https://cats.example"}],
        }
        written = messages_of(user("go"), assistant(search, found, "Cats."), user("thanks"))
        assert "cats" in written[1]["content"]
        assert "https://cats.example" in written[1]["content"]


class TestMedia:
    def test_an_image_is_a_data_address(self) -> None:
        written = messages_of(user("look", IMAGE))
        assert written[0]["content"][1] == {"type": "image_url", "image_url": {"url": PNG_URL}}

    def test_an_image_by_address_keeps_it(self) -> None:
        written = messages_of(user({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}))
        assert written[0]["content"][0]["image_url"]["url"] == "https://example.com/a.png"

    def test_images_of_results_follow_after_all_results(self) -> None:
        written = messages_of(
            user("go"),
            assistant(call("a"), call("b")),
            user(result("a", [text_block("shot"), IMAGE]), result("b", "B"), "what is it?"),
        )
        assert [each["role"] for each in written[2:]] == ["tool", "tool", "user"]
        assert written[2]["content"].startswith("shot")
        kinds = [part["type"] for part in written[4]["content"]]
        assert kinds == ["text", "image_url", "text"]
        assert written[4]["content"][2]["text"] == "what is it?"

    def test_images_stay_in_the_result_where_the_server_takes_them(self) -> None:
        written = messages_of(
            user("go"), assistant(call()), user(result(content=[IMAGE])), quirks=Quirks(result_images=True)
        )
        assert len(written) == 3
        assert written[2]["content"] == [{"type": "image_url", "image_url": {"url": PNG_URL}}]

    def test_a_failed_result_of_an_image_keeps_both(self) -> None:
        written = messages_of(
            user("go"),
            assistant(call()),
            user(result(content=[IMAGE], is_error=True)),
            quirks=Quirks(result_images=True),
        )
        assert [part["type"] for part in written[2]["content"]] == ["text", "image_url"]

    @pytest.mark.parametrize(("quirks", "images"), [(Quirks(images=False), None), (PLAIN, False)])
    def test_a_model_that_sees_nothing_gets_words(self, quirks: Quirks, images: bool | None) -> None:
        out = outgoing(asking(user("look", IMAGE)), quirks, images=images)
        assert b"image_url" not in out.body
        assert any("an image left out" in note for note in out.notes)

    def test_the_models_own_word_on_images_beats_the_providers(self) -> None:
        assert b"image_url" in outgoing(asking(user(IMAGE)), Quirks(images=False), images=True).body

    def test_a_document_is_a_file_where_the_server_takes_files(self) -> None:
        written = messages_of(user(PDF_BLOCK), quirks=Quirks(documents=True))
        file = {"filename": "Plan.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
        assert written[0]["content"] == [{"type": "file", "file": file}]

    def test_a_document_is_left_out_with_a_note_where_it_does_not(self) -> None:
        out = outgoing(asking(user(PDF_BLOCK)))
        assert PDF.encode() not in out.body
        assert any("a document left out" in note for note in out.notes)

    def test_a_document_by_address_is_a_link(self) -> None:
        source = {"type": "url", "url": "https://example.com/a.pdf"}
        assert "https://example.com/a.pdf" in messages_of(user({"type": "document", "source": source}))[0]["content"]

    def test_an_image_in_a_file_store_of_anthropics_leaves_a_word(self) -> None:
        written = messages_of(user({"type": "image", "source": {"type": "file", "file_id": "file_1"}}))
        assert "stored at Anthropic" in written[0]["content"]


class TestReasoning:
    def thought(self, thinking: Body, quirks: Quirks, call_id: str = "toolu_1") -> dict[str, Any]:
        return messages_of(user("go"), assistant(thinking, call(call_id)), user(result(call_id)), quirks=quirks)[1]

    def test_thinking_is_left_out_where_nobody_wants_it_back(self) -> None:
        assert "I run it" not in json.dumps(self.thought(MINE, PLAIN))

    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
    def test_thinking_returns_with_calls_where_the_server_refuses_without(self, name: Any) -> None:
        assert self.thought(MINE, Quirks(reasoning_back=name))[name] == "I run it"

    def test_a_placeholder_stands_for_thinking_that_somebody_else_signed(self) -> None:
        message = self.thought(CLAUDES, Quirks(reasoning_back="reasoning_content"))
        assert message["reasoning_content"] == NOT_KEPT
        assert "secret" not in json.dumps(message)

    def test_thinking_returns_within_the_text_where_the_server_thinks_there(self) -> None:
        message = self.thought(MINE, Quirks(reasoning_back="inline"))
        assert message["content"] == "<think>\nI run it\n</think>"
        assert "<think>" not in json.dumps(self.thought(CLAUDES, Quirks(reasoning_back="inline")))

    def test_a_message_without_calls_needs_no_reasoning(self) -> None:
        written = messages_of(
            user("go"), assistant(MINE, "done"), user("ok"), quirks=Quirks(reasoning_back="reasoning_content")
        )
        assert written[1] == {"role": "assistant", "content": "done"}

    def test_a_turn_of_thinking_alone_is_skipped_and_the_user_speaks_once(self) -> None:
        assert messages_of(user("go"), assistant(MINE), user("well?")) == [{"role": "user", "content": "go\n\nwell?"}]

    def test_details_return_as_they_came(self) -> None:
        details = [{"type": "reasoning.encrypted", "data": "abc", "index": 0, "id": "rs_1"}]
        block = {**MINE, "signature": sealed(DIALECT, sealed_reasoning("served-model", details, {}))}
        message = self.thought(block, Quirks(reasoning_back="reasoning_details"))
        assert message["reasoning_details"] == details

    def test_details_of_another_model_stay_here(self) -> None:
        block = {**MINE, "signature": sealed(DIALECT, sealed_reasoning("other-model", [{"data": "abc"}], {}))}
        assert "reasoning_details" not in self.thought(block, Quirks(reasoning_back="reasoning_details"))

    def test_what_hung_onto_a_call_returns_with_it(self) -> None:
        extra = {"google": {"thought_signature": "sig"}}
        block = {**MINE, "signature": sealed(DIALECT, sealed_reasoning("served-model", [], {"toolu_1": extra}))}
        assert self.thought(block, PLAIN)["tool_calls"][0]["extra_content"] == extra
        assert "extra_content" not in self.thought(block, PLAIN, "toolu_2")["tool_calls"][0]
        assert "extra_content" not in self.thought(block, Quirks(signed_calls=False))["tool_calls"][0]

    def test_a_signature_of_garbage_is_ignored(self) -> None:
        block = {**MINE, "signature": sealed(DIALECT, '{"model":"served-model","details":7,"extras":[]}')}
        assert "reasoning_details" not in self.thought(block, Quirks(reasoning_back="reasoning_details"))
