"""The real `claude` against providers that do not speak Anthropic's format: answers, files, agents, switches."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.stage import Stage, provider
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, message_stream, models_body
from tests.upstreams.dialects import NAMES, Name, Said, answer, answers_a_tool, error

MakeStage = Callable[[str], Stage]
each = pytest.mark.parametrize("dialect", NAMES)
ROUTE = '[route]\ndefault = "abroad/foreign-1"\n'


def abroad(upstream: ScriptedUpstream, dialect: Name) -> str:
    auth = {"auth": '"x-goog-api-key"'} if dialect == "gemini" else {}
    settings = provider("abroad", upstream.url, ("foreign-1",), dialect=f'"{dialect}"')
    return settings.replace('auth = "bearer"', f"auth = {auth['auth']}") if auth else settings


def has_tools(call: Call) -> bool:
    return b"file_path" in call.body


@each
def test_an_answer_reaches_the_user(stage: MakeStage, dialect: Name) -> None:
    with ScriptedUpstream(lambda call: answer(dialect, call, Said("It retries twice: größer."))) as upstream:
        here = stage(abroad(upstream, dialect) + ROUTE)

        assert here.ask("How often does it retry?") == "It retries twice: größer."

        row = here.requests()[-1]
        assert (row["outcome"], row["served_model"]) == ("served", "foreign-1")
        assert row["usage"]["cache_read_tokens"] == 200


CONTENT = 'print("grüße", \'a\\tb\')  # 世界 \\u0000 </think> "quoted"\n' + "x = 'äöü'\n" * 8000
"""100 KB with everything that has to be escaped."""


@each
def test_a_write_call_writes_the_file_with_its_exact_content(stage: MakeStage, dialect: Name) -> None:
    def writes(call: Call) -> Answer:
        if answers_a_tool(dialect, call) or not has_tools(call):
            return answer(dialect, call, Said("Written."))
        return answer(dialect, call, Said("", [("Write", {"file_path": target, "content": CONTENT})]))

    with ScriptedUpstream(writes) as upstream:
        here = stage(abroad(upstream, dialect) + ROUTE)
        target = str(here.project / "hello.py")

        assert here.ask("Write hello.py", "--dangerously-skip-permissions") == "Written."

        assert Path(target).read_text() == CONTENT


@each
def test_two_tools_at_once_both_come_back(stage: MakeStage, dialect: Name) -> None:
    def reads(call: Call) -> Answer:
        if answers_a_tool(dialect, call) or not has_tools(call):
            return answer(dialect, call, Said("Both read."))
        paths = [str(here.project / name) for name in ("one.txt", "two.txt")]
        return answer(dialect, call, Said("", [("Read", {"file_path": path}) for path in paths]))

    with ScriptedUpstream(reads) as upstream:
        here = stage(abroad(upstream, dialect) + ROUTE)
        for name in ("one", "two"):
            (here.project / f"{name}.txt").write_text(f"content of {name}\n")

        assert here.ask("Read both.", "--dangerously-skip-permissions") == "Both read."

        last = next(call for call in reversed(upstream.calls) if answers_a_tool(dialect, call))
        assert b"content of one" in last.body
        assert b"content of two" in last.body


@each
def test_a_sub_agent_works_abroad_too(stage: MakeStage, dialect: Name) -> None:
    order = {"description": "look", "prompt": "SUBTASK: look around", "subagent_type": "general-purpose"}

    def delegates(call: Call) -> Answer:
        if answers_a_tool(dialect, call) or b"subagent_type" not in call.body:
            said = Said("Looked around.") if b"SUBTASK" in call.body and not answers_a_tool(dialect, call) else None
            return answer(dialect, call, said or Said("The agent is back."))
        return answer(dialect, call, Said("", [("Agent", order)]))

    with ScriptedUpstream(delegates) as upstream:
        here = stage(abroad(upstream, dialect) + ROUTE)

        assert "The agent is back." in here.ask("Delegate.", "--dangerously-skip-permissions")

        assert {row["role"] for row in here.requests()} == {"main", "agent"}


@each
def test_a_conversation_goes_abroad_and_comes_back_with_its_thinking(stage: MakeStage, dialect: Name) -> None:
    def home(call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8"))
        model = json.loads(call.body)["model"]
        return as_stream(message_stream("At home.", model=model, thinking="Thought at home."))

    def away(call: Call) -> Answer:
        return answer(dialect, call, Said("Abroad.", thinking="Thought abroad."))

    with ScriptedUpstream(home) as claude, ScriptedUpstream(away) as upstream:
        settings = provider("gateway", claude.url, ("claude-opus-4-8",)) + abroad(upstream, dialect)
        here = stage(settings + '[route]\ndefault = "gateway"\n')
        assert here.ask("First.", "--model", "claude-opus-4-8") == "At home."

        here.cctui("use", "abroad/foreign-1")
        assert here.ask("Second.", "--continue", "--model", "claude-opus-4-8") == "Abroad."
        here.cctui("use", "as-asked")
        assert here.ask("Third.", "--continue", "--model", "claude-opus-4-8") == "At home."

        foreign = next(call for call in reversed(upstream.calls) if has_tools(call))
        assert b"First." in foreign.body
        assert b"Thought at home." not in foreign.body
        back = next(call for call in reversed(claude.calls) if b"Third." in call.body and has_tools(call))
        assert b"Thought at home." in back.body
        assert b"Thought abroad." not in back.body
        assert b"Abroad." in back.body


def test_an_outage_of_one_dialect_is_served_by_another(stage: MakeStage) -> None:
    def writes(call: Call) -> Answer:
        if answers_a_tool("gemini", call) or not has_tools(call):
            return answer("gemini", call, Said("Written."))
        return answer("gemini", call, Said("", [("Write", {"file_path": target, "content": "saved\n"})]))

    with ScriptedUpstream(error("openai-chat", 503, "down")) as down, ScriptedUpstream(writes) as up:
        second = abroad(up, "gemini").replace("abroad", "second")
        route = ROUTE + 'fallback = ["second/foreign-1"]\n'
        here = stage(abroad(down, "openai-chat") + second + route)
        target = str(here.project / "saved.txt")

        assert here.ask("Write it.", "--dangerously-skip-permissions") == "Written."

        assert Path(target).read_text() == "saved\n"
        assert {row["provider"] for row in here.requests()} == {"second"}
