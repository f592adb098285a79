"""The cost strip in words: budgets as the engine judges by them, never cut."""

import msgspec
import pytest

from proxy import contract as c
from tests.tui.scenes import DOLLAR, NOW, blank
from tui import actions
from tui.state.burn import Burn
from tui.state.cost import cost_lines, cost_title, provider_lines
from tui.state.header import header
from tui.state.lines import line_cells, line_text
from tui.state.panel import PanelState

SESSION = c.Session(
    id="s", last_at=NOW, tally=c.Tally(requests=1, cost_nano_usd=DOLLAR), context_tokens=1000, context_window=10_000
)


def strip(*budgets: c.Budget, width: int = 46, session: c.Session | None = SESSION, passing: bool = False) -> str:
    """The line about the budget."""
    state = PanelState()
    scene = blank()
    scene.sessions = {session.id: session} if session is not None else {}
    told = scene.snapshot("http://127.0.0.1:8787")
    state.apply(msgspec.structs.replace(told, budgets=budgets, passing=("s",) if passing else ()))
    lines = [line_text(one) for one in cost_lines(state, Burn(), width, 24, NOW)]
    assert all(len(one) <= width for one in lines)
    return next(one for one in lines if one.startswith(" budget"))


def budget(spent: int, limit: int, kind: c.BudgetKind = "session", name: str = "s") -> c.Budget:
    return c.Budget(kind=kind, name=name, limit_nano_usd=limit, spent_nano_usd=spent)


