"""The words and graphs of the spend screen, of the year, of speed and of the comparison."""

from datetime import timedelta

import msgspec
import pytest

from proxy import contract as c
from tests.tui import scenes_spend
from tests.tui.scenes import NOW, models, shop_session
from tests.tui.scenes_spend import CENT, TODAY, report, tally
from tui.state import whatif
from tui.state.choices import ModelChoice, model_line, model_titles, would_cost
from tui.state.latency import LatencyTable
from tui.state.lines import Line, line_cells, line_text
from tui.state.spend import SpendView
from tui.state.spend_lines import SpendTable, graph, heading, name, notes, ordered, way_words
from tui.state.year import CURSOR, NOTHING, Year, day_line, map_lines, moved, year, year_facts

NAMES = {"5e551011-aaaa": "shop-api", "a2": "shop-api ⤷2 Plan"}


def texts(lines: list[Line]) -> str:
    return "\n".join(map(line_text, lines))


def cost(key: str, *, real: int = 0, simulated: int = 0) -> c.UsageRow:
    """A group that cost so many cents."""
    return c.UsageRow(key=key, tally=tally(5, real, simulated_nano_usd=simulated * CENT))


class TestSums:
    def test_the_dearest_comes_first(self) -> None:
        keys = [row.key for row in ordered(scenes_spend.by_model(), "model")]
        assert keys == ["claude-opus-4-8", "anthropic/claude-sonnet-5", "claude-haiku-4-5", "qwen/qwen3-coder"]

    def test_the_newest_day_comes_first_and_the_hours_of_a_day_in_their_order(self) -> None:
        assert ordered(scenes_spend.by_day(), "day")[0].key == TODAY.isoformat()
        hours = [row.key for row in ordered(scenes_spend.by_hour_of_day(), "hour_of_day")]
        assert hours == sorted(hours)

    def test_what_has_no_price_is_unknown_and_not_free(self) -> None:
        found = scenes_spend.by_model()
        row = next(row for row in found.rows if row.key == "qwen/qwen3-coder")
        text = line_text(SpendTable(found, "model", {}, 100).row(row))
        assert " ? " in text
        assert "$0" not in text
        assert "14 requests have no known price" in texts(notes(found, 100))
        one = msgspec.structs.replace(found, total=c.Tally(requests=1, unpriced_requests=1))
        assert "1 request has no known price and is not in the sums." in texts(notes(one, 100))

    def test_simulated_money_stands_in_a_column_of_its_own(self) -> None:
        found = scenes_spend.made_up()
        table = SpendTable(found, "model", {}, 100)
        assert "simulated" in line_text(table.titles())
        (total,) = table.sums()
        assert "$4.10" in line_text(total)
        assert "~$0.7700" in line_text(total)
        assert "simulated money" in texts(notes(found, 100))

    def test_shares_are_of_the_first_column_of_money_and_never_more_than_all(self) -> None:
        found = scenes_spend.made_up()
        rows = [line_text(SpendTable(found, "model", {}, 160).row(row)) for row in found.rows]
        shares = [int(word.rstrip("%")) for row in rows for word in row.split()[1:5] if word.endswith("%")]
        simulated_only = [row for row, one in zip(rows, found.rows, strict=True) if not one.tally.cost_nano_usd]
        assert sum(shares) == 100
        assert len(shares) == len(rows) - len(simulated_only)
        assert simulated_only

    def test_what_is_simulated_comes_after_all_real_money_and_has_no_bar_of_it(self) -> None:
        found = report([cost("a", simulated=900), cost("b", real=2), cost("c", simulated=950), cost("d", real=3)])
        rows = ordered(found, "model")
        assert [row.key for row in rows] == ["d", "b", "c", "a"]
        table = SpendTable(found, "model", {}, 160)
        bars = [line_text(table.row(row)).count("━") for row in rows]
        assert bars[0] > bars[1] > 0
        assert bars[2:] == [0, 0]
        assert line_text(table.titles()).endswith("  real money")
        texts_of_rows = [line_text(table.row(row)) for row in rows]
        assert ["$0.00" in text for text in texts_of_rows] == [False] * 4
        assert ["~" in text for text in texts_of_rows] == [False, False, True, True]
        assert "in no sum, bar, share or order of real money" in texts(notes(found, 100))

    def test_where_all_is_simulated_bars_and_titles_say_so(self) -> None:
        found = report([cost("a", simulated=900), cost("b", simulated=300)])
        table = SpendTable(found, "model", {}, 160)
        first, second = (line_text(table.row(row)) for row in ordered(found, "model"))
        assert first.count("━") > second.count("━") > 0
        assert (" 75% " in first, " 25% " in second) == (True, True)
        assert line_text(table.titles()).endswith("  simulated money")
        assert line_text(heading(SpendView(), {}, 100, simulated=True)[-1]).endswith("everything   ~ simulated money")
        assert "nobody pays" in texts(notes(found, 100))

    def test_bars_of_real_money_alone_need_no_title(self) -> None:
        found = scenes_spend.by_model()
        assert "real" not in line_text(SpendTable(found, "model", {}, 160).titles())

    def test_groups_beyond_those_that_are_listed_are_one_line_before_the_total(self) -> None:
        rows = [c.UsageRow(key=f"s-{number}", tally=tally(10, 700)) for number in range(2)]
        cut = msgspec.structs.replace(report(rows), rows=tuple(rows[:1]), others=rows[1].tally)
        others, total = SpendTable(cut, "session", {}, 100).sums()
        assert ("others" in line_text(others), "$7.00" in line_text(others)) == (True, True)
        assert "$14.00" in line_text(total)

    def test_columns_that_would_be_empty_are_left_out(self) -> None:
        titles = line_text(SpendTable(report([c.UsageRow(key="m", tally=tally(3, 100))]), "model", {}, 160).titles())
        assert not {"simulated", "no price", "failed"} & set(titles.split("  "))

    @pytest.mark.parametrize("width", [20, 40, 63, 79, 99, 179])
    def test_rows_fit_the_width(self, width: int) -> None:
        found = scenes_spend.by_model()
        table = SpendTable(found, "model", {}, width)
        lines = [table.titles(), *table.sums(), *(table.row(row) for row in found.rows)]
        assert max(map(line_cells, lines)) <= width

    def test_a_name_keeps_its_cells_before_the_last_figures_are_taken_in(self) -> None:
        rows = [c.UsageRow(key="background", tally=tally(3, 100))]
        text = line_text(SpendTable(report(rows), "role", {}, 59).row(rows[0]))
        assert "background calls " in text

    @pytest.mark.parametrize("width", [30, 59, 79])
    def test_what_the_sums_leave_out_is_wrapped_and_not_cut(self, width: int) -> None:
        told = msgspec.structs.replace(scenes_spend.made_up(), estimated_requests=2)
        lines = notes(told, width)
        assert max(map(line_cells, lines)) <= width
        assert "estimated." in texts(lines)

    def test_small_shares_are_not_rounded_to_nothing(self) -> None:
        rows = [c.UsageRow(key="big", tally=tally(1, 100_000)), c.UsageRow(key="small", tally=tally(1, 1))]
        assert "<1%" in line_text(SpendTable(report(rows), "model", {}, 100).row(rows[1]))

    @pytest.mark.parametrize(
        ("group", "key", "words"),
        [
            ("model", "claude-opus-4-8-20260401", "opus-4-8"),
            ("model", "", "no model"),
            ("session", "5e551011-aaaa", "shop-api"),
            ("session", "0ldc0ffe-1111", "0ldc0ffe"),
            ("session", "", "no session"),
            ("role", "background", "background calls"),
            ("agent", "", "no sub-agent"),
            ("agent", "a2", "shop-api ⤷2 Plan"),
            ("agent", "2092656f29461111", "2092656f2946"),
            ("project", "", "no project"),
            ("project", "a\x1b[31mb", "ab"),
            ("day", "2027-01-15", "2027-01-15  Fri"),
            ("week", "2027-W02", "2027-W02  from 11 Jan"),
            ("month", "2027-01", "2027-01  January"),
            ("hour_of_day", "07", "07:00"),
        ],
    )
    def test_keys_have_words(self, group: c.UsageGroup, key: str, words: str) -> None:
        assert name(group, key, NAMES) == words

    def test_the_way_in_is_told(self) -> None:
        view = SpendView("7 days", "project").opened("shop-api").opened("5e551011-aaaa")
        assert "project shop-api ▸ session shop-api" in texts(heading(view, NAMES, 100))
        assert way_words(view, NAMES) == "7 days · project shop-api · session shop-api"

    @pytest.mark.parametrize("width", [30, 64, 100])
    def test_a_narrow_heading_keeps_what_is_chosen(self, width: int) -> None:
        lines = heading(SpendView("30 days", "hour_of_day"), {}, width)
        assert "‹30 days›" in texts(lines)
        assert "‹hour of day›" in texts(lines)
        assert max(map(line_cells, lines)) <= width


