"""The requests that the panel keeps."""

import msgspec

from tests.tui.scenes import NOW, live, served
from tui.state.requests import Filter, RequestBook


def ids(book: RequestBook) -> list[str]:
    return [book.row(index).id for index in range(len(book))]


def test_the_newest_stands_on_top_whatever_the_order_of_arrival() -> None:
    book = RequestBook()
    for number in (2, 1, 3):
        book.put(served(number, 10))
    assert ids(book) == ["r00000003", "r00000002", "r00000001"]
    assert [book.find(name) for name in ids(book)] == [0, 1, 2]
    assert book.find("r9") is None


def test_a_change_replaces_the_request_in_its_row() -> None:
    book = RequestBook()
    book.put(live(1, 5))
    assert len(book.live) == 1
    book.put(served(1, 5))
    assert (len(book), len(book.live)) == (1, 0)


def test_only_so_many_ended_ones_are_kept_and_every_live_one() -> None:
    book = RequestBook(limit=100)
    book.put(live(1, 500))
    for number in range(2, 1000):
        book.put(served(number, 400))
    assert 100 <= book.total - 1 <= 110
    assert book.get("r00000001") is not None
    assert book.row(0).id == "r00000999"


def test_it_is_known_whether_there_were_older_ones() -> None:
    book = RequestBook(limit=10)
    book.add_history([served(1, 9)])
    assert (book.partial, book.frozen().partial) == (False, False)
    for number in range(2, 30):
        book.put(served(number, 5))
    assert (book.partial, book.frozen().partial) == (True, True)
    book.clear()
    assert not book.partial
    book.add_history([served(1, 9)], more=True)
    assert book.partial


def test_a_filter_takes_in_and_gives_up_rows_as_they_change() -> None:
    book = RequestBook()
    book.put(served(1, 9))
    book.put(live(2, 5))
    book.show(Filter(text="failed"))
    assert ids(book) == []
    book.put(served(2, 5, outcome="failed"))
    assert ids(book) == ["r00000002"]
    book.put(served(2, 5))
    assert ids(book) == []
    book.show(Filter())
    assert len(book) == 2


def test_a_filter_wants_every_word_and_ignores_case() -> None:
    opus = served(1, 9)
    assert Filter(text="OPUS anthropic").admits(opus)
    assert not Filter(text="opus openrouter").admits(opus)
    assert not Filter(session="another").admits(opus)


def test_frozen_rows_stand_still() -> None:
    book = RequestBook()
    book.put(live(1, 5))
    still = book.frozen()
    book.put(served(1, 5))
    book.put(served(2, 1))
    assert (len(still), still.row(0).phase, still.find("r00000001"), still.find("r00000002")) == (
        1,
        "streaming",
        0,
        None,
    )


def test_history_never_replaces_what_is_known() -> None:
    book = RequestBook()
    book.put(served(1, 5, status=200))
    book.add_history([served(1, 5, status=500), served(0, 9)])
    assert ids(book) == ["r00000001", "r00000000"]
    assert book.row(0).status == 200


def test_a_new_state_forgets_live_requests_that_are_not_in_it() -> None:
    book = RequestBook()
    book.put(live(1, 5))
    book.put(served(2, 5))
    book.replace_live([live(3, 1)])
    assert [request.id for request in book.live] == ["r00000003"]
    assert ids(book) == ["r00000003", "r00000002"]


def test_a_hundred_thousand_rows_are_counted_not_walked() -> None:
    book = RequestBook(limit=200_000)
    plain = served(1, 5)
    for number in range(100_000):
        book.put(msgspec.structs.replace(plain, id=f"r{number:08d}", started_at=NOW))
    assert len(book) == 100_000
    assert book.row(99_999).id == "r00000000"
    assert book.find("r00050000") == 49_999
