"""A request of the Messages API in OpenAI's chat format: legal for the vendor, and nothing of it lost on the way."""

import json
from typing import Any

import pytest
from hypothesis import given

from proxy.dialects.conversation import NO_RESULT, NotAConversation
from proxy.dialects.dialect import CannotTake, Occasion, Outgoing
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.openai_chat_messages import ERROR_MARK, GOES_ON, NO_OUTPUT, NOT_KEPT
from proxy.dialects.openai_chat_reasoning import DIALECT, sealed_reasoning
from proxy.dialects.quirks import PLAIN, Quirks
from proxy.dialects.signatures import sealed
from proxy.dialects.tool_names import sent_id
from tests.proxy.dialects.conversations import ATTRIBUTION, PDF, PNG, Body, bodies, calls_in, said_in, text_block
from tests.proxy.dialects.vendor_types import assert_chat_request

CHAT = OpenAIChat()
PNG_URL = f"data:image/png;base64,{PNG}"
IMAGE: Body = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
PDF_BLOCK: Body = {
    "type": "document",
    "title": "Plan",
    "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
}
BASH: Body = {"name": "Bash", "description": "runs", "input_schema": {"type": "object", "properties": {}}}


def sent(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> dict[str, Any]:
    payload = json.loads(outgoing(body, quirks, **occasion).body)
    assert isinstance(payload, dict)
    return payload


def outgoing(body: Body, quirks: Quirks = PLAIN, **occasion: Any) -> Outgoing:
    return CHAT.request(body, Occasion("served-model", "msg_1", quirks=quirks, **occasion))


def asking(*messages: Body, **fields: Any) -> Body:
    return {"model": "claude-opus-4-8", "max_tokens": 100, "messages": list(messages), **fields}


def user(*content: Body | str) -> Body:
    return {"role": "user", "content": [text_block(each) if isinstance(each, str) else each for each in content]}


def assistant(*content: Body | str) -> Body:
    return {**user(*content), "role": "assistant"}


def call(call_id: str = "toolu_1", name: str = "Bash", **given: Any) -> Body:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def result(call_id: str = "toolu_1", content: Any = "done", **fields: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}


def messages_of(*messages: Body, quirks: Quirks = PLAIN, **fields: Any) -> list[dict[str, Any]]:
    written = sent(asking(*messages, **fields), quirks)["messages"]
    assert isinstance(written, list)
    return written


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
        assert all(pair != ("user", "user") for pair in zip(roles, roles[1:], strict=False))

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
    MINE: Body = {"type": "thinking", "thinking": "I run it", "signature": sealed(DIALECT, "0123456789abcdef01234567")}
    CLAUDES: Body = {"type": "thinking", "thinking": "secret", "signature": "EqoBCkgIARABGAIiQL"}

    def thought(self, thinking: Body, quirks: Quirks, call_id: str = "toolu_1") -> dict[str, Any]:
        return messages_of(user("go"), assistant(thinking, call(call_id)), user(result(call_id)), quirks=quirks)[1]

    def test_thinking_is_left_out_where_nobody_wants_it_back(self) -> None:
        assert "I run it" not in json.dumps(self.thought(self.MINE, PLAIN))

    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
    def test_thinking_returns_with_calls_where_the_server_refuses_without(self, name: Any) -> None:
        assert self.thought(self.MINE, Quirks(reasoning_back=name))[name] == "I run it"

    def test_a_placeholder_stands_for_thinking_that_somebody_else_signed(self) -> None:
        message = self.thought(self.CLAUDES, Quirks(reasoning_back="reasoning_content"))
        assert message["reasoning_content"] == NOT_KEPT
        assert "secret" not in json.dumps(message)

    def test_a_message_without_calls_needs_no_reasoning(self) -> None:
        written = messages_of(
            user("go"), assistant(self.MINE, "done"), user("ok"), quirks=Quirks(reasoning_back="reasoning_content")
        )
        assert written[1] == {"role": "assistant", "content": "done"}

    def test_a_turn_of_thinking_alone_is_skipped_and_the_user_speaks_once(self) -> None:
        assert messages_of(user("go"), assistant(self.MINE), user("well?")) == [
            {"role": "user", "content": "go\n\nwell?"}
        ]

    def test_details_return_as_they_came(self) -> None:
        details = [{"type": "reasoning.encrypted", "data": "abc", "index": 0, "id": "rs_1"}]
        block = {**self.MINE, "signature": sealed(DIALECT, sealed_reasoning("served-model", details, {}))}
        message = self.thought(block, Quirks(reasoning_back="reasoning_details"))
        assert message["reasoning_details"] == details

    def test_details_of_another_model_stay_here(self) -> None:
        block = {**self.MINE, "signature": sealed(DIALECT, sealed_reasoning("other-model", [{"data": "abc"}], {}))}
        assert "reasoning_details" not in self.thought(block, Quirks(reasoning_back="reasoning_details"))

    def test_what_hung_onto_a_call_returns_with_it(self) -> None:
        extra = {"google": {"thought_signature": "sig"}}
        block = {**self.MINE, "signature": sealed(DIALECT, sealed_reasoning("served-model", [], {"toolu_1": extra}))}
        assert self.thought(block, PLAIN)["tool_calls"][0]["extra_content"] == extra
        assert "extra_content" not in self.thought(block, PLAIN, "toolu_2")["tool_calls"][0]
        assert "extra_content" not in self.thought(block, Quirks(signed_calls=False))["tool_calls"][0]

    def test_a_signature_of_garbage_is_ignored(self) -> None:
        block = {**self.MINE, "signature": sealed(DIALECT, '{"model":"served-model","details":7,"extras":[]}')}
        assert "reasoning_details" not in self.thought(block, Quirks(reasoning_back="reasoning_details"))


class TestTools:
    def test_a_tool_is_a_function_and_loses_what_only_claude_knows(self) -> None:
        tool = {
            **BASH,
            "defer_loading": True,
            "input_examples": [{}],
            "cache_control": {"type": "ephemeral"},
            "strict": True,
        }
        made = sent(asking(user("hi"), tools=[tool]))["tools"]
        schema = {"type": "object", "properties": {}}
        assert made == [{"type": "function", "function": {"name": "Bash", "description": "runs", "parameters": schema}}]

    def test_strict_goes_along_only_where_the_server_takes_it_and_the_schema_is_strict(self) -> None:
        closed = {"type": "object", "properties": {}, "additionalProperties": False}
        quirks = Quirks(strict_tools=True)
        strict = {**BASH, "input_schema": closed, "strict": True}
        assert sent(asking(user("hi"), tools=[strict]), quirks)["tools"][0]["function"]["strict"] is True
        assert (
            "strict" not in sent(asking(user("hi"), tools=[{**BASH, "strict": True}]), quirks)["tools"][0]["function"]
        )

    def test_no_tools_means_no_tools_and_no_choice(self) -> None:
        payload = sent(asking(user("hi"), tools=[], tool_choice={"type": "auto"}))
        assert not payload.keys() & {"tools", "tool_choice", "parallel_tool_calls"}

    def test_long_and_dotted_names_become_legal_and_come_back(self) -> None:
        names = ["mcp__" + "server_" * 9 + "__read", "files.read", "naïve tool"]
        out = outgoing(asking(user("hi"), tools=[{**BASH, "name": name} for name in names]))
        given = [tool["function"]["name"] for tool in json.loads(out.body)["tools"]]
        assert all(len(name) <= 64 and name.replace("_", "a").replace("-", "a").isalnum() for name in given)
        assert [out.names.own(name) for name in given] == names

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ({"type": "any"}, "required"),
            ({"type": "none"}, "none"),
            ({"type": "tool", "name": "Bash"}, {"type": "function", "function": {"name": "Bash"}}),
        ],
    )
    def test_a_choice_is_told_in_openais_words(self, choice: Body, expected: object) -> None:
        assert sent(asking(user("hi"), tools=[BASH], tool_choice=choice))["tool_choice"] == expected

    def test_the_models_own_choice_needs_no_words(self) -> None:
        assert "tool_choice" not in sent(asking(user("hi"), tools=[BASH], tool_choice={"type": "auto"}))

    @pytest.mark.parametrize(
        ("quirks", "choice", "expected"),
        [
            (Quirks(forced_tools="any"), {"type": "any"}, "any"),
            (Quirks(forced_tools="no"), {"type": "any"}, None),
            (Quirks(forced_tools="no"), {"type": "tool", "name": "Bash"}, None),
            (Quirks(named_tool_choice=False), {"type": "tool", "name": "Bash"}, "required"),
            (PLAIN, {"type": "tool", "name": "Gone"}, None),
        ],
    )
    def test_a_demand_bends_to_what_the_server_takes(self, quirks: Quirks, choice: Body, expected: object) -> None:
        out = outgoing(asking(user("hi"), tools=[BASH], tool_choice=choice), quirks)
        assert json.loads(out.body).get("tool_choice") == expected
        assert bool(out.notes) == (expected not in ("any",))

    def test_one_call_at_a_time_is_told_where_the_server_takes_it(self) -> None:
        body = asking(user("hi"), tools=[BASH], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
        assert sent(body)["parallel_tool_calls"] is False
        assert "parallel_tool_calls" not in sent(body, Quirks(parallel_switch=False))

    def test_a_servers_tool_is_left_out_with_a_note(self) -> None:
        search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
        out = outgoing(asking(user("hi"), tools=[BASH, search]))
        assert len(json.loads(out.body)["tools"]) == 1
        assert any("web_search" in note for note in out.notes)

    def test_a_demand_for_a_servers_tool_alone_is_refused_in_words(self) -> None:
        search = {"type": "web_search_20250305", "name": "web_search"}
        with pytest.raises(CannotTake, match="web_search"):
            sent(asking(user("hi"), tools=[search], tool_choice={"type": "tool", "name": "web_search"}))


class TestSettings:
    def test_the_targets_model_is_named(self) -> None:
        assert sent(asking(user("hi")))["model"] == "served-model"

    def test_a_stream_asks_for_its_usage(self) -> None:
        payload = sent(asking(user("hi"), stream=True))
        assert payload["stream"] is True
        assert payload["stream_options"] == {"include_usage": True}

    def test_usage_is_not_asked_of_a_server_that_refuses_the_question(self) -> None:
        assert "stream_options" not in sent(asking(user("hi"), stream=True), Quirks(stream_usage=False))

    def test_a_whole_answer_is_no_stream(self) -> None:
        assert not sent(asking(user("hi"))).keys() & {"stream", "stream_options"}

    def test_the_length_limit_has_the_servers_name_and_stays_within_the_model(self) -> None:
        out = outgoing(asking(user("hi")), Quirks(max_tokens_field="max_completion_tokens"), max_output_tokens=40)
        payload = json.loads(out.body)
        assert payload["max_completion_tokens"] == 40
        assert "max_tokens" not in payload
        assert any("max_tokens 100" in note for note in out.notes)

    def test_sampling_is_sent_or_left_out_with_a_note(self) -> None:
        body = asking(user("hi"), temperature=0.5, top_p=0.9, top_k=5)
        assert sent(body, Quirks(top_k=True)) | {"temperature": 0.5, "top_p": 0.9, "top_k": 5} == sent(
            body, Quirks(top_k=True)
        )
        out = outgoing(body, Quirks(sampling=False))
        assert not json.loads(out.body).keys() & {"temperature", "top_p", "top_k"}
        assert len(out.notes) == 3

    @pytest.mark.parametrize(("most", "stop"), [(4, ["a", "b", "c", "d"]), (0, None)])
    def test_no_more_stop_sequences_than_the_server_takes(self, most: int, stop: list[str] | None) -> None:
        out = outgoing(asking(user("hi"), stop_sequences=["a", "b", "c", "d", "e"]), Quirks(stop_max=most))
        assert json.loads(out.body).get("stop") == stop
        assert any("stop sequences" in note for note in out.notes)

    def test_a_session_keeps_its_cache_and_the_users_id_leaves_as_a_hash(self) -> None:
        quirks = Quirks(cache_key=True, user_field="safety_identifier")
        body = asking(user("hi"), metadata={"user_id": "user_1_account_2_session_3"})
        first, second = (sent(body, quirks, session="s" * length) for length in (20, 90))
        assert first["prompt_cache_key"] == "s" * 20
        assert len(second["prompt_cache_key"]) == len(first["safety_identifier"]) == 64
        assert "account" not in json.dumps(first)

    def test_a_key_for_caching_is_the_same_in_every_request_of_a_session(self) -> None:
        bodies_sent = (asking(user("hi")), asking(user("hi"), assistant("yes"), user("go")))
        keys = {sent(body, Quirks(cache_key=True), session="s1")["prompt_cache_key"] for body in bodies_sent}
        assert keys == {"s1"}

    def test_nothing_of_the_user_leaves_where_nobody_asked(self) -> None:
        payload = sent(asking(user("hi"), metadata={"user_id": "u"}), session="s1")
        assert not payload.keys() & {"user", "safety_identifier", "prompt_cache_key", "metadata"}

    def test_fields_that_only_claude_has_are_left_out_with_notes(self) -> None:
        out = outgoing(asking(user("hi"), context_management={"edits": [{}]}, container="c"))
        assert not json.loads(out.body).keys() & {"context_management", "container"}
        assert any("context_management" in note for note in out.notes)

    def test_marks_for_caching_are_kept_for_a_gateway_that_passes_them_on(self) -> None:
        mark = {"type": "ephemeral", "ttl": "1h"}
        written = messages_of(
            {"role": "user", "content": [{**text_block("hi"), "cache_control": {**mark, "scope": "global"}}]},
            assistant(call()),
            user(result(content="done", cache_control=mark)),
            quirks=Quirks(cache_marks=True),
        )
        assert written[0]["content"] == [{"type": "text", "text": "hi", "cache_control": mark}]
        assert written[2]["content"] == [{"type": "text", "text": "done", "cache_control": mark}]

    def test_a_body_without_messages_is_refused(self) -> None:
        with pytest.raises(NotAConversation, match="messages"):
            sent({"model": "m"})

    def test_the_format_counts_no_prompts(self) -> None:
        assert CHAT.count_request(asking(user("hi")), Occasion("m", "msg_1")) is None
        assert CHAT.read_count(b"{}") is None


class TestStructuredAnswers:
    SCHEMA: Body = {"type": "object", "properties": {"n": {"type": "integer"}}}
    CLOSED: Body = {**SCHEMA, "required": ["n"], "additionalProperties": False}

    def wanting(self, schema: Body) -> Body:
        return asking(user("hi"), output_config={"format": {"type": "json_schema", "schema": schema}})

    @pytest.mark.parametrize(("schema", "strict"), [(SCHEMA, False), (CLOSED, True)])
    def test_a_schema_is_a_response_format_and_strict_if_it_can_be(self, schema: Body, strict: bool) -> None:
        named = {"name": "answer", "schema": schema, "strict": strict}
        assert sent(self.wanting(schema))["response_format"] == {"type": "json_schema", "json_schema": named}

    @pytest.mark.parametrize(("structured", "told"), [("json_object", {"type": "json_object"}), ("no", None)])
    def test_a_server_without_schemas_gets_it_in_words(self, structured: Any, told: Body | None) -> None:
        payload = sent(self.wanting(self.SCHEMA), Quirks(structured=structured))
        assert payload.get("response_format") == told
        assert '"integer"' in payload["messages"][0]["content"]
        assert payload["messages"][0]["role"] == "system"

    def test_a_schema_that_is_no_objects_is_told_in_words(self) -> None:
        payload = sent(self.wanting({"type": "array", "items": {"type": "integer"}}))
        assert "response_format" not in payload
        assert '"array"' in payload["messages"][0]["content"]


class TestEffort:
    ALL = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    WORD = Quirks(effort_field="reasoning_effort", efforts=("low", "medium", "high"))
    OBJECT = Quirks(effort_field="reasoning", efforts=("low", "medium", "high"))

    def test_nothing_is_told_to_a_server_that_takes_none(self) -> None:
        out = outgoing(asking(user("hi"), output_config={"effort": "high"}, thinking={"type": "adaptive"}))
        assert not json.loads(out.body).keys() & {"reasoning_effort", "reasoning", "thinking", "output_config"}
        assert any("effort high" in note for note in out.notes)

    @pytest.mark.parametrize(("wish", "told"), [("low", "low"), ("xhigh", "high"), ("max", "high"), ("bogus", None)])
    def test_a_wish_becomes_the_nearest_word_of_the_server(self, wish: str, told: str | None) -> None:
        assert sent(asking(user("hi"), output_config={"effort": wish}), self.WORD).get("reasoning_effort") == told

    @pytest.mark.parametrize(("budget", "told"), [(500, "low"), (8000, "medium"), (32000, "high")])
    def test_a_budget_becomes_a_word(self, budget: int, told: str) -> None:
        body = asking(user("hi"), thinking={"type": "enabled", "budget_tokens": budget})
        assert sent(body, self.WORD)["reasoning_effort"] == told

    def test_adaptive_thinking_leaves_the_effort_to_the_provider(self) -> None:
        assert "reasoning_effort" not in sent(asking(user("hi"), thinking={"type": "adaptive"}), self.WORD)

    @pytest.mark.parametrize("when_off", [None, "none", "minimal"])
    def test_thinking_switched_off_beats_the_effort_beside_it(self, when_off: Any) -> None:
        quirks = Quirks(effort_field="reasoning_effort", efforts=self.ALL[1:], effort_when_off=when_off)
        body = asking(user("hi"), thinking={"type": "disabled"}, output_config={"effort": "high"})
        assert sent(body, quirks).get("reasoning_effort") == when_off

    def test_a_model_that_takes_no_reasoning_with_tools_is_told_none(self) -> None:
        quirks = Quirks(effort_field="reasoning_effort", efforts=self.ALL, effort_with_tools="none")
        wishing = {"output_config": {"effort": "high"}}
        assert sent(asking(user("hi"), tools=[BASH], **wishing), quirks)["reasoning_effort"] == "none"
        assert sent(asking(user("hi"), tools=[BASH]), quirks)["reasoning_effort"] == "none"
        assert sent(asking(user("hi"), **wishing), quirks)["reasoning_effort"] == "high"

    def test_openrouter_gets_an_object(self) -> None:
        assert sent(asking(user("hi"), output_config={"effort": "low"}), self.OBJECT)["reasoning"] == {"effort": "low"}

    @pytest.mark.parametrize(("budget", "told"), [(500, 1024), (4096, 4096)])
    def test_a_budget_goes_to_openrouter_in_tokens_and_never_below_the_least(self, budget: int, told: int) -> None:
        thinking = {"type": "enabled", "budget_tokens": budget}
        body = {**asking(user("hi"), thinking=thinking), "max_tokens": 8000}
        assert sent(body, self.OBJECT)["reasoning"] == {"max_tokens": told}

    def test_a_budget_beyond_the_answers_limit_becomes_a_word(self) -> None:
        body = asking(user("hi"), thinking={"type": "enabled", "budget_tokens": 9000})
        assert sent(body, self.OBJECT)["reasoning"] == {"effort": "medium"}


class TestComplaints:
    @pytest.mark.parametrize(
        ("status", "error", "kind"),
        [
            (401, {"message": "bad key", "code": "invalid_api_key"}, "authentication_error"),
            (429, {"message": "quota", "code": "insufficient_quota"}, "billing_error"),
            (402, {"message": "pay"}, "billing_error"),
            (403, {"message": "no"}, "permission_error"),
            (404, {"message": "no model"}, "not_found_error"),
            (408, {"message": "slow"}, "timeout_error"),
            (413, {"message": "big"}, "request_too_large"),
            (429, {"message": "fast"}, "rate_limit_error"),
            (500, {"message": "oops"}, "api_error"),
            (502, {"message": "oops"}, "api_error"),
            (503, {"message": "busy"}, "overloaded_error"),
            (504, {"message": "slow"}, "timeout_error"),
            (529, {"message": "busy"}, "overloaded_error"),
            (400, {"message": "long", "code": "context_length_exceeded"}, "invalid_request_error"),
        ],
    )
    def test_an_error_keeps_its_words_and_gets_anthropics_type(self, status: int, error: Body, kind: str) -> None:
        complaint = CHAT.complaint(status, {}, json.dumps({"error": error}).encode())
        assert complaint.kind == kind
        assert error["message"] in complaint.message