class TestGraphs:
    def test_hours_of_a_day_are_24_columns(self) -> None:
        *rows, labels = map(line_text, graph(scenes_spend.by_hour_of_day(), "hour_of_day", 100, 30))
        assert labels.split() == [f"{hour:02d}" for hour in range(24)]
        assert rows[0].strip().startswith("$8.20")
        assert rows[-1].strip().startswith("0 ")

    def test_days_that_do_not_fit_fall_off_at_the_old_end(self) -> None:
        labels = line_text(graph(scenes_spend.by_day(), "day", 64, 30)[-1]).split()
        assert labels[-1].startswith("01-")
        assert labels[0].startswith("11-")
        assert max(map(line_cells, graph(scenes_spend.by_day(), "day", 64, 30))) <= 64

    @pytest.mark.parametrize("group", ["model", "session"])
    def test_what_is_no_time_has_no_graph(self, group: c.UsageGroup) -> None:
        assert graph(scenes_spend.by_model(), group, 100, 30) == []

    def test_a_low_screen_has_no_graph(self) -> None:
        assert graph(scenes_spend.by_hour_of_day(), "hour_of_day", 100, 20) == []

    def test_simulated_money_beside_real_money_is_not_drawn(self) -> None:
        days = [cost("2027-01-14", real=100), cost("2027-01-15", real=50, simulated=9_000)]
        top, *_ = map(line_text, graph(report(days), "day", 100, 30))
        assert top.strip().startswith("$1.00")

    def test_simulated_money_alone_is_drawn_with_its_mark(self) -> None:
        days = [cost("2027-01-14", simulated=100), cost("2027-01-15", simulated=50)]
        top, *_ = map(line_text, graph(report(days), "day", 100, 30))
        assert top.strip().startswith("~$1.00")


