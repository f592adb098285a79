"""Tools and settings of a request in OpenAI's chat format, bent to what a server takes, with a note where they bend."""

import json
from typing import Any

import pytest

from proxy.dialects.conversation import NotAConversation
from proxy.dialects.dialect import CannotTake, Occasion
from proxy.dialects.quirks import PLAIN, Effort, Quirks
from tests.proxy.dialects.chat_requests import CHAT, messages_of, outgoing, sent
from tests.proxy.dialects.conversations import Body, text_block
from tests.proxy.dialects.turns import BASH, CLOSED, SCHEMA, asking, assistant, call, result, user


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
        out = outgoing(asking(user("hi"), tools=[BASH, {**BASH, "name": "Read"}], tool_choice=choice), quirks)
        assert json.loads(out.body).get("tool_choice") == expected
        assert bool(out.notes) == (expected != "any")

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
    def wanting(self, schema: Body) -> Body:
        return asking(user("hi"), output_config={"format": {"type": "json_schema", "schema": schema}})

    @pytest.mark.parametrize(("schema", "strict"), [(SCHEMA, False), (CLOSED, True)])
    def test_a_schema_is_a_response_format_and_strict_if_it_can_be(self, schema: Body, strict: bool) -> None:
        named = {"name": "answer", "schema": schema, "strict": strict}
        assert sent(self.wanting(schema))["response_format"] == {"type": "json_schema", "json_schema": named}

    @pytest.mark.parametrize(("structured", "told"), [("json_object", {"type": "json_object"}), ("no", None)])
    def test_a_server_without_schemas_gets_it_in_words(self, structured: Any, told: Body | None) -> None:
        payload = sent(self.wanting(SCHEMA), Quirks(structured=structured))
        assert payload.get("response_format") == told
        assert '"integer"' in payload["messages"][0]["content"]
        assert payload["messages"][0]["role"] == "system"

    def test_a_schema_that_is_no_objects_is_told_in_words(self) -> None:
        payload = sent(self.wanting({"type": "array", "items": {"type": "integer"}}))
        assert "response_format" not in payload
        assert '"array"' in payload["messages"][0]["content"]


class TestEffort:
    ALL: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
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
