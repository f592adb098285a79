"""Detours, limits and trails in words."""

import msgspec
import pytest

from proxy import contract as c
from tests.tui import scenes
from tests.tui.scenes import NOW, OVERLOADED, live, rescued, served
from tui import actions
from tui.state.burn import Burn
from tui.state.detail import detail_lines
from tui.state.detour import detours
from tui.state.header import header
from tui.state.limits import limit_warning, nearest, reset_words
from tui.state.lines import line_text
from tui.state.panel import PanelState
from tui.state.provider_view import traffic
from tui.state.rows import row
from tui.state.trouble import detours_of, troubles

ROUTE = c.Route(default="anthropic", chain=("openrouter",))
DOWN = scenes.at_work().providers
WELL = (msgspec.structs.replace(DOWN[0], health="ok", health_text=None, retry_at=None), *DOWN[1:])
AROUND = rescued("anthropic/claude-opus-4.8")
SKIPPED = msgspec.structs.replace(
    OVERLOADED, outcome="skipped", status=None, reason="anthropic: overloaded (529); next try in 9 s", duration_ms=0.0
)


def skipped(reason: str | None = None) -> dict[str, object]:
    first = msgspec.structs.replace(SKIPPED, reason=reason or SKIPPED.reason)
    return AROUND | {"attempts": (first, AROUND["attempts"][1])}


def test_a_detour_lasts_from_the_first_request_of_the_row_to_the_latest() -> None:
    newest_first = [live(5, 1, **AROUND), served(4, 10, **skipped()), served(3, 20, **AROUND), served(2, 30)]
    (detour,) = detours([*newest_first, served(1, 40, **AROUND)], DOWN, ROUTE, NOW)
    assert (detour.first_choice, detour.serving, detour.since) == ("anthropic", "openrouter", NOW - 20)
    assert detour.retry_at == NOW + 24


def test_a_detour_ends_with_the_first_request_that_the_first_choice_serves() -> None:
    assert detours([served(2, 1), served(1, 9, **AROUND)], DOWN, ROUTE, NOW) == []


def test_a_detour_ends_when_the_first_choice_is_well_again() -> None:
    assert detours([served(1, 9, **AROUND)], WELL, ROUTE, NOW) == []


def test_a_well_provider_that_is_passed_by_is_told_with_the_reason() -> None:
    small = skipped("anthropic: claude-opus-4-8 is too small: about 300,000 tokens of 200,000")
    (detour,) = detours([served(1, 9, **small)], WELL, ROUTE, NOW)
    assert detour.passed_by
    assert detour.why == "claude-opus-4-8 is too small: about 300,000 tokens of 200,000"
    assert detours([served(1, 900, **small)], WELL, ROUTE, NOW) == []


def test_the_detail_of_a_fallback_says_who_did_not_serve_and_why() -> None:
    state = PanelState()
    state.apply(scenes.at_work().snapshot("http://127.0.0.1:8787"))
    lines = [line_text(one) for one in detail_lines(state, c.Detail(request=served(3, 20, **AROUND)), 90, NOW)]
    (why,) = [one for one in lines if one.strip().startswith("why")]
    assert why.split("why")[1].strip().startswith("fallback: anthropic: Overloaded")
    assert " attempts" in lines


def test_requests_that_wait_fail_or_count_say_nothing_about_a_detour() -> None:
    silent = [live(4, 1, phase="waiting"), served(3, 2, outcome="failed"), served(2, 3, kind="count_tokens")]
    assert len(detours([*silent, served(1, 9, **AROUND)], DOWN, ROUTE, NOW)) == 1


@pytest.mark.parametrize(
    "route", [c.Route(default="anthropic", fallback_enabled=False), c.Route(default="openrouter")], ids=["off", "moved"]
)
def test_there_is_no_detour_with_fallback_off_or_another_first_choice(route: c.Route) -> None:
    assert detours([served(1, 9, **AROUND)], DOWN, route, NOW) == []


def test_the_countdown_of_an_old_skip_is_not_told() -> None:
    assert detours([served(1, 9, **skipped())], DOWN, ROUTE, NOW)[0].why == "overloaded (529)"


