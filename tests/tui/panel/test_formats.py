"""Numbers, times and names as the panel writes them."""

import pytest

from tui.state import formats as f
from tui.state.text import cells, clean, clean_line, fit, left, right, wrap

DOLLAR = 10**9


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (None, "?"),
        (0, "$0.00"),
        (1, "<$.0001"),
        (49_999, "<$.0001"),
        (50_000, "$0.0001"),
        (213_400_000, "$0.2134"),
        (999_949_999, "$0.9999"),
        (999_950_000, "$1.00"),
        (4 * DOLLAR + 124_000_000, "$4.12"),
        (1234 * DOLLAR + 500_000_000, "$1,234.50"),
    ],
)
def test_money_has_cents_from_a_dollar_on_and_hundredths_of_cents_below(nano: int | None, text: str) -> None:
    assert f.money(nano) == text


def test_simulated_money_is_marked_and_never_added_to_real_money() -> None:
    assert f.money(DOLLAR, simulated=True) == "~$1.00"
    assert f.sums(0, DOLLAR) == "~$1.00"
    assert f.sums(2 * DOLLAR, DOLLAR) == "$2.00 and ~$1.00"


def test_the_points_of_amounts_stand_below_each_other() -> None:
    assert [f.aligned(text, 9) for text in ("$4.12", "$0.2134", "?")] == ["  $4.12  ", "  $0.2134", "        ?"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((0, "0"), (812, "812"), (999, "999"), (1000, "1.0k"), (2_140, "2.1k"), (9_960, "10k"), (31_000, "31k")),
        *((999_960, "1.0M"), (1_240_000, "1.2M"), (12_400_000, "12M")),
    ],
)
def test_counts_are_short(number: int, text: str) -> None:
    assert f.count(number) == text


def test_an_estimated_count_says_so() -> None:
    assert (f.tokens(4179, estimated=True), f.tokens(4179, estimated=False)) == ("~4.2k", "4.2k")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0.0s"), (420, "0.4s"), (9_960, "10s"), (42_000, "42s"), (250_000, "4m10s"), (3_840_000, "1h04m")],
)
def test_durations_are_short(milliseconds: float, text: str) -> None:
    assert f.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("claude-opus-4-8", "opus-4-8"),
        ("claude-opus-4-8-20260401", "opus-4-8"),
        ("claude-opus-4-8[1m]", "opus-4-8[1m]"),
        ("anthropic/claude-opus-4.8", "opus-4.8"),
        ("us.anthropic.claude-sonnet-5-v1:0", "sonnet-5"),
        ("openai/gpt-5.5", "gpt-5.5"),
        ("gpt-oss:20b", "gpt-oss:20b"),
        (None, "?"),
        ("", "?"),
    ],
)
def test_model_names_lose_vendor_and_date(name: str | None, short: str) -> None:
    assert f.short_model(name) == short


def test_a_small_share_is_not_rounded_to_nothing() -> None:
    assert [f.percent(share) for share in (0, 0.0001, 0.0049, 0.006, 0.5)] == ["0%", "<1%", "<1%", "1%", "50%"]


def test_an_unknown_price_is_never_zero() -> None:
    assert f.price(None) == "?"
    assert f.price(0) == "free"
    assert f.price(DOLLAR * 5 // 4) == "$1.25"


@pytest.mark.parametrize(
    ("both", "words"),
    [
        ((5 * DOLLAR, 25 * DOLLAR), "5/25"),
        ((DOLLAR // 4, DOLLAR * 5 // 4), "0.25/1.25"),
        ((0, 0), "free"),
        ((0, DOLLAR), "0/1"),
        ((None, None), "?"),
        ((DOLLAR, None), "1/?"),
    ],
)
def test_both_prices_of_a_model_in_short(both: tuple[int | None, int | None], words: str) -> None:
    assert f.prices(*both) == words


def test_a_bar_shows_a_small_share_and_stays_in_its_width() -> None:
    assert f.bar(0.001, 8) == ("━", "─" * 7)
    assert f.bar(7.0, 8) == ("━" * 8, "")


def test_columns_of_a_graph_keep_a_base_line_where_nothing_happened() -> None:
    assert f.columns([0.0, 1.0, 2.0], 1) == ["▁▄█"]
    assert f.columns([0.0, 2.0], 2) == [" █", "▁█"]
    assert f.columns([0.0, 0.0], 1) == ["▁▁"]


@pytest.mark.parametrize(
    ("dirty", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shown", "shown"),
        ("a\x00b\x9b31mc", "ab31mc"),
        ("left\u202eright", "leftright"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("tab\there", "tab    here"),
        ("lone \ud800 half", "lone  half"),
    ],
)
def test_text_from_outside_loses_escapes_and_controls(dirty: str, safe: str) -> None:
    assert clean(dirty) == safe


def test_a_line_from_outside_is_one_line() -> None:
    assert clean_line("  a\n b\tc ") == "a b c"


def test_wide_characters_count_twice_and_are_never_halved() -> None:
    assert cells("模型") == 4
    assert left("模型名", 5) == "模型…"
    assert right("模", 5) == "   模"
    assert cells(fit("模型模型", 6)) <= 6


def test_a_paragraph_wraps_at_spaces_and_breaks_long_words() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("", 4) == [""]
    assert wrap("模型模型", 5) == ["模型", "模型"]


@pytest.mark.parametrize(
    ("cents", "told"),
    [(0, "$0.00"), (1, "$0.01"), (50, "$0.50"), (1000, "$10.00"), (1250, "$12.50"), (100_000, "$1,000.00")],
)
def test_an_amount_that_was_set_is_told_as_people_write_it(cents: int, told: str) -> None:
    assert f.limit(cents * 10_000_000) == told
    assert f.limit(None) == f.UNKNOWN
    assert f.limit(1_500_000) == f.money(1_500_000)
