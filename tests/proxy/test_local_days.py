"""Where local days begin, in zones that change their clocks at midnight and in those that do not."""

import sqlite3
import time
from datetime import date, datetime, timedelta

import pytest

from proxy import contract as c
from proxy.last_day import restored_since
from proxy.session_reports import ends_of
from tests.conftest import InZone

ZONES = (
    "Europe/Berlin",
    "America/Santiago",
    "America/Havana",
    "America/Asuncion",
    "Asia/Beirut",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
)
YEAR = tuple(date(2026, 1, 1) + timedelta(days=number) for number in range(365))


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_with_its_first_moment(in_zone: InZone, zone: str) -> None:
    in_zone(zone)
    begins = [c.midnight(day) for day in YEAR]
    assert [c.local_day(moment) for moment in begins] == list(YEAR)
    assert [c.local_day(moment - 1) for moment in begins] == [day - timedelta(days=1) for day in YEAR]


@pytest.mark.parametrize("zone", ["America/Havana", "Atlantic/Azores"])
def test_of_a_first_hour_that_comes_twice_the_first_counts_whatever_was_asked_before(
    in_zone: InZone, zone: str
) -> None:
    in_zone(zone)
    forward = {day: c.midnight(day) for day in YEAR}
    assert {day: c.midnight(day) for day in reversed(YEAR)} == forward


@pytest.mark.parametrize("zone", ZONES)
def test_the_ledger_s_days_begin_at_the_same_moments(in_zone: InZone, zone: str) -> None:
    in_zone(zone)
    ledger = sqlite3.connect(":memory:")
    query = "SELECT strftime('%Y-%m-%d', ?, 'unixepoch', 'localtime')"
    for day in YEAR:
        moment = int(c.midnight(day))
        keys = [ledger.execute(query, (each,)).fetchone()[0] for each in (moment - 1, moment)]
        assert keys == [(day - timedelta(days=1)).isoformat(), day.isoformat()]
    ledger.close()


def test_a_day_of_santiago_that_begins_at_one_o_clock_ends_for_a_forecast_at_its_midnight(in_zone: InZone) -> None:
    in_zone("America/Santiago")
    before = datetime.fromisoformat("2026-09-05T12:00:00").timestamp()
    assert time.localtime(ends_of(before).day)[:5] == (2026, 9, 6, 1, 0)


def test_a_start_in_the_last_hour_of_a_long_day_shows_its_first_hour(in_zone: InZone) -> None:
    in_zone("Europe/Berlin")
    late = datetime.fromisoformat("2026-10-25T23:45:00+01:00").timestamp()
    noon = datetime.fromisoformat("2026-11-26T12:00:00+01:00").timestamp()
    assert late - restored_since(late) == 24.75 * 3600
    assert noon - restored_since(noon) == 24 * 3600