class TestTheYear:
    @property
    def shown(self) -> Year:
        """In the zone of the tests, which none has yet when the class is made."""
        return year(scenes_spend.by_day(), NOW)

    def test_shades_tell_what_they_stand_for(self) -> None:
        legend = line_text(map_lines(self.shown, TODAY, 100)[-1])
        assert legend.split("  ")[0].strip() == "· nothing"
        assert [part[0] for part in legend.strip().split("  ")] == ["·", "░", "▒", "▓", "█"]

    def test_each_shade_holds_about_a_quarter_of_the_days(self) -> None:
        body = texts(map_lines(self.shown, TODAY, 200)[1:8])
        counts = [body.count(shade) for shade in "░▒▓█"]
        assert max(counts) - min(counts) <= sum(counts) * 0.1

    def test_a_day_without_requests_has_its_own_sign(self) -> None:
        sunday = line_text(map_lines(self.shown, TODAY, 200)[7])
        assert set(sunday.removeprefix(" Sun").split()) == {NOTHING}

    @pytest.mark.parametrize(("width", "weeks"), [(30, 24), (64, 53), (180, 53)])
    def test_the_last_weeks_that_fit_are_shown(self, width: int, weeks: int) -> None:
        monday = line_text(map_lines(self.shown, TODAY, width)[1])
        assert len(monday.removeprefix(" Mon").replace(" ", "")) == weeks
        assert all(line_cells(line) <= width for line in map_lines(self.shown, TODAY, width))

    def test_days_to_come_are_empty(self) -> None:
        saturday = line_text(map_lines(self.shown, TODAY, 64)[6])
        assert len(saturday.rstrip()) < 5 + 53

    def test_the_cursor_reads_without_colour_and_tells_its_day(self) -> None:
        assert CURSOR in line_text(map_lines(self.shown, TODAY, 64)[5])
        assert "Fri 2027-01-15" in line_text(day_line(self.shown, TODAY, 100))
        quiet = TODAY - timedelta(days=5)
        assert "nothing was asked" in line_text(day_line(self.shown, quiet, 100))
        whole = line_text(day_line(self.shown, TODAY, 100))
        assert " out" in whole
        assert line_text(day_line(self.shown, TODAY, len(whole) - 1)) == whole.partition(", ")[0]

    def test_the_cursor_stays_inside_the_map(self) -> None:
        assert moved(self.shown, TODAY, 1, 53) == TODAY
        assert (TODAY - moved(self.shown, TODAY, -9999, 53)).days == 52 * 7 + TODAY.weekday()
        assert moved(self.shown, TODAY, -7, 53) == TODAY - timedelta(days=7)

    def test_the_year_in_one_line(self) -> None:
        assert "days" in line_text(year_facts(self.shown))
        empty = year(c.UsageReport(total=c.Tally(), rows=()), NOW)
        assert line_text(year_facts(empty)) == " Nothing was asked in this year."
        assert texts(map_lines(empty, TODAY, 64)).count(CURSOR) == 1

    def test_simulated_money_alone_is_marked(self) -> None:
        made_up = c.Tally(requests=2, simulated_nano_usd=7 * CENT)
        found = year(report([c.UsageRow(key=TODAY.isoformat(), tally=made_up)]), NOW)
        assert "█" not in line_text(map_lines(found, TODAY, 64)[-1])
        assert "~$0.0700" in line_text(map_lines(found, TODAY, 64)[-1])

    def test_days_without_a_price_are_shown_as_days_with_requests(self) -> None:
        day = (TODAY - timedelta(days=1)).isoformat()
        found = year(report([c.UsageRow(key=day, tally=c.Tally(requests=2, unpriced_requests=2))]), NOW)
        assert "░" in texts(map_lines(found, TODAY, 64)[1:8])


