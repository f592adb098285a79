"""Every line of the table of outcomes, on fifty requests at once."""

from collections import Counter

import pytest

from tests.proxy.faults.lines import LINES, own_body, served
from tests.proxy.faults.stage import Stages

pytestmark = pytest.mark.asyncio(loop_scope="module")
cases = pytest.mark.parametrize("name", LINES)

CROWD = 50


@cases
async def test_alone_each_of_fifty_gets_the_failure_once(stages: Stages, name: str) -> None:
    line = LINES[name]
    stream = line.streams[0]
    stage = await stages.of("alone", line)
    answers, records = await stage.crowd(CROWD, stream=stream)
    assert Counter(each.status_code for each in answers) == {line.client_status: CROWD}
    if line.given not in ("typed", "engine", "broken"):
        assert {each.content for each in answers} == {own_body(line, "")}
    assert {tuple(each.outcome for each in record.attempts) for record in records} == {(line.outcome,)}
    assert len(stage.first.calls) == CROWD


@cases
async def test_with_fallback_each_of_fifty_is_served_once_or_fails_once(stages: Stages, name: str) -> None:
    line = LINES[name]
    stream = line.streams[0]
    stage = await stages.of("fallback on", line)
    answers, records = await stage.crowd(CROWD, stream=stream)
    firsts = Counter(record.attempts[0].outcome for record in records)
    assert set(firsts) <= {line.outcome, "skipped"}
    assert (firsts[line.outcome], firsts.total()) == (len(stage.first.calls), CROWD)
    if line.row.next_target:
        assert {each.content for each in answers} == {served(stream=stream)}
        assert {record.attempts[-1].outcome for record in records} == {"served"}
        assert len(stage.second.calls) == CROWD
    else:
        skipped = firsts["skipped"]
        assert (len(stage.second.calls), Counter(record.outcome for record in records)["served"]) == (skipped, skipped)
