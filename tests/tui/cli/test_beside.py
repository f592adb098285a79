"""What commands tell beside their output: sentences on stderr, a line that is overwritten."""

import io
import sys

import pytest

from tui.cli.printing import beside, broken, elsewhere
from tui.cli.ticker import Ticker


class Screen(io.StringIO):
    """A terminal to whoever asks."""

    def isatty(self) -> bool:
        return True


def test_what_stands_beside_the_output_is_broken_between_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setenv("COLUMNS", "40")
    told = beside("refuses connections; is it running, is the port right?\nNothing was written.", "Error: ")
    assert told.splitlines() == [
        "refuses connections; is it",
        "       running, is the port right?",
        "       Nothing was written.",
    ]


def test_elsewhere_it_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setenv("COLUMNS", "40")
    assert beside("a" * 100, "Error: ") == "a" * 100


@pytest.mark.parametrize("name", ["output", "input", "error"])
def test_the_stream_that_is_no_terminal_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for stream in ("out", "in", "err"):
        monkeypatch.setattr(sys, f"std{stream}", io.StringIO() if name.startswith(stream) else Screen())
    assert elsewhere() == name


def test_a_screen_on_windows_leaves_the_error_stream_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    for stream in ("out", "in", "err"):
        monkeypatch.setattr(sys, f"std{stream}", io.StringIO() if stream == "err" else Screen())
    assert elsewhere() == ""


def test_the_ticker_overwrites_its_line_and_takes_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "12")
    monkeypatch.setenv("TERM", "xterm")
    ticker = Ticker()
    for text in ("one", "far too long for it"):
        ticker.show(text)
    ticker.clear()
    ticker.clear()
    assert screen.getvalue() == "\rone\x1b[K\rfar too lo…\x1b[K\r\x1b[K"


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_overwrite_has_no_ticker(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", term)
    ticker = Ticker()
    ticker.show("one")
    ticker.clear()
    assert screen.getvalue() == ""


def test_a_sentence_that_follows_a_program_ends_its_rows_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "48")
    text = "The engine runs on at http://127.0.0.1:8787. `cctui stop` ends it."
    rows = broken(text).splitlines()
    assert len(rows) == 2
    assert " ".join(row.strip() for row in rows) == text