class TestSpeed:
    def test_the_middle_and_the_slow_end_stand_side_by_side(self) -> None:
        rows = scenes_spend.latencies().rows
        text = line_text(LatencyTable(rows, 100).row(rows[0]))
        assert text.split()[:8] == ["opus-4-8", "at", "anthropic", "212", "1.1s", "4.3s", "61", "22"]
        assert "━" in text
        assert "─" in text

    def test_what_is_not_known_is_unknown(self) -> None:
        rows = scenes_spend.latencies().rows
        assert line_text(LatencyTable(rows, 100).row(rows[-1])).split()[-4:] == ["?"] * 4


class TestTheComparison:
    report = scenes_spend.comparison()

    def row(self, model: str) -> c.WhatIfRow:
        return next(row for row in self.report.rows if row.model == model)

    def test_what_it_cost_stands_on_top(self) -> None:
        text = texts(whatif.spent(self.report, 100))
        assert "cost  $4.12" in text
        assert "at list prices $4.12" in text
        assert "80 requests" in text

    def test_list_prices_of_what_was_simulated_are_told_apart(self) -> None:
        mixed = msgspec.structs.replace(self.report, list_simulated_nano_usd=97 * CENT)
        assert "at list prices $4.12 and ~$0.9700" in texts(whatif.spent(mixed, 100))
        assert "at list prices ? and ~$0.9700" in texts(
            whatif.spent(msgspec.structs.replace(mixed, list_nano_usd=None), 100)
        )
        only = msgspec.structs.replace(mixed, list_nano_usd=0)
        narrow = [line_text(each) for each in whatif.spent(mixed, 44)]
        assert narrow[:2] == [" cost  $4.12", " at list prices $4.12 and ~$0.9700"]
        assert "at list prices ~$0.9700" in texts(whatif.spent(only, 100))

    @pytest.mark.parametrize(
        ("real", "simulated", "words"),
        [(None, None, "? and ~?"), (0, None, "~?"), (100 * CENT, None, "$1.00 and ~?"), (None, 0, "?")],
    )
    def test_a_list_price_that_is_not_known_says_whose(
        self, real: int | None, simulated: int | None, words: str
    ) -> None:
        told = msgspec.structs.replace(self.report, list_nano_usd=real, list_simulated_nano_usd=simulated)
        assert f"at list prices {words}\n" in texts(whatif.spent(told, 100)) + "\n"

    @pytest.mark.parametrize(
        ("cost", "words"),
        [(39 * CENT, "0.09×"), (412 * CENT, "1.0×"), (0, "free"), (None, ""), (412 * 10**11, "10,000×")],
    )
    def test_multiples(self, cost: int | None, words: str) -> None:
        assert whatif.times(cost, 412 * CENT) == words

    def test_no_multiple_is_told_where_part_of_the_cost_is_not_known(self) -> None:
        partly = msgspec.structs.replace(self.report.total, unpriced_requests=1)
        unknown = msgspec.structs.replace(self.report, list_nano_usd=None, total=partly)
        assert whatif.times(CENT, whatif.base(unknown)) == ""

    def test_a_misfit_is_marked_and_told(self) -> None:
        assert "▲" in line_text(whatif.WhatIfTable(self.report, 100).row(self.row("qwen/qwen3-coder")))
        assert "longer than its window of 64,000" in texts(whatif.told(self.report, self.row("qwen/qwen3-coder"), 200))
        assert "▲" not in line_text(whatif.WhatIfTable(self.report, 100).row(self.row("claude-sonnet-5")))

    def test_another_tokenizer_is_told_and_the_same_one_is_not(self) -> None:
        assert "tokenizer" in texts(whatif.told(self.report, self.row("openai/gpt-5.5"), 200))
        assert "tokenizer" not in texts(whatif.told(self.report, self.row("claude-sonnet-5"), 200))

    @pytest.mark.parametrize(
        ("share", "words"), [(1.0, "same"), (0.0, "differ"), (0.98, "98% same"), (0.9999, "99% same")]
    )
    def test_how_much_was_counted_alike_is_told(self, share: float, words: str) -> None:
        assert whatif.same_words(share) == words
        row = msgspec.structs.replace(self.row("claude-sonnet-5"), same_tokenizer=share)
        assert words in line_text(whatif.WhatIfTable(self.report, 100).row(row))
        assert ("tokenizer" in texts(whatif.told(self.report, row, 200))) == (share < 1)

    def test_sums_without_detail_are_told(self) -> None:
        rough = msgspec.structs.replace(self.report, rough=True)
        assert "only sums are kept" in texts(whatif.told(rough, self.row("claude-sonnet-5"), 200))

    def test_the_session_in_view_comes_first_then_the_periods(self) -> None:
        found = whatif.subjects(shop_session(), "shop-api", None, NOW)
        assert [each.label for each in found] == ["session shop-api", "today", "7 days", "30 days"]
        assert found[0].choice == c.Choice(session="5e551011-aaaa")
        assert [each.label for each in whatif.subjects(None, "", None, NOW)] == ["today", "7 days", "30 days"]

    @pytest.mark.parametrize("width", [30, 64, 100])
    def test_rows_fit_the_width(self, width: int) -> None:
        table = whatif.WhatIfTable(self.report, width)
        assert max(line_cells(line) for line in (table.titles(), *map(table.row, self.report.rows))) <= width


class TestThePickersColumn:
    compared = would_cost(scenes_spend.comparison())

    def shown(self, width: int, **more: object) -> str:
        choice = ModelChoice(next(model for model in models() if model.id == "claude-sonnet-5"))
        return line_text(model_line(choice, width, present=False, context_tokens=0, **more))  # type: ignore[arg-type]

    @pytest.mark.parametrize("width", [75, 84, 90, 104, 114])
    def test_tells_what_the_session_would_have_cost(self, width: int) -> None:
        assert "$2.47" in self.shown(width, compared=self.compared)
        assert "this session" in line_text(model_titles(width, self.compared))
        assert len(self.shown(width, compared=self.compared)) <= width

    def test_is_away_where_there_is_no_room_or_no_answer(self) -> None:
        assert "$2.47" not in self.shown(74, compared=self.compared)
        assert "this session" not in line_text(model_titles(90))
