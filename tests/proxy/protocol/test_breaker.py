"""When something that failed may be tried again."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol import breaker as br
from proxy.protocol.breaker import CEILING_S, CLOSED, FIRST_S, PROBE_S, TRUSTED_S, Breaker

NOW = 1_000_000.0


def failed(breaker: Breaker, now: float = NOW, retry_after_s: float | None = None, jitter: float = 0.5) -> Breaker:
    return br.failed(breaker, now, outcome="overloaded", reason="it is", retry_after_s=retry_after_s, jitter=jitter)


def test_a_closed_breaker_admits() -> None:
    assert CLOSED.admits(NOW)
    assert CLOSED.state(NOW) == "closed"


def test_the_first_failure_opens_it_for_a_short_time() -> None:
    opened = failed(CLOSED)

    assert opened.state(NOW) == "open"
    assert not opened.admits(NOW)
    assert opened.open_until == NOW + FIRST_S


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
    opened = failed(CLOSED)
    later = opened.open_until or 0

    assert opened.state(later) == "half-open"
    assert opened.admits(later)
    probing = br.sent(opened, later)
    assert not probing.admits(later + 1)
    assert probing.admits(later + PROBE_S + 1)


def test_a_probe_that_tells_nothing_leaves_the_next_one_free() -> None:
    opened = failed(CLOSED)
    later = opened.open_until or 0

    assert br.undecided(br.sent(opened, later)).admits(later + 1)


def test_failures_of_requests_that_were_under_way_do_not_lengthen_the_row() -> None:
    opened = failed(CLOSED)

    again = failed(opened, NOW + 1)

    assert again.failures == opened.failures
    assert (again.open_until or 0) >= (opened.open_until or 0)


def test_success_forgets_everything() -> None:
    assert br.succeeded() == CLOSED


@given(st.lists(st.tuples(st.floats(0, 1e4), st.none() | st.floats(0, 1e9), st.floats(0, 1)), max_size=30))
def test_whatever_happens_it_opens_again_in_bounded_time(steps: list[tuple[float, float | None, float]]) -> None:
    breaker, now = CLOSED, NOW
    for passed, retry_after_s, jitter in steps:
        now += passed
        breaker = failed(breaker, now, retry_after_s, jitter)
        assert 0 < breaker.wait_s(now) <= TRUSTED_S + 1
        assert breaker.admits(now + TRUSTED_S + 1)
