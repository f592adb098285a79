"""Where one is in the sums: periods, groupings, opened groups, spans of time."""

import time

import pytest

from proxy.contract import Choice, UsageGroup, midnight
from tests.conftest import InZone
from tests.tui.scenes import NOW
from tui.state.periods import PERIODS, axis, since, span_of
from tui.state.spend import GROUPS, INSIDE, SpendView, Step

DAY = 86_400.0
TODAY = NOW - 8 * 3600
"""The scenes play on Friday, 15 January 2027, at eight in the morning."""


class TestPeriods:
    @pytest.mark.parametrize(
        ("period", "days"), [("today", 0), ("7 days", 6), ("30 days", 29), ("this month", 14), ("year", 364)]
    )
    def test_begin_at_midnight(self, period: str, days: int) -> None:
        assert since(period, NOW) == TODAY - days * DAY  # type: ignore[arg-type]

    def test_all_has_no_beginning(self) -> None:
        assert since("all", NOW) is None


class TestSpans:
    @pytest.mark.parametrize(
        ("group", "key", "begin", "days"),
        [
            ("day", "2027-01-15", TODAY, 1),
            ("week", "2027-W02", TODAY - 4 * DAY, 7),
            ("week", "2026-W53", TODAY - 18 * DAY, 7),
            ("month", "2027-01", TODAY - 14 * DAY, 31),
            ("month", "2026-12", TODAY - 45 * DAY, 31),
        ],
    )
    def test_a_key_of_a_time_names_its_span(self, group: UsageGroup, key: str, begin: float, days: int) -> None:
        assert span_of(group, key) == (begin, begin + days * DAY)

    def test_an_hour_is_an_hour(self) -> None:
        assert span_of("hour", "2027-01-15 07:00") == (NOW - 3600, NOW)

    @pytest.mark.parametrize(
        ("zone", "key", "hours"),
        [
            ("Europe/Berlin", "2026-10-25 02:00", 2.0),
            ("Europe/Berlin", "2026-10-25 01:00", 1.0),
            ("Europe/Berlin", "2026-10-25 03:00", 1.0),
            ("Australia/Lord_Howe", "2026-04-05 01:00", 1.5),
            ("Australia/Lord_Howe", "2026-10-04 02:00", 0.5),
            ("Asia/Kathmandu", "2026-10-25 02:00", 1.0),
        ],
    )
    def test_an_hour_that_comes_twice_is_opened_with_both(
        self, in_zone: InZone, zone: str, key: str, hours: float
    ) -> None:
        in_zone(zone)
        span = span_of("hour", key)
        assert span is not None
        assert span[1] - span[0] == hours * 3600
        inside = [time.strftime("%Y-%m-%d %H:00", time.localtime(each)) for each in (span[0], span[1] - 1)]
        outside = [time.strftime("%Y-%m-%d %H:00", time.localtime(each)) for each in (span[0] - 1, span[1])]
        assert (inside, key in outside) == ([key, key], False)

    def test_an_hour_that_was_left_out_names_no_span(self, in_zone: InZone) -> None:
        in_zone("Europe/Berlin")
        assert span_of("hour", "2026-03-29 02:00") is None

    @pytest.mark.parametrize(
        ("group", "key"), [("hour_of_day", "14"), ("model", "x"), ("day", "yesterday"), ("day", "")]
    )
    def test_what_names_no_span_has_none(self, group: UsageGroup, key: str) -> None:
        assert span_of(group, key) is None


