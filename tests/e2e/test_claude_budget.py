"""The real `claude` under a budget of one cent: the second turn is stopped in words, a grant lets it pass."""

import json
from collections.abc import Callable

import pytest

from tests.e2e.stage import Stage, provider
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, message_stream, models_body, tool_call

MakeStage = Callable[[str], Stage]

ANSWER = "The orders service retries twice."
ONE_CENT = '[route]\ndefault = "gateway"\n[budget]\nsession_usd = 0.01\n'
TURN = {"input_tokens": 1000, "output_tokens": 200}
"""One cent at the prices of the model that is asked for."""
MODEL = ("--model", "claude-opus-4-8")


def answers(call: Call) -> Answer:
    if call.path.endswith("/models"):
        return as_json(models_body("claude-opus-4-8", "claude-haiku-4-5"))
    return as_stream(message_stream(ANSWER, model=json.loads(call.body)["model"], usage=TURN))


def turns(upstream: ScriptedUpstream) -> int:
    return sum(call.path.endswith("/messages") for call in upstream.calls)


def test_the_second_turn_is_stopped_with_a_message_and_a_grant_lets_it_pass(stage: MakeStage) -> None:
    with ScriptedUpstream(answers) as upstream:
        here = stage(provider("gateway", upstream.url) + ONE_CENT)
        assert here.ask("First.", *MODEL) == ANSWER

        stopped = here.cctui("claude", "-p", "Second.", "--continue", *MODEL, check=False)

        session = here.requests()[-1]["session_id"]
        assert stopped.returncode != 0
        assert "the session budget of $0.01 is used up: $0.01 spent" in stopped.stdout
        assert f"cctui budget grant session 1 --session {session[:8]}" in stopped.stdout
        assert turns(upstream) == 1
        here.cctui("budget", "grant", "session", "1", "--session", session[:8])
        assert here.ask("Second.", "--continue", *MODEL) == ANSWER
        assert b"First." in upstream.calls[-1].body


def test_the_refusal_is_not_repeated_by_the_client(stage: MakeStage) -> None:
    with ScriptedUpstream(answers) as upstream:
        here = stage(provider("gateway", upstream.url) + ONE_CENT)
        here.ask("First.", *MODEL)

        here.cctui("claude", "-p", "Second.", "--continue", *MODEL, check=False)

        assert [row["status"] for row in here.requests()] == [200, 402]


def test_a_session_that_may_pass_goes_on(stage: MakeStage) -> None:
    with ScriptedUpstream(answers) as upstream:
        here = stage(provider("gateway", upstream.url) + ONE_CENT)
        here.ask("First.", *MODEL)

        here.cctui("budget", "pass")

        assert here.ask("Second.", "--continue", *MODEL) == ANSWER


def test_an_agent_s_loop_is_stopped_in_the_middle(stage: MakeStage) -> None:
    def writes_on_and_on(call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8"))
        write = tool_call("Write", {"file_path": str(here.project / "a.txt"), "content": "x"}, f"toolu_{call.order}")
        return as_stream(message_stream("", tools=[write], usage=TURN))

    with ScriptedUpstream(writes_on_and_on) as upstream:
        here = stage(provider("gateway", upstream.url) + ONE_CENT.replace("0.01", "0.03"))

        stopped = here.cctui("claude", "-p", "Write.", *MODEL, "--dangerously-skip-permissions", check=False)

        assert "the session budget of $0.03 is used up" in stopped.stdout
        assert turns(upstream) == 3


@pytest.mark.parametrize("own", [(), ("--cctui-statusline",)])
def test_the_option_for_the_status_line_is_ours_and_the_client_never_sees_it(
    stage: MakeStage, own: tuple[str, ...]
) -> None:
    with ScriptedUpstream(answers) as upstream:
        here = stage(provider("gateway", upstream.url) + ONE_CENT)
        done = here.cctui("claude", *own, "-p", "First.", *MODEL)

        settings = [json.loads(file.read_text()) for file in (here.cctui_home / "run").glob("claude-*.json")]

        assert done.stdout.strip() == ANSWER
        assert [("statusLine" in each) for each in settings] == [bool(own)]
