"""The screen of budgets, by hand of a pilot."""

import msgspec

from proxy import contract as c
from tests.tui import scenes_sessions
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import screen_text, shown, until
from tests.tui.scenes import DOLLAR
from tui.screens.budget import BudgetScreen

SHOP = scenes_sessions.session().id


def working() -> FakeEngine:
    engine = FakeEngine(scenes_sessions.scene())
    engine.budgets = scenes_sessions.budgets()
    return engine


async def test_the_fullest_budget_is_highlighted_at_first() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        assert "A request over budget is refused until more is granted." in screen_text(app)
        assert engine.budget_calls[0] == SHOP


async def test_without_an_engine_only_that_is_said_and_no_longer_when_it_is_back() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        engine.knows_budgets = False
        await pilot.press("b")
        await until(pilot, lambda: "obody knows the budgets" in screen_text(app))
        assert "Asking the engine" not in screen_text(app)
        engine.knows_budgets = True
        assert isinstance(app.screen, BudgetScreen)
        app.screen.ask()
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        assert "obody knows the budgets" not in screen_text(app)


async def test_half_of_the_limit_is_granted_by_two_keys() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        await pilot.press("g")
        await until(pilot, lambda: "grant more for project shop-api, dollars:" in screen_text(app))
        await pilot.press("enter")
        command = c.GrantBudget(kind="project", amount_nano_usd=10 * DOLLAR, project="shop-api")
        assert await engine.told(c.GrantBudget) == [command]
        await until(pilot, lambda: "$10.00 more for project shop-api. Send the message again" in screen_text(app))


async def test_a_grant_goes_to_the_session_that_was_shown_when_it_was_asked_for() -> None:
    async with FakeEngine() as engine, shown(engine) as (app, pilot):
        engine.budgets = of_session("aaaa")
        await pilot.press("b")
        await until(pilot, lambda: "of session aaaa" in screen_text(app))
        await pilot.press("g")
        await until(pilot, lambda: "grant more for session, dollars:" in screen_text(app))
        engine.budgets = of_session("bbbb")
        assert isinstance(app.screen, BudgetScreen)
        app.screen.ask()
        await until(pilot, lambda: "of session bbbb" in screen_text(app))
        await pilot.press("enter")
        granted = c.GrantBudget(kind="session", amount_nano_usd=DOLLAR // 2, session="aaaa")
        assert await engine.told(c.GrantBudget) == [granted]
        assert engine.budget_calls[:2] == [None, "aaaa"]


def of_session(name: str) -> c.BudgetReport:
    budget = c.Budget(kind="session", name=name, limit_nano_usd=DOLLAR, spent_nano_usd=DOLLAR)
    return c.BudgetReport(action="block", budgets=(budget,), session=name)


async def test_another_amount_is_typed() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        await pilot.press("k", "g", *"2.50", "enter")
        assert await engine.told(c.GrantBudget) == [
            c.GrantBudget(kind="session", amount_nano_usd=2_500_000_000, session=SHOP)
        ]


async def test_what_is_no_amount_is_said_and_asked_again() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        await pilot.press("g", *"lots", "enter")
        await until(pilot, lambda: "lots is no amount of dollars such as 20 or 0.5." in screen_text(app))
        assert not engine._of(c.GrantBudget)
        assert app.screen.has_class("-asking")


async def test_escape_leaves_the_amount_first_and_then_the_screen() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        await pilot.press("g", "escape")
        await until(pilot, lambda: "grant more for" not in screen_text(app))
        assert isinstance(app.screen, BudgetScreen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert not engine._of(c.GrantBudget)


async def test_the_session_may_pass_and_then_no_longer() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: "the session passes every budget" in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: "Budgets stop the session again." in screen_text(app))
        assert await engine.told(c.PassBudget, 2) == [
            c.PassBudget(session=SHOP, passing=True),
            c.PassBudget(session=SHOP, passing=False),
        ]


async def test_each_of_two_keys_pressed_at_once_is_carried_out() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        assert isinstance(app.screen, BudgetScreen)
        app.screen.action_let_pass()
        app.screen.action_let_pass()
        await until(pilot, lambda: len(engine._of(c.PassBudget)) == 2)


async def test_an_amount_of_cents_is_told_as_it_was_typed() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        await pilot.press("g", *"0.5", "enter")
        await until(pilot, lambda: "$0.50 more for project shop-api." in screen_text(app))


async def test_an_amount_is_set_and_taken_away() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        await pilot.press("j", "e")
        await until(pilot, lambda: "Each day may cost, dollars (off: no limit):" in screen_text(app))
        await pilot.press(*"80", "enter")
        await until(pilot, lambda: "Each day may cost $80.00 from now on." in screen_text(app))
        await pilot.press("e", *"off", "enter")
        assert await engine.told(c.SetBudget, 2) == [
            c.SetBudget(kind="day", amount_nano_usd=80 * DOLLAR),
            c.SetBudget(kind="day"),
        ]


async def test_a_budget_without_an_amount_says_which_key_sets_one() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        await pilot.press("j", "j", "g")
        await until(pilot, lambda: "nothing to grant more of: e sets one." in screen_text(app))


async def test_what_the_engine_refuses_is_said() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        await pilot.press("b")
        await until(pilot, lambda: "spent      $20.04" in screen_text(app))
        engine.refusal = c.Refusal(code="no_budget", message="no project budget is set")
        await pilot.press("g", "enter")
        await until(pilot, lambda: "No project budget is set" in screen_text(app))


async def test_the_header_names_the_key_when_a_budget_refuses_requests() -> None:
    async with working() as engine, shown(engine) as (app, pilot):
        words = "the project budget of shop-api of $20.00 is used up"
        snapshot = engine.snapshot()
        engine.emit(c.EngineChanged(engine=snapshot.engine, used_up=(words,)))
        await until(pilot, lambda: "shop-api of $20.00 is used up. Press b for more." in screen_text(app))
        engine.emit(msgspec.structs.replace(snapshot, used_up=()))
        await until(pilot, lambda: "Press b" not in screen_text(app))
