"""The sums of budgets over days, months, clocks that jump, and a ledger that is asked meanwhile."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy import contract as c
from proxy.budgets import Budgets
from proxy.ledger.queries import LedgerReader
from proxy.ledger.writer import LedgerWriter
from proxy.protocol.budget import Scope
from proxy.settings import BudgetSettings
from tests.proxy.budgeting import DOLLAR, TURN_COSTS


class Clock:
    """Stands still until the test moves it."""

    def __init__(self, text: str) -> None:
        self.at(text)

    def at(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).astimezone().timestamp()

    def __call__(self) -> float:
        return self.now


def ended(clock: Clock, number: int) -> c.Request:
    return c.Request(id=f"r{number}", started_at=clock.now, session_id="s1", phase="done", cost_nano_usd=TURN_COSTS)


async def test_midnight_and_the_turn_of_the_month_begin_new_sums(tmp_path: Path) -> None:
    clock = Clock("2026-11-30 23:59:59")
    amounts = BudgetSettings(day_usd=Decimal(1), month_usd=Decimal(1), session_usd=Decimal(1))
    budgets = Budgets(
        tmp_path / "budget.json", amounts, LedgerReader(tmp_path / "none"), lambda: True, clock, lambda _: None
    )
    budgets.grant(budgets.today(), DOLLAR)
    budgets.ended(ended(clock, 1))
    clock.at("2026-12-01 00:00:01")
    budgets.ended(ended(clock, 2))

    views = {scope: budgets.view(scope) for scope in budgets.scopes("s1", None)}
    assert {scope.kind: view.spent_nano_usd for scope, view in views.items()} == {
        "session": 2 * TURN_COSTS,
        "day": TURN_COSTS,
        "month": TURN_COSTS,
    }
    assert views[Scope("day", "2026-12-01")].limit_nano_usd == DOLLAR


async def test_a_request_over_midnight_belongs_to_the_day_on_which_it_began(tmp_path: Path) -> None:
    clock = Clock("2026-11-20 23:59:59")
    amounts = BudgetSettings(day_usd=Decimal(1))
    budgets = Budgets(
        tmp_path / "budget.json", amounts, LedgerReader(tmp_path / "none"), lambda: True, clock, lambda _: None
    )
    request = ended(clock, 1)
    clock.at("2026-11-21 00:00:05")
    budgets.ended(request)
    assert budgets.view(budgets.today()).spent_nano_usd == 0
    assert budgets.view(Scope("day", "2026-11-20")).spent_nano_usd == TURN_COSTS


async def test_the_ledger_tells_what_earlier_engines_spent_today_and_this_month(tmp_path: Path) -> None:
    clock = Clock("2026-11-01 12:00:00")
    writer = LedgerWriter(tmp_path / "ledger.sqlite3")
    writer.start()
    for number, text in enumerate(("2026-10-31 23:59:59", "2026-11-01 00:00:00", "2026-11-21 00:00:00")):
        clock.at(text)
        writer.record(msgspec.structs.replace(ended(clock, number), outcome="served"))
    writer.close()
    clock.at("2026-11-21 08:00:00")
    amounts = BudgetSettings(day_usd=Decimal(1), month_usd=Decimal(1), session_usd=Decimal(1))
    reader = LedgerReader(tmp_path / "ledger.sqlite3")
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, lambda: True, clock, lambda _: None)

    under = budgets.scopes("s1", None)
    await budgets.know(under)

    assert [budgets.view(scope).spent_nano_usd // TURN_COSTS for scope in under] == [3, 1, 2]


@pytest.mark.parametrize("ahead_s", [600.0, -7200.0])
async def test_a_clock_that_is_set_right_after_the_start_counts_nothing_twice_and_nothing_not_at_all(
    tmp_path: Path, ahead_s: float
) -> None:
    clock = Clock("2026-11-21 12:00:00")
    writer = LedgerWriter(tmp_path / "ledger.sqlite3")
    writer.start()
    writer.record(msgspec.structs.replace(ended(clock, 0), outcome="served", started_at=clock.now - 60))
    writer.flush()
    clock.now += ahead_s
    reader, amounts = LedgerReader(tmp_path / "ledger.sqlite3"), BudgetSettings()
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, writer.flush, clock, lambda _: None)
    clock.now -= ahead_s
    for number in (1, 2, 3):
        request = msgspec.structs.replace(ended(clock, number), outcome="served")
        writer.record(request)
        budgets.ended(request)

    budgets.set("day", None, DOLLAR)
    await budgets.know([budgets.today()])
    learned = budgets.view(budgets.today()).spent_nano_usd
    budgets.ended(ended(clock, 4))
    writer.close()

    assert (learned, budgets.view(budgets.today()).spent_nano_usd) == (4 * TURN_COSTS, 5 * TURN_COSTS)


async def test_what_ends_while_the_ledger_is_asked_counts_once(tmp_path: Path) -> None:
    clock = Clock("2026-11-21 12:00:00")
    writer = LedgerWriter(tmp_path / "ledger.sqlite3")
    writer.start()

    def another(number: int) -> None:
        request = msgspec.structs.replace(ended(clock, number), outcome="served")
        writer.record(request)
        budgets.ended(request)

    class Busy(LedgerReader):
        asked = 0

        def spent(self, since: float, until: float, **choice: Any) -> tuple[int, int]:
            self.asked += 1
            if self.asked == 1:
                another(1)
                writer.flush()
            return super().spent(since, until, **choice)

    reader = Busy(tmp_path / "ledger.sqlite3")
    amounts = BudgetSettings(day_usd=Decimal(1))
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, writer.flush, clock, lambda _: None)
    await budgets.know([budgets.today()])
    writer.close()
    assert (reader.asked, budgets.view(budgets.today()).spent_nano_usd) == (2, TURN_COSTS)


async def test_a_threshold_that_an_ended_request_crosses_while_the_ledger_is_asked_is_told_once(tmp_path: Path) -> None:
    clock = Clock("2026-11-21 12:00:00")

    class Busy(LedgerReader):
        asked = 0

        def spent(self, since: float, until: float, **choice: Any) -> tuple[int, int]:
            self.asked += 1
            if self.asked == 2:
                budgets.ended(ended(clock, 1))
            return super().spent(since, until, **choice)

    told: list[str] = []
    amounts = BudgetSettings(day_usd=Decimal("0.01"))
    budgets = Budgets(tmp_path / "budget.json", amounts, Busy(tmp_path / "none"), lambda: True, clock, told.append)
    await budgets.know([budgets.today()])

    await budgets.ask_again()

    assert len(told) == 1


async def test_a_session_that_is_gone_is_asked_for_when_somebody_wants_to_know_it(tmp_path: Path) -> None:
    clock = Clock("2026-11-21 12:00:00")
    writer = LedgerWriter(tmp_path / "ledger.sqlite3")
    writer.start()

    class Counting(LedgerReader):
        asked = 0

        def spent(self, since: float, until: float, **choice: Any) -> tuple[int, int]:
            self.asked += 1
            return super().spent(since, until, **choice)

    reader, amounts = Counting(tmp_path / "ledger.sqlite3"), BudgetSettings(session_usd=Decimal(1))
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, writer.flush, clock, lambda _: None)
    gone, present = Scope("session", "s1"), Scope("session", "s2")
    await budgets.know([gone, present])
    request = msgspec.structs.replace(ended(clock, 1), outcome="served")
    writer.record(request)
    budgets.ended(request)

    await budgets.forget_all_but([present])
    asked = reader.asked
    await budgets.ask_again()

    assert (reader.asked - asked, budgets.known(gone), budgets.known(present)) == (1, False, True)
    await budgets.know([gone])
    assert budgets.view(gone).spent_nano_usd == TURN_COSTS
    writer.close()


async def test_what_the_ledger_has_not_got_yet_is_not_forgotten(tmp_path: Path) -> None:
    clock = Clock("2026-11-21 12:00:00")
    reader, amounts = LedgerReader(tmp_path / "none"), BudgetSettings(session_usd=Decimal(1))
    budgets = Budgets(tmp_path / "budget.json", amounts, reader, lambda: False, clock, lambda _: None)
    budgets.ended(ended(clock, 1))

    await budgets.forget_all_but([])

    assert budgets.view(Scope("session", "s1")).spent_nano_usd == TURN_COSTS