def test_a_skipped_first_choice_marks_the_row_as_a_detour() -> None:
    request = live(1, 2, phase="waiting", **(skipped() | {"served_model": None}))
    assert "⇄openrouter" in line_text(row(request, 100, NOW, None, 0))


def test_a_request_that_no_target_takes_says_so() -> None:
    request = served(1, 5, outcome="failed", status=529, attempts=(SKIPPED,))
    assert "529 no target takes it" in line_text(row(request, 100, NOW, None, 0))


def test_a_resting_first_choice_is_a_trouble_with_the_way_back() -> None:
    scene = scenes.at_work()
    scene.providers = (msgspec.structs.replace(DOWN[0], resting=True), *DOWN[1:])
    state = PanelState()
    state.apply(scene.snapshot("http://127.0.0.1:8787"))
    text = troubles(state, NOW, actions.first_keys(actions.effective_keys()))[0].text
    assert text.startswith("anthropic rests. Press p to take it back. Serving from openrouter since ")


def test_a_providers_name_is_said_once() -> None:
    scene = scenes.at_work()
    twice = msgspec.structs.replace(DOWN[0], health_text="anthropic: anthropic: overloaded")
    scene.providers = (twice, *DOWN[1:])
    state = PanelState()
    state.apply(scene.snapshot("http://127.0.0.1:8787"))
    assert troubles(state, NOW, {"provider": "p", "fallback": "f"})[0].text.startswith("anthropic: overloaded, next")


def test_the_limit_with_the_highest_share_is_warned_of() -> None:
    limits = (c.Limit(name="5h", used=0.62), c.Limit(name="week", used=0.9, resets_at=NOW + 7200))
    provider = msgspec.structs.replace(WELL[0], limits=limits)
    assert limit_warning(provider, NOW) == "90% of the week limit used, resets 10:00, in 2 h 00 min."
    assert limit_warning(msgspec.structs.replace(WELL[0], limits=limits[:1]), NOW) == ""


def test_the_providers_own_warning_counts_below_our_mark() -> None:
    warned = msgspec.structs.replace(WELL[0], limits=(c.Limit(name="5h", used=0.7, status="allowed_warning"),))
    assert limit_warning(warned, NOW).startswith("70% of the 5h limit used")


def ruling(*limits: c.Limit) -> c.Provider:
    return msgspec.structs.replace(WELL[0], limits=limits)


def test_the_limit_that_the_provider_says_decides_is_the_one_that_is_warned_of() -> None:
    warned = c.Limit(name="5h", used=0.8, status="allowed_warning", rules=True)
    assert limit_warning(ruling(warned, c.Limit(name="week", used=0.84)), NOW).startswith("80% of the 5h limit used")
    near = c.Limit(name="5h", used=0.95, rules=True)
    assert limit_warning(ruling(near, c.Limit(name="week", used=0.97)), NOW).startswith("95% of the 5h limit used")
    calm = c.Limit(name="5h", used=0.2, rules=True)
    assert limit_warning(ruling(calm, c.Limit(name="week", used=0.97)), NOW) == ""


def test_a_limit_that_was_reset_since_is_not_told() -> None:
    assert nearest((c.Limit(name="5h", used=1.0, resets_at=NOW - 1),), NOW) is None
    assert reset_words(c.Limit(name="5h", used=1.0), NOW) == ""


def test_a_key_with_room_left_means_no_warning_for_its_provider() -> None:
    full, free = (c.Limit(name="requests", used=share) for share in (0.99, 0.1))
    keys = (c.Key(name="a", limits=(full,)), c.Key(name="b", limits=(free,)))
    assert limit_warning(msgspec.structs.replace(WELL[0], keys=keys), NOW) == ""


def test_traffic_is_shared_by_what_was_answered_in_the_last_hour() -> None:
    lately = [live(4, 0), served(3, 1, **AROUND), served(2, 2), served(1, 3, outcome="failed")]
    newest_first = [*lately, served(0, 4000)]
    known = traffic(newest_first, NOW)
    assert (known.share("anthropic"), known.share("openrouter"), known.share("ollama")) == (0.5, 0.5, 0.0)
    assert traffic((), NOW).share("anthropic") is None


