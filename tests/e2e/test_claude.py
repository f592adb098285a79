"""The real `claude` through `cctui claude` against scripted providers on sockets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.stage import Stage, provider, until
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, message_stream, models_body, tool_call

MakeStage = Callable[[str], Stage]

ANSWER = "The orders service retries twice."


def conversation(call: Call) -> Answer:
    """An upstream that answers turns, titles and lists."""
    if call.path.endswith("/models"):
        return as_json(models_body("claude-opus-4-8", "claude-sonnet-5", "glm-5"))
    return as_stream(message_stream(ANSWER, model=json.loads(call.body)["model"]))


def turns(upstream: ScriptedUpstream) -> list[Call]:
    """The conversation's requests; those for titles and the like have no tools."""
    return [call for call in upstream.calls if call.path.endswith("/messages") and b'"input_schema"' in call.body]


def has_result(call: Call) -> bool:
    return b'"tool_result"' in call.body


def test_an_answer_reaches_the_user_and_its_record_tells_everything(stage: MakeStage) -> None:
    with ScriptedUpstream(conversation) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')

        assert here.ask("How often does it retry?", "--model", "claude-opus-4-8") == ANSWER

        row = here.requests()[-1]
        assert row["outcome"] == "served"
        assert row["project"] == "shop-api"
        assert (row["asked_model"], row["served_model"]) == ("claude-opus-4-8", "claude-opus-4-8")
        assert row["usage"] == {
            "input_tokens": 12,
            "output_tokens": 42,
            "cache_read_tokens": 0,
            "cache_write_5m_tokens": 0,
            "cache_write_1h_tokens": 0,
        }
        assert row["cost_source"] == "genai-prices"
        assert row["cost_usd"] == 0.00111
        call = turns(upstream)[-1]
        assert call.header("authorization") == "Bearer key-of-gateway"
        assert call.header("x-cctui-token") is None
        assert call.header("x-claude-code-session-id") == row["session_id"]
        assert b"cctui-" not in call.body


def test_the_client_and_the_engine_agree_on_the_cost_of_a_turn(stage: MakeStage) -> None:
    usage: dict[str, Any] = {"input_tokens": 12, "cache_creation_input_tokens": 1000, "cache_read_input_tokens": 20000}
    usage |= {
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 42,
    }

    def billed(call: Call) -> Answer:
        return as_stream(message_stream(ANSWER, model="claude-opus-4-8", usage=usage))

    with ScriptedUpstream(billed) as upstream:
        here = stage(provider("gateway", upstream.url, ("claude-opus-4-8",)) + '[route]\ndefault = "gateway"\n')

        said = json.loads(here.ask("Go.", "--model", "claude-opus-4-8", "--output-format", "json"))

        assert said["total_cost_usd"] == 0.01736
        assert here.requests()[-1]["cost_usd"] == 0.01736


def test_a_write_call_really_writes_the_file(stage: MakeStage) -> None:
    def writes(call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8"))
        if has_result(call) or b'"Write"' not in call.body:
            return as_stream(message_stream("Written."))
        content = "print(\"grüße\", 'a\\tb')\n"
        return as_stream(message_stream("", tools=[tool_call("Write", {"file_path": target, "content": content})]))

    with ScriptedUpstream(writes) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')
        target = str(here.project / "hello.py")

        assert here.ask("Write hello.py", "--dangerously-skip-permissions") == "Written."

        assert Path(target).read_text() == "print(\"grüße\", 'a\\tb')\n"
        assert [row["stop_reason"] for row in here.requests()] == ["tool_use", "end_turn"]


def test_a_sub_agent_is_attributed_to_its_own_id(stage: MakeStage) -> None:
    order = {"description": "look", "prompt": "SUBTASK: look around", "subagent_type": "general-purpose"}

    def delegates(call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8"))
        if call.header("x-claude-code-agent-id"):
            return as_stream(message_stream("Looked around."))
        if has_result(call) or b'"Agent"' not in call.body:
            return as_stream(message_stream("The agent is back."))
        return as_stream(message_stream("", tools=[tool_call("Agent", order)]))

    with ScriptedUpstream(delegates) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')

        assert "The agent is back." in here.ask("Delegate.", "--dangerously-skip-permissions")

        rows = here.requests()
        sub = [row for row in rows if row["agent_id"]]
        assert [row["role"] for row in sub] == ["agent"]
        assert {row["session_id"] for row in rows} == {sub[0]["session_id"]}
        by_agent = here.json("usage", "--by", "agent")
        assert {row["key"] for row in by_agent["rows"]} >= {sub[0]["agent_id"]}


def test_a_switch_between_two_turns_moves_the_second_one(stage: MakeStage) -> None:
    with ScriptedUpstream(conversation) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')
        here.ask("First.", "--model", "claude-opus-4-8")
        here.cctui("models", "--refresh")

        here.cctui("use", "gateway/glm-5")
        assert here.ask("Second.", "--continue", "--model", "claude-opus-4-8") == ANSWER
        here.cctui("use", "as-asked")
        here.ask("Third.", "--continue", "--model", "claude-opus-4-8")

        models = [json.loads(call.body)["model"] for call in turns(upstream)]
        assert models == ["claude-opus-4-8", "glm-5", "claude-opus-4-8"]
        assert b"First." in turns(upstream)[1].body
        second = here.requests()[1]
        assert (second["asked_model"], second["served_model"]) == ("claude-opus-4-8", "glm-5")
        assert second["why"] == "all traffic set to gateway/glm-5"
        assert second["cost_usd"] is None or second["cost_source"] == "genai-prices"


def test_the_clients_own_picker_learns_our_list_and_its_ids_route(stage: MakeStage) -> None:
    async def once_the_list_is_kept(call: Call) -> Answer:
        if call.path.endswith("/messages") and b"Learn the list." in call.body:
            await until(kept.exists)
        return conversation(call)

    with ScriptedUpstream(once_the_list_is_kept) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')
        kept = here.home / ".claude" / "cache" / "gateway-models.json"
        here.cctui("models", "--refresh")
        here.cctui("use", "gateway/glm-5")
        here.ask("Use it once, so that it counts as used.")
        here.cctui("use", "as-asked")

        here.ask("Learn the list.")

        ids = [model["id"] for model in json.loads(kept.read_text())["models"]]
        assert "anthropic/gateway/glm-5" in ids
        here.ask("Now by its name.", "--model", "anthropic/gateway/glm-5")
        last = here.requests()[-1]
        assert (last["asked_model"], last["served_model"]) == ("anthropic/gateway/glm-5", "glm-5")
        assert last["why"] == "picked in the client's own /model"


def test_the_simulator_serves_the_real_client(stage: MakeStage) -> None:
    here = stage("")
    here.cctui("use", "simulator")

    assert "simulator" in here.ask("say hi")

    row = here.requests()[-1]
    assert row["simulated"] is True
    assert row["provider"] == "simulator"
    assert row["cost_source"] == "listed"


def test_no_file_of_the_users_is_written_by_us(stage: MakeStage) -> None:
    here = stage("")
    settings = here.home / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "FOO": "bar"}}')
    before = settings.read_bytes()
    here.cctui("use", "simulator")

    assert "simulator" in here.ask("say hi")

    assert settings.read_bytes() == before
    assert not (here.project / ".claude").exists()
