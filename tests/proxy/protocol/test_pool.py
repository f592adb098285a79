"""Which key of a provider a session uses."""

from collections import Counter

from proxy.protocol.pool import SESSIONS_KEPT, KeyPool

NAMES = ("key one", "key two", "key three")


def every(_: int) -> bool:
    return True


def choice(session: str) -> int | None:
    """The key that a session is drawn to."""
    return KeyPool(NAMES).choose(session, every)


def test_a_session_keeps_its_key_in_the_next_run_too() -> None:
    sessions = [f"session {number}" for number in range(50)]
    pool, next_run = KeyPool(NAMES), KeyPool(NAMES)

    chosen = [pool.choose(session, every) for session in sessions]

    assert [next_run.choose(session, every) for session in reversed(sessions)] == chosen[::-1]


def test_a_session_keeps_its_key_wherever_that_stands_in_the_list() -> None:
    turned = KeyPool(NAMES[::-1])

    assert [2 - (turned.choose(each, every) or 0) for each in "abcdef"] == [choice(each) for each in "abcdef"]


def test_new_sessions_spread_over_the_keys() -> None:
    pool = KeyPool(NAMES)

    shares = Counter(pool.choose(f"session {number}", every) for number in range(300))

    assert set(shares) == {0, 1, 2}
    assert min(shares.values()) > 70


def test_a_session_moves_only_when_its_key_is_closed_and_then_stays() -> None:
    pool = KeyPool(NAMES)
    first = pool.choose("a", every)

    moved = pool.choose("a", lambda number: number != first)

    assert moved not in (first, None)
    assert pool.choose("a", every) == moved


def test_the_key_whose_limit_lies_longest_back_comes_first() -> None:
    pool = KeyPool(NAMES)
    pool.limited(0, 300)
    pool.limited(1, 100)
    pool.limited(2, 200)

    assert [pool.choose(session, every) for session in "abc"] == [1, 1, 1]


def test_tried_keys_are_not_tried_again() -> None:
    pool = KeyPool(NAMES[:2])

    assert pool.choose("a", every, tried=(0,)) == 1
    assert pool.choose("a", every, tried=(0, 1)) is None


def test_sessions_are_forgotten_in_the_order_of_their_last_use() -> None:
    pool, own = KeyPool(NAMES), choice("old")
    pool.choose("old", lambda number: number != own)
    for number in range(SESSIONS_KEPT):
        pool.choose(str(number), every)

    assert pool.choose("old", every) == own