@pytest.mark.parametrize(
    ("spent", "limit", "words"),
    [
        (120 * DOLLAR, 1000 * DOLLAR, " 12% of $1,000"),
        (25 * DOLLAR // 2, 25 * DOLLAR // 2, " 100% of $12.50"),
        (DOLLAR // 100, DOLLAR // 100, " 100% of $0.01"),
        (1049 * DOLLAR, 123_450 * DOLLAR // 100, " 85% of $1,234.50"),
    ],
)
def test_what_is_used_of_a_budget_is_told_in_full(spent: int, limit: int, words: str) -> None:
    assert strip(budget(spent, limit)).endswith(words)


def test_the_engine_s_word_counts_and_not_what_the_session_cost() -> None:
    assert strip(budget(0, DOLLAR)).endswith(" 0% of $1")
    assert strip(budget(4 * DOLLAR, DOLLAR)).endswith(" 400% of $1")


def test_a_budget_of_something_else_that_has_less_left_is_named() -> None:
    whole = budget(0, 10 * DOLLAR)
    assert strip(whole, budget(59 * DOLLAR, 60 * DOLLAR, "day", "2027-01-15")).endswith(" 98% of $60 today")
    assert strip(whole, budget(59 * DOLLAR, 60 * DOLLAR, "month", "2027-01")).endswith(" 98% of $60 month")
    day = budget(59 * DOLLAR, 60 * DOLLAR, "day", "2027-01-15")
    assert strip(day, session=None).endswith(" 98% of $60")


def test_a_narrow_strip_tells_less_of_it_and_cuts_nothing() -> None:
    one = budget(1049 * DOLLAR, 123_450 * DOLLAR // 100, "month", "2027-01")
    told = [strip(one, width=width).split("─")[-1].strip() for width in (42, 36, 26)]
    assert told == ["85% of $1,234.50 month", "85% of $1,234.50", "85%"]


def test_a_session_that_passes_its_budgets_says_so() -> None:
    assert strip(budget(2 * DOLLAR, DOLLAR), passing=True).endswith(" passes budgets")


KEYS = actions.first_keys(actions.effective_keys())
CENT = DOLLAR // 100
MIXED = c.Tally(requests=2, cost_nano_usd=23_430_000, simulated_nano_usd=97_000_000)


def told(*sessions: c.Session, today: c.Tally = MIXED) -> PanelState:
    state, scene = PanelState(), blank()
    scene.sessions, scene.today = {one.id: one for one in sessions}, today
    state.apply(scene.snapshot("http://127.0.0.1:8787"))
    return state


def words(state: PanelState, height: int) -> list[str]:
    """The strip in ``height`` rows."""
    return [line_text(one) for one in cost_lines(state, Burn(), 29, height, NOW)]


def named(name: str, **more: object) -> c.Session:
    return msgspec.structs.replace(SESSION, id=name, project="shop-api", tally=MIXED, **more)


def test_money_is_never_cut_and_what_is_simulated_gives_way() -> None:
    state = told(named("aaaa1111"), named("bbbb2222"))
    lines = [line_text(one) for one in cost_lines(state, Burn(), 29, 30, NOW)]
    rows = [one for one in lines if "aaaa" in one or "bbbb" in one]
    assert len(rows) == 2
    assert all("$0.0234" in row and "…$" not in row and "~" not in row for row in rows)


def test_money_and_its_pace_have_a_line_each_that_stay() -> None:
    burn = Burn(tokens_per_min=166_000, nano_usd_per_hour=1234 * DOLLAR)
    for amount in (0, 5 * DOLLAR, 12_345 * DOLLAR):
        state = told(named("a"), today=c.Tally(cost_nano_usd=amount))
        first, second = (line_text(one) for one in cost_lines(state, burn, 29, 30, NOW)[:2])
        assert "$" in first
        assert "/h" not in first
        assert "$1,234.00/h" in second
        assert second.endswith("166k tok/min")


@pytest.mark.parametrize("width", [28, 29, 30, 36, 39, 45])
def test_the_sum_of_today_keeps_a_gap(width: int) -> None:
    lines = [line_text(one) for one in cost_lines(told(named("a")), Burn(), width, 40, NOW)]
    (today,) = [one for one in lines if " today" in one or "all today" in one]
    assert " $0.0234 and ~$0.0970" in today
    assert len(today) <= width


@pytest.mark.parametrize(("width", "names"), [(29, ("input ", "output ")), (45, ("input tokens ", "output tokens "))])
def test_limits_of_tokens_are_told_apart_in_full(width: int, names: tuple[str, str]) -> None:
    state = told()
    limits = (c.Limit(name="input tokens", used=0.4), c.Limit(name="output tokens", used=0.2))
    first = msgspec.structs.replace(state.providers[0], limits=limits)
    state.apply(c.ProvidersChanged(providers=(first, *state.providers[1:])))
    text = "\n".join(line_text(one) for one in cost_lines(state, Burn(), width, 40, NOW))
    assert all(f"   {name}" in text for name in names)
    assert "…" not in text


def test_a_limit_that_began_anew_keeps_its_line_for_a_while() -> None:
    state = told()
    limits = (c.Limit(name="tokens", used=0.4, resets_at=NOW + 60), c.Limit(name="requests", used=0.2))
    first = msgspec.structs.replace(state.providers[0], limits=limits)
    state.apply(c.ProvidersChanged(providers=(first, *state.providers[1:])))

    def at(moment: float) -> list[str]:
        return [line_text(one) for one in provider_lines(state, 46, 20, moment)]

    before, after, later = at(NOW), at(NOW + 61), at(NOW + 3600)
    assert len(before) == len(after) == len(later) + 1
    assert (before[1].endswith(" 40%"), after[1].endswith(" reset"), "━" in after[1]) == (True, True, False)
    assert before[2] == after[2] == later[1]


def test_a_low_drawer_tells_of_every_provider_before_it_tells_of_more_than_one_limit() -> None:
    state = told()
    limits = tuple(c.Limit(name=name, used=used) for name, used in (("requests", 0.1), ("tokens", 0.4), ("input", 0.2)))
    providers = tuple(msgspec.structs.replace(one, limits=limits) for one in state.providers)
    state.apply(c.ProvidersChanged(providers=providers))
    many = len(providers)

    def at(height: int) -> list[str]:
        return [line_text(one) for one in provider_lines(state, 46, height, NOW)]

    assert len(at(4 * many)) == 4 * many
    assert [one.split()[0] for one in at(2 * many)[1::2]] == ["tokens"] * many
    assert len(at(2 * many - 1)) == many
    assert at(many - 1)[-1] == " … 2 lines more than fit here"


def test_gaps_give_way_before_a_line_does() -> None:
    state = told(*(named(f"{number}") for number in range(8)))
    whole = words(state, 21)
    full = len(whole)
    filled = [each for each in whole if each != " "]
    for height in range(len(filled), full + 1):
        lines = words(state, height)
        assert [each for each in lines if each != " "] == filled
        assert len(lines) == height
    assert words(state, len(filled) - 1)[-1] == " … 2 lines more than fit here"


@pytest.mark.parametrize(("known", "rest"), [(8, 0), (9, 0), (10, 2), (12, 4)])
def test_a_session_is_shown_where_a_line_would_count_it_alone(known: int, rest: int) -> None:
    lines = words(told(*(named(f"{number}") for number in range(known))), 80)
    assert [each.strip() for each in lines if "and " in each and " more" in each] == [f"and {rest} more"] * bool(rest)
    assert sum("shop" in each for each in lines) == known - rest


def test_sessions_that_did_something_lately_are_called_active() -> None:
    assert cost_title(told(named("a"), named("b")), NOW) == "today · 2 active"


@pytest.mark.parametrize("width", [50, 60, 64, 80, 89])
def test_money_in_a_narrow_header_says_whose_it_is_and_is_whole(width: int) -> None:
    burn = Burn(tokens_per_min=18_400, nano_usd_per_hour=6 * DOLLAR)
    for state, whose in ((told(named("a")), "session $0.0234"), (told(named("a"), named("b")), "today $0.0234")):
        first = header(state, burn, width, NOW, KEYS)[0]
        assert whose in line_text(first)
        assert "…" not in line_text(first)
        assert line_cells(first) <= width


def test_an_agent_that_cost_nothing_in_a_simulated_session_is_marked_like_the_others() -> None:
    agents = (
        c.AgentTally(role="main", tally=c.Tally(requests=3, simulated_nano_usd=DOLLAR // 10)),
        c.AgentTally(role="background", tally=c.Tally(requests=1)),
    )
    session = msgspec.structs.replace(SESSION, agents=agents, simulated=True, tally=agents[0].tally)
    lines = [line_text(one) for one in cost_lines(told(session, today=agents[0].tally), Burn(), 46, 40, NOW)]
    rows = [one for one in lines if "main " in one or "background" in one]
    assert [row.count("~$0.") for row in rows] == [1, 1]