def test_the_detail_tells_every_attempt_with_key_reason_and_changes() -> None:
    tried = c.Attempt(
        provider="openrouter",
        model="anthropic/claude-opus-4.8",
        outcome="served",
        status=200,
        duration_ms=8000,
        key="sk-or…4f2a",
        changed=("2 thinking blocks of anthropic left out",),
    )
    request = served(1, 9, attempts=(SKIPPED, tried), provider="openrouter")
    text = "\n".join(line_text(one) for one in detail_lines(PanelState(), c.Detail(request=request), 100, NOW))
    assert "↷ anthropic/claude-opus-4-8" in text
    assert "overloaded (529); next try in 9 s" in text
    assert "8.0s  200 served  with key sk-or…4f2a" in text
    assert "changed: 2 thinking blocks of anthropic left out" in text


def test_an_answer_that_broke_off_shows_its_output_as_an_estimate() -> None:
    usage = c.Usage(input_tokens=1000, output_tokens=4179)
    left = served(1, 9, outcome="cancelled", usage=usage, usage_estimated=True, output_estimated=True)
    assert " ~4.2k " in line_text(row(left, 140, NOW, None, 0))
    text = "\n".join(line_text(one) for one in detail_lines(PanelState(), c.Detail(request=left), 100, NOW))
    assert " ~4,179\n" in text
    assert "output estimated by the text that came: the answer broke off" in text
    running = line_text(row(live(2, 1, usage=usage, usage_estimated=True), 140, NOW, None, 0))
    assert " 4.2k " in running


def test_an_answer_of_which_nothing_came_has_no_bill_that_anybody_told() -> None:
    left = served(1, 9, outcome="cancelled", usage=c.Usage(), cost_nano_usd=0, cost_source="free")
    text = "\n".join(line_text(one) for one in detail_lines(PanelState(), c.Detail(request=left), 100, NOW))
    assert "nothing of the answer came: no bill is known" in text


def test_what_passed_a_provider_before_the_engine_began_is_over() -> None:
    scene = scenes.at_work()
    state = PanelState("http://127.0.0.1:8787")
    state.apply(scene.snapshot("http://127.0.0.1:8787"))
    assert detours_of(state, NOW)
    assert state.engine is not None
    state.engine = msgspec.structs.replace(state.engine, started_at=NOW + 1)
    assert detours_of(state, NOW) == []


GROUP = c.Route(default="pool", groups={"pool": ("anthropic", "openrouter")})


def panel(route: c.Route, *requests: c.Request, providers: tuple[c.Provider, ...] = DOWN) -> PanelState:
    scene = scenes.blank()
    scene.providers, scene.route = providers, route
    scene.requests = {request.id: request for request in requests}
    state = PanelState()
    state.apply(scene.snapshot("http://127.0.0.1:8787"))
    return state


def head(state: PanelState, line: int = 0, width: int = 120) -> str:
    keys = actions.first_keys(actions.effective_keys())
    return line_text(header(state, Burn(), width, NOW, keys)[line])


def test_who_is_passed_by_is_told_in_fewer_words_in_a_narrow_header() -> None:
    state = panel(ROUTE, served(1, 9, **skipped("anthropic: too small")), providers=WELL)
    assert " ⇄ anthropic is passed by since 07:59:51, openrouter serves: too small." in head(state, 1)
    assert head(state, 1, 58).strip() == "⇄ anthropic is passed by: openrouter serves."


def test_a_detour_within_a_group_that_is_the_default_is_told() -> None:
    (detour,) = detours([served(1, 9, **AROUND)], DOWN, GROUP, NOW)
    assert (detour.first_choice, detour.serving) == ("anthropic", "openrouter")
    state = panel(GROUP, served(1, 9, **AROUND))
    assert "as asked ▸ pool   ⇄ now openrouter" in head(state)
    assert "Serving from openrouter since" in troubles(state, NOW, {"provider": "p", "fallback": "f"})[0].text


def test_a_group_that_is_the_default_says_that_its_others_follow() -> None:
    assert "⇄ fallback on ▸ others of pool" in head(panel(GROUP, providers=WELL))


