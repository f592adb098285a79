"""Which key of a provider a session uses."""

from proxy.protocol.pool import SESSIONS_KEPT, KeyPool


def every(_: int) -> bool:
    return True


def test_a_session_keeps_its_key() -> None:
    pool = KeyPool(3)
    first = pool.choose("a", every)
    pool.choose("b", every)
    pool.choose("c", every)

    assert [pool.choose("a", every) for _ in range(3)] == [first] * 3


def test_new_sessions_spread_over_the_keys() -> None:
    pool = KeyPool(3)

    assert sorted(pool.choose(session, every) or 0 for session in "abc") == [0, 1, 2]


def test_a_session_moves_only_when_its_key_is_closed_and_then_stays() -> None:
    pool = KeyPool(2)
    assert pool.choose("a", every) == 0

    assert pool.choose("a", lambda number: number != 0) == 1
    assert pool.choose("a", every) == 1


def test_the_key_whose_limit_lies_longest_back_comes_first() -> None:
    pool = KeyPool(3)
    pool.limited(0, 300.0)
    pool.limited(1, 100.0)
    pool.limited(2, 200.0)

    assert pool.choose("a", every) == 1


def test_tried_keys_are_not_tried_again() -> None:
    pool = KeyPool(2)

    assert pool.choose("a", every, tried=(0,)) == 1
    assert pool.choose("a", every, tried=(0, 1)) is None


def test_sessions_are_forgotten_in_the_order_of_their_last_use() -> None:
    pool = KeyPool(2)
    pool.choose("old", lambda number: number == 1)
    for number in range(SESSIONS_KEPT):
        pool.choose(str(number), lambda key: key == 1)

    assert pool.choose("old", every) == 0
