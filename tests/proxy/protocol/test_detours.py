"""Traffic that moves and returns is told once each way, whoever else moves meanwhile."""

import msgspec
import pytest

from proxy.contract import Attempt, Request
from proxy.protocol.detours import KINDS_KEPT, PASSED_KEPT, Detours

OPUS, HAIKU = "claude-opus-4-8", "claude-haiku-4-5"


def failed(provider: str = "first", model: str = OPUS) -> Attempt:
    return Attempt(provider=provider, model=model, outcome="overloaded", reason=f"{provider}: overloaded")


def skipped(provider: str = "first", model: str = OPUS, *, unfit: bool = False) -> Attempt:
    reason = f"{provider}: {model} is too small" if unfit else f"{provider}: overloaded; next try in 9 s"
    return Attempt(provider=provider, model=model, outcome="skipped", reason=reason, unfit=unfit)


def served(provider: str, *before: Attempt, model: str = OPUS, target: str | None = None) -> Request:
    """By ``provider`` after the attempts ``before``."""
    last = Attempt(provider=provider, model=target or model, outcome="served", status=200)
    return Request(id="r", started_at=0.0, asked_model=model, session_id="s1", attempts=(*before, last))


def told(*requests: Request) -> list[str]:
    detours = Detours()
    return [news.text for each in requests if (news := detours.heard(each)) is not None]


def test_traffic_that_leaves_and_returns_is_told_once_each_way() -> None:
    away, home = served("second", failed()), served("first")
    later = served("second", skipped())

    assert told(home, away, later, later, home, home, away) == [
        "first: overloaded. second serves instead",
        "first serves again",
        "first: overloaded. second serves instead",
    ]


def test_two_chains_in_one_outage_are_two_detours_and_no_more() -> None:
    opus, haiku = served("second", skipped()), served("third", skipped(model=HAIKU), model=HAIKU)

    assert len(told(*[opus, haiku] * 4)) == 2


def test_several_kinds_of_requests_on_the_same_way_are_one_detour() -> None:
    opus, haiku = served("second", failed()), served("second", failed(model=HAIKU), model=HAIKU)

    assert told(opus, haiku, opus, served("first"), served("first", model=HAIKU)) == [
        "first: overloaded. second serves instead",
        "first serves again",
    ]


def test_who_returns_while_others_stay_away_is_named() -> None:
    opus, haiku = served("second", failed()), served("third", failed(model=HAIKU), model=HAIKU)

    assert told(opus, haiku, served("first"), served("first", model=HAIKU))[2:] == [
        f"first serves {OPUS} again",
        "first serves again",
    ]


def test_a_sub_agent_s_own_chain_is_a_way_of_its_own() -> None:
    agent = msgspec.structs.replace(served("third", failed()), agent_id="a1")

    assert len(told(*[served("second", failed()), agent] * 3)) == 2


def test_another_model_at_the_same_provider_is_a_detour_too() -> None:
    away = served("first", failed(), target="claude-sonnet-4-5")

    assert told(away, away, served("first")) == [
        "first: overloaded. first/claude-sonnet-4-5 serves instead",
        f"first serves {OPUS} again",
    ]


def test_another_key_of_the_same_target_is_none() -> None:
    assert told(served("first", failed())) == []


def test_a_request_that_does_not_fit_is_told_once_for_its_session_and_has_no_return() -> None:
    big = served("second", skipped(unfit=True))
    other = msgspec.structs.replace(big, session_id="s2")

    assert told(*[big, served("first")] * 4, other, big) == [
        f"first: {OPUS} is too small. second serves instead",
        f"first: {OPUS} is too small. second serves instead",
    ]


@pytest.mark.parametrize("unfit", [False, True])
def test_what_is_remembered_is_bounded(unfit: bool) -> None:
    detours = Detours()
    for number in range(KINDS_KEPT + PASSED_KEPT):
        away = served(f"p{number}", skipped(model=f"m{number}", unfit=unfit), model=f"m{number}")
        detours.heard(msgspec.structs.replace(away, session_id=f"s{number}"))

    assert (len(detours._ways), len(detours._passed)) == ((0, PASSED_KEPT) if unfit else (KINDS_KEPT, 0))
