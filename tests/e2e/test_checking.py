"""`cctui check` in a real terminal: the price before, the rows as they come, Ctrl-C in the middle."""

import dataclasses
import itertools
import shlex
from collections.abc import Callable

from tests.e2e.stage import Stage, provider
from tests.e2e.test_terminal import Terminal, terminal
from tests.upstreams import SILENCE, Answer, Call, Hold, Reply, ScriptedUpstream
from tests.upstreams.understanding import Clock, Mind

__all__ = ["terminal"]

MakeStage = Callable[[str], Stage]
MakeTerminal = Callable[[Stage], Terminal]

PRICED = "gateway/claude-opus-4-8: 17 points, 17 requests, about $0."


CUT = b"numbers from 1 to 200"
"""Of the question whose answer is broken off."""


def good(until: bytes | None = None) -> Callable[[Call], Answer]:
    """A provider that works, and says nothing from the request on that holds ``until``.

    The answer that is to be broken off goes on for as long as somebody listens.
    """
    read = itertools.count(1)
    mind = Mind("anthropic", "claude-opus-4-8", Clock(), lambda: next(read))

    def answer(call: Call) -> Answer:
        if until is not None and until in call.body:
            return SILENCE
        said = mind(call)
        if CUT in call.body and isinstance(said, Reply):
            return dataclasses.replace(said, body=[*said.body[: len(said.body) // 2], Hold()])
        return said

    return answer


def begun(stage: MakeStage, terminal: MakeTerminal, upstream: ScriptedUpstream) -> tuple[Stage, Terminal]:
    """A check that told its price and asks."""
    here = stage(provider("gateway", upstream.url, count_tokens="true"))
    screen = terminal(here)
    command = shlex.join([*here.cctui_command, "check", "gateway/claude-opus-4-8"])
    screen.open("/bin/sh", "-c", f"trap : INT; {command}; echo ended with $?; read rest", width=80)
    screen.shows(PRICED, "Try it out now? [y/N]:")
    return here, screen


def test_a_check_in_a_terminal_tells_its_price_then_each_point_then_the_sum(
    stage: MakeStage, terminal: MakeTerminal
) -> None:
    with ScriptedUpstream(good()) as upstream:
        _here, screen = begun(stage, terminal, upstream)
        assert [call for call in upstream.calls if call.method == "POST"] == []

        screen.tmux("send-keys", "y", "Enter")

        shown = screen.shows("✓  cancellation", "cost $0.", "ended with 0")
        assert "…  " not in shown
        assert max(map(len, shown.splitlines())) <= 80


def test_ctrl_c_in_the_middle_stops_the_check_and_tells_what_was_found(
    stage: MakeStage, terminal: MakeTerminal
) -> None:
    with ScriptedUpstream(good(until=b"image/png")) as upstream:
        here, screen = begun(stage, terminal, upstream)
        screen.tmux("send-keys", "y", "Enter")
        screen.shows("✓  thinking", "…  image")

        screen.tmux("send-keys", "C-c")

        shown = screen.shows("Stopped; what was found is kept.", "ended with 130")
        assert "–  6 others" in shown
        again = here.cctui("check", "gateway/claude-opus-4-8", "--only", "plain", "--yes")
        assert "✓ 2 passed" in again.stdout


def test_who_does_not_agree_sends_nothing(stage: MakeStage, terminal: MakeTerminal) -> None:
    with ScriptedUpstream(good()) as upstream:
        _here, screen = begun(stage, terminal, upstream)

        screen.tmux("send-keys", "C-c")

        screen.shows("Nothing was sent.", "ended with 1")
        assert [call for call in upstream.calls if call.method == "POST"] == []