class TestAxes:
    def test_days_without_requests_are_not_left_out(self) -> None:
        assert axis("day", ["2027-01-03", "2026-12-31"], 9) == ["2026-12-31", "2027-01-01", "2027-01-02", "2027-01-03"]

    def test_weeks_go_over_the_end_of_a_year(self) -> None:
        assert axis("week", ["2026-W52", "2027-W01"], 9) == ["2026-W52", "2026-W53", "2027-W01"]

    def test_months_and_hours_follow_each_other(self) -> None:
        assert axis("month", ["2026-11", "2027-01"], 9) == ["2026-11", "2026-12", "2027-01"]
        assert axis("hour", ["2026-12-31 23:00", "2027-01-01 01:00"], 9) == [
            "2026-12-31 23:00",
            "2027-01-01 00:00",
            "2027-01-01 01:00",
        ]

    def test_the_last_ones_are_kept(self) -> None:
        assert axis("day", ["2020-01-01", "2027-01-03"], 2) == ["2027-01-02", "2027-01-03"]

    def test_a_day_always_has_all_its_hours(self) -> None:
        assert len(axis("hour_of_day", ["14"], 3)) == 24

    def test_nothing_has_no_axis(self) -> None:
        assert axis("day", [], 9) == []


class TestOpening:
    def test_an_opened_group_is_a_filter(self) -> None:
        view = SpendView("all", "project").opened("shop-api").opened("s-1")
        assert view.choice(NOW) == Choice(project="shop-api", session="s-1")
        assert view.group == "model"

    def test_a_group_without_a_name_is_a_filter_too(self) -> None:
        assert SpendView("all", "project").opened("").choice(NOW) == Choice(project="")

    def test_an_opened_day_narrows_the_period(self) -> None:
        view = SpendView("30 days", "day").opened("2027-01-14")
        assert view.choice(NOW) == Choice(since=TODAY - DAY, until=TODAY)

    def test_a_month_that_began_before_the_period_keeps_the_periods_beginning(self) -> None:
        view = SpendView("30 days", "month").opened("2026-12")
        assert view.choice(NOW) == Choice(since=TODAY - 29 * DAY, until=TODAY - 14 * DAY)

    def test_going_up_returns_to_where_a_group_was_opened(self) -> None:
        view = SpendView("year", "project")
        assert view.opened("shop-api").opened("s-1").up() == view.opened("shop-api")
        assert view.opened("shop-api").up() == view
        assert view.up() is None

    @pytest.mark.parametrize("group", GROUPS)
    def test_every_way_in_ends_at_the_requests(self, group: UsageGroup) -> None:
        view = SpendView("all", group)
        for _ in GROUPS:
            inside = view.inside()
            if inside is None:
                break
            view = view.opened("2027-01-15" if inside == "hour" else "x")
        assert view.inside() is None

    def test_a_project_is_not_asked_for_inside_a_session(self) -> None:
        assert SpendView("all", "session").opened("s-1").inside() is None

    def test_an_hour_of_many_days_cannot_be_opened(self) -> None:
        assert not SpendView("all", "hour_of_day").can_open("14")
        assert SpendView("all", "day").can_open("2027-01-15")
        assert not SpendView("all", "day").can_open("someday")
        assert SpendView("all", "model").can_open("")

    def test_a_day_of_the_map_is_inside_the_other_filters(self) -> None:
        view = SpendView("today", "model", (Step("day", "2027-01-01"), Step("project", "shop-api")))
        assert view.on("2026-06-01").steps == (Step("project", "shop-api"), Step("day", "2026-06-01"))
        assert view.on("2026-06-01").choice(NOW).since == midnight_of("2026-06-01")


class TestMoving:
    def test_the_groupings_go_round(self) -> None:
        view = SpendView()
        for _ in GROUPS:
            view = view.next_group(1)
        assert view == SpendView()
        assert view.next_group(-1).group == GROUPS[-1]

    def test_what_is_settled_is_left_out(self) -> None:
        view = SpendView("all", "session").opened("s-1")
        seen = set()
        for _ in GROUPS:
            view = view.next_group(1)
            seen.add(view.group)
        assert seen == set(GROUPS) - {"session", "project"}

    def test_the_periods_go_round(self) -> None:
        view = SpendView()
        assert [view := view.next_period(1) for _ in PERIODS][-1] == SpendView()


def test_every_grouping_has_an_inside() -> None:
    assert set(INSIDE) == set(GROUPS)


def midnight_of(day: str) -> float:
    from datetime import date

    return midnight(date.fromisoformat(day))
