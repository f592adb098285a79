"""When something that failed may be tried again."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol import breaker as br
from proxy.protocol.breaker import CEILING_S, CLOSED, FIRST_S, OWN_MAX_S, PROBE_S, TRUSTED_S, Breaker

NOW = 1_000_000.0
HOUR_S = 3600.0


def failed(
    breaker: Breaker, now: float = NOW, retry_after_s: float | None = None, jitter: float = 0.5, admitted: int = 0
) -> Breaker:
    return br.failed(
        breaker,
        now,
        outcome="overloaded",
        reason="it is",
        retry_after_s=retry_after_s,
        jitter=jitter,
        admitted=admitted,
    )


OPENED = failed(CLOSED)
LATER = OPENED.open_until or 0.0
"""Its time has come."""
PROBING = br.sent(OPENED, 7, LATER)


def test_a_closed_breaker_admits() -> None:
    assert CLOSED.admits(NOW)
    assert CLOSED.state(NOW) == "closed"


def test_the_first_failure_opens_it_for_a_short_time() -> None:
    assert OPENED.state(NOW) == "open"
    assert not OPENED.admits(NOW)
    assert OPENED.open_until == NOW + FIRST_S


def test_the_time_doubles_with_each_failure_in_a_row_up_to_a_ceiling() -> None:
    opened, now, waits = CLOSED, NOW, []
    for _ in range(8):
        opened = failed(opened, now)
        waits.append(opened.wait_s(now))
        now = opened.open_until or 0

    assert waits[:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert waits[-1] == CEILING_S


def test_jitter_spreads_our_own_times_only() -> None:
    assert failed(CLOSED, jitter=0.0).wait_s(NOW) < failed(CLOSED, jitter=1.0).wait_s(NOW)
    assert failed(CLOSED, retry_after_s=30, jitter=0.0) == failed(CLOSED, retry_after_s=30, jitter=1.0)


def test_the_providers_own_time_is_obeyed_within_reason() -> None:
    assert failed(CLOSED, retry_after_s=90).wait_s(NOW) == 90
    assert failed(CLOSED, retry_after_s=0).wait_s(NOW) == 1
    assert failed(CLOSED, retry_after_s=10**9).wait_s(NOW) == TRUSTED_S


def test_at_half_open_one_probe_goes_and_the_herd_waits() -> None:
    assert OPENED.state(LATER) == "half-open"
    assert OPENED.admits(LATER)
    assert PROBING.state(LATER + 1) == "probing"
    assert not PROBING.admits(LATER + 1)
    assert PROBING.admits(LATER + PROBE_S + 1)


def test_once_the_probe_s_answer_has_begun_nobody_waits_for_its_end() -> None:
    answering = br.began(PROBING, 7)

    assert answering.state(LATER + 1) == "answering"
    assert answering.admits(LATER + 1)
    assert br.sent(answering, 8, LATER + 1) == answering


def test_an_answer_that_begins_elsewhere_lets_nobody_pass() -> None:
    assert not br.began(PROBING, 6).admits(LATER + 1)


def test_the_verdict_comes_at_the_end_of_the_probe_s_answer() -> None:
    answering = br.began(PROBING, 7)

    assert failed(answering, LATER + 2).state(LATER + 2) == "open"
    assert failed(answering, LATER + 2).wait_s(LATER + 2) == 2 * FIRST_S
    assert br.succeeded(answering, 7) == CLOSED


def test_a_probe_that_tells_nothing_leaves_the_next_one_free() -> None:
    for probe in (PROBING, br.began(PROBING, 7)):
        assert br.undecided(probe, 7).state(LATER + 1) == "half-open"


def test_only_the_probe_itself_gives_the_probe_back() -> None:
    assert br.undecided(PROBING, 6) == PROBING


def test_failures_of_requests_that_were_under_way_do_not_lengthen_the_row() -> None:
    again = failed(OPENED, NOW + 1)

    assert again.failures == OPENED.failures
    assert (again.open_until or 0) >= (OPENED.open_until or 0)


def test_success_forgets_everything() -> None:
    assert br.succeeded(OPENED, 1) == CLOSED


def test_a_limit_that_was_told_after_a_request_was_sent_outlasts_its_success() -> None:
    limited = failed(CLOSED, retry_after_s=600, admitted=5)

    assert br.succeeded(limited, 5) == limited
    assert br.succeeded(limited, 6) == CLOSED


def test_a_clock_that_is_set_back_lengthens_no_wait() -> None:
    set_back = br.shifted(failed(OPENED, NOW, retry_after_s=600), -HOUR_S)

    assert set_back.wait_s(NOW - HOUR_S) == 600
    assert set_back.since == NOW - HOUR_S


def test_a_time_of_our_own_that_lies_too_far_ahead_was_told_by_another_clock() -> None:
    assert OPENED.state(NOW - HOUR_S) == "half-open"
    assert failed(CLOSED, retry_after_s=HOUR_S).state(NOW) == "open"


def test_the_next_run_waits_for_no_probe_of_the_last_one() -> None:
    limited = failed(CLOSED, retry_after_s=600, admitted=5)

    assert br.restored(br.began(PROBING, 7)).state(LATER + 1) == "half-open"
    assert br.succeeded(br.restored(limited), 1) == CLOSED


@given(st.lists(st.tuples(st.floats(0, 1e4), st.none() | st.floats(0, 1e9), st.floats(0, 1)), max_size=30))
def test_whatever_happens_it_opens_again_in_bounded_time(steps: list[tuple[float, float | None, float]]) -> None:
    breaker, now = CLOSED, NOW
    for passed, retry_after_s, jitter in steps:
        now += passed
        breaker = failed(breaker, now, retry_after_s, jitter)
        assert 0 < breaker.wait_s(now) <= TRUSTED_S + 1
        assert breaker.admits(now + TRUSTED_S + 1)


@dataclass
class Traffic:
    """Requests that come, begin to answer and end as a schedule says, and the breaker that they meet."""

    breaker: Breaker = CLOSED
    now: float = NOW
    admitted: int = 0
    under_way: dict[int, bool] = field(default_factory=dict)
    """Whether its answer has begun."""

    def step(self, event: str, which: int, amount: float) -> None:
        request = sorted(self.under_way)[which % len(self.under_way)] if self.under_way else 0
        match event:
            case "comes" if self.breaker.admits(self.now):
                self.admitted += 1
                self.breaker = br.sent(self.breaker, self.admitted, self.now)
                self.under_way[self.admitted] = False
            case "begins" if request:
                self.breaker = br.began(self.breaker, request)
                self.under_way[request] = True
            case "serves" if request:
                self._end(request, br.succeeded(self.breaker, request))
            case "fails" if request:
                self._end(request, failed(self.breaker, self.now, None, amount, self.admitted))
            case "is limited" if request:
                self._end(request, failed(self.breaker, self.now, amount * 10**6, admitted=self.admitted))
            case "leaves" if request:
                self._end(request, br.undecided(self.breaker, request))
            case "time passes":
                self.now += amount * 400
            case "the clock is set back":
                self.now -= amount * 10**5
                self.breaker = br.shifted(self.breaker, -amount * 10**5)
            case _:
                pass

    def _end(self, request: int, breaker: Breaker) -> None:
        self.breaker = breaker
        del self.under_way[request]


EVENTS = (
    "comes",
    "comes",
    "begins",
    "serves",
    "fails",
    "is limited",
    "leaves",
    "time passes",
    "time passes",
    "the clock is set back",
)


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 9), st.floats(0, 1)), max_size=60))
def test_whoever_is_held_up_waits_for_a_time_or_for_a_probe_under_way(steps: list[tuple[str, int, float]]) -> None:
    traffic = Traffic()
    for step in steps:
        traffic.step(*step)
        breaker, state = traffic.breaker, traffic.breaker.state(traffic.now)
        probe = traffic.under_way.get(breaker.probe or 0)
        match state:
            case "closed":
                assert breaker == CLOSED
            case "open":
                longest = OWN_MAX_S if breaker.told_after is None else TRUSTED_S
                assert 0 < breaker.wait_s(traffic.now) <= longest + 1
            case "probing":
                assert probe is False
            case "answering":
                assert probe is True
            case "half-open":
                assert breaker.admits(traffic.now)
        assert breaker.admits(traffic.now) or state in ("open", "probing")
    for request in list(traffic.under_way):
        traffic.step("leaves", sorted(traffic.under_way).index(request), 0.0)
    assert traffic.breaker.admits(traffic.now + traffic.breaker.wait_s(traffic.now))