def test_another_member_of_a_group_is_the_one_that_serves_next() -> None:
    route = msgspec.structs.replace(GROUP, chain=("ollama",))
    state = panel(route)
    assert "openrouter serves the next request." in troubles(state, NOW, {"provider": "p", "fallback": "f"})[0].text


def test_a_member_of_a_group_that_serves_nothing_is_not_the_one_that_serves_next() -> None:
    idle = tuple(msgspec.structs.replace(one, serves_nothing=one.name == "openrouter") for one in DOWN)
    state = panel(msgspec.structs.replace(GROUP, chain=("ollama",)), providers=idle)
    assert "ollama serves the next request." in troubles(state, NOW, {"provider": "p", "fallback": "f"})[0].text


def test_limits_in_the_header_name_their_providers_where_there_are_several() -> None:
    limits = ((c.Limit(name="5h", used=0.9),), (c.Limit(name="5h", used=0.62),), ())
    limited = tuple(msgspec.structs.replace(one, limits=told, keys=()) for one, told in zip(WELL, limits, strict=True))
    both = head(panel(GROUP, providers=limited), width=140)
    assert both.rstrip().endswith("anthropic 5h 90% · openrouter 5h 62%")
    assert head(panel(ROUTE, providers=limited), width=140).rstrip().endswith("  5h 90%")


def test_a_detour_of_a_model_picked_in_the_client_is_told_while_it_is_fresh() -> None:
    route = c.Route(default="ollama", chain=("openrouter",))
    picked = AROUND | {"asked_model": "anthropic/anthropic/claude-opus-4-8"}
    (detour,) = detours([served(2, 1, provider="ollama", attempts=()), served(1, 9, **picked)], DOWN, route, NOW)
    assert (detour.first_choice, detour.serving) == ("anthropic", "openrouter")
    assert detours([served(1, 900, **picked)], DOWN, route, NOW) == []
    assert detours([served(1, 9, **AROUND)], DOWN, route, NOW) == []


def test_a_choice_that_is_gone_is_not_what_the_header_tells() -> None:
    route = c.Route(
        default="anthropic", overrides=(c.Override(provider="gone"), c.Override(provider="gone", slot="opus"))
    )
    text = head(panel(route, providers=WELL))
    assert ("as asked ▸ anthropic" in text, "gone" in text) == (True, False)


def test_who_serves_nothing_is_not_told_as_the_one_that_follows() -> None:
    idle = tuple(msgspec.structs.replace(one, serves_nothing=one.name == "openrouter") for one in WELL)
    assert "⇄ fallback on, no other provider" in head(panel(ROUTE, providers=idle))


@pytest.mark.parametrize("reason", ["overloaded, try again in 3 h 20 min", "overloaded; next try in 9 s"])
def test_no_countdown_that_has_gone_on_since_is_told(reason: str) -> None:
    assert detours([served(1, 9, **skipped(f"anthropic: {reason}"))], DOWN, ROUTE, NOW)[0].why == "overloaded"


def test_a_request_that_does_not_fit_passes_a_provider_by_whatever_its_health() -> None:
    small = msgspec.structs.replace(SKIPPED, reason="anthropic: too small", unfit=True)
    request = served(1, 9, **(AROUND | {"attempts": (small, AROUND["attempts"][1])}))
    (detour,) = detours([request], DOWN, ROUTE, NOW)
    assert detour.passed_by


def test_another_model_at_the_same_provider_serves_though_the_provider_is_well() -> None:
    route = c.Route(default="anthropic", chain=("anthropic/claude-sonnet-4-5",))
    sonnet = c.Attempt(provider="anthropic", model="claude-sonnet-4-5", outcome="served", status=200)
    away = served(1, 9, attempts=(OVERLOADED, sonnet))
    (detour,) = detours([away], WELL, route, NOW)
    assert detour.serving == "anthropic/claude-sonnet-4-5"
    assert "⇄ fallback on ▸ anthropic/claude-sonnet-4-5" in head(panel(route, providers=WELL))
    assert "⇄ now anthropic/claude-sonnet-4-5" in head(panel(route, away, providers=WELL))
