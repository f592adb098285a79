"""Answers out of the lines of transcripts, whole and broken."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.transcripts.lines import assistant, user
from tui.transcripts.answers import Transcript, read_transcript


def read(*lines: bytes) -> Transcript:
    return read_transcript(lines, lambda cwd: cwd.rsplit("/", 1)[-1])


def output_tokens(transcript: Transcript) -> list[int]:
    return [msgspec.json.decode(answer.usage)["output_tokens"] for answer in transcript.answers]


def test_an_answer_on_three_lines_is_one_and_its_last_usage_counts() -> None:
    lines = [assistant("msg_1", output_tokens=tokens, at=f"2026-11-20T10:00:0{tokens}.000Z") for tokens in (1, 2, 7)]
    found = read(*lines)
    assert output_tokens(found) == [7]
    assert found.answers[0].at == 1795168801.0


def test_the_same_id_under_another_request_is_another_answer() -> None:
    found = read(assistant("msg_1", request_id="req_1"), assistant("msg_1", request_id="req_2"))
    assert len(found.answers) == 2


def test_a_sub_agent_is_told_from_the_conversation() -> None:
    found = read(assistant("msg_1"), assistant("msg_2", agentId="a1", isSidechain=True))
    assert [(answer.role, answer.agent_id) for answer in found.answers] == [("main", None), ("agent", "a1")]


def test_session_project_and_version_are_the_line_s_own() -> None:
    (answer,) = read(assistant("msg_1", cwd="/home/dev/shop-api", version="2.1.329")).answers
    assert (answer.project, answer.client, answer.session_id) == ("shop-api", "claude-cli/2.1.329", "s-1")


def test_what_is_no_answer_is_skipped_and_not_called_broken() -> None:
    other = json.dumps({"type": "queue-operation", "message": 7, "timestamp": 1}).encode()
    found = read(user(), other, b"\n", assistant("msg_1", model="<synthetic>"))
    assert (found.answers, found.bad, found.lines) == ([], [], 3)


def test_a_line_that_breaks_off_is_counted_and_the_others_are_read() -> None:
    whole = assistant("msg_1")
    found = read(whole[: len(whole) // 2], b"\xff\xfe", assistant("msg_2"), assistant("msg_3", timestamp="soon"))
    assert [answer.message_id for answer in found.answers] == ["msg_2"]
    assert found.bad == [1, 2, 4]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["type", "message", "timestamp", "sessionId", "requestId", "agentId", "isSidechain", "cwd"])


@given(st.lists(st.dictionaries(names, values, max_size=8)), st.lists(st.binary(max_size=80)))
def test_nothing_in_a_line_makes_reading_fail(objects: list[dict[str, Any]], junk: list[bytes]) -> None:
    lines = [json.dumps({"type": "assistant", **each}).encode() for each in objects] + junk
    found = read(*lines, assistant("msg_last"))
    assert found.answers[-1].message_id == "msg_last"
    assert len(found.bad) <= found.lines
