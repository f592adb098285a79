"""The watched request's text."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.contract import StreamKind, StreamPart
from tui.state.stream import ROW_LIMIT, TEXT_LIMIT, StreamText


def part(text: str, block: int = 0, kind: StreamKind = "text", **more: object) -> StreamPart:
    return StreamPart(request_id="r", kind=kind, block=block, text=text, **more)  # type: ignore[arg-type]


def shown(text: StreamText) -> list[str]:
    return [row.text for row in text.rows]


def watching(width: int = 20) -> StreamText:
    text = StreamText(width)
    text.watch("r")
    return text


@given(
    st.text(st.sampled_from("ab \n模"), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=6),
    st.integers(3, 12),
)
def test_rows_do_not_depend_on_how_the_text_was_cut(whole: str, cuts: list[int], width: int) -> None:
    pieces, parts = sorted({0, len(whole), *(cut for cut in cuts if cut <= len(whole))}), watching(width)
    for start, end in pairwise(pieces):
        parts.apply(part(whole[start:end]))
    at_once = watching(width)
    at_once.apply(part(whole))
    assert shown(parts) == shown(at_once)


def test_an_answer_that_begins_with_nothing_is_empty_still() -> None:
    text = watching()
    text.apply(part("old words"))
    assert text.apply(part("", block=-1, restart=True))
    assert text.empty
    assert shown(text) == []
    text.apply(part("new"))
    assert shown(text) == ["new"]


def test_text_of_another_request_is_not_taken() -> None:
    text = watching()
    assert not text.apply(StreamPart(request_id="other", kind="text", block=0, text="no"))
    assert text.empty


def test_a_tool_call_is_named_and_thinking_is_told_apart() -> None:
    text = watching(40)
    text.apply(part("hm", 0, "thinking"))
    text.apply(part("Hello", 1))
    text.apply(part('{"file":', 2, "tool", title="Edit"))
    text.apply(part(' "a.py"}', 2, "tool"))
    assert [tuple(row) for row in text.rows] == [
        ("thinking", "thinking", "hm"),
        ("text", "", "Hello"),
        ("tool", "Edit", '{"file": "a.py"}'),
    ]


def test_a_restart_voids_what_was_shown() -> None:
    text = watching()
    text.apply(part("old"))
    text.apply(part("new", restart=True))
    assert shown(text) == ["new"]


def test_another_width_wraps_everything_anew() -> None:
    text = watching(20)
    text.apply(part("one two three four"))
    text.set_width(9)
    assert shown(text) == ["one two", "three", "four"]


def test_labels_stand_in_the_text_where_there_is_no_margin() -> None:
    text = watching(40)
    text.set_width(40, inline_labels=True)
    text.apply(part("{}", 0, "tool", title="Read"))
    assert shown(text) == ["Read: {}"]


def test_escape_sequences_never_reach_a_row() -> None:
    text = watching(40)
    text.apply(part("a\x1b[2Jb", 0, "tool", title="\x1b[31mEdit"))
    assert [tuple(row) for row in text.rows] == [("tool", "Edit", "ab")]


def test_an_endless_answer_keeps_its_end_in_bounds() -> None:
    text = watching(10)
    for number in range(30_000):
        text.apply(part(f"line {number}\n"))
    assert len(text.rows) <= ROW_LIMIT + 1
    assert text.rows[-2].text == "line 29999"
    text.set_width(11)
    assert sum(len(row.text) for row in text.rows) <= TEXT_LIMIT
    assert text.rows[-2].text == "line 29999"


def test_a_finished_answer_is_shown_whole_only_while_it_is_watched() -> None:
    text = watching()
    text.load("r", [part("a", restart=True), part("b", 1)])
    assert shown(text) == ["a", "b"]
    text.load("other", [])
    assert shown(text) == ["a", "b"]
