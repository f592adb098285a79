"""Troubles, rows, pickers and the footer in words."""

import msgspec
import pytest

from proxy import contract as c
from tests.tui.scenes import DOLLAR, NOW, at_work, blank, live, models, rescued, served
from tui import actions
from tui.screens.help import HelpScreen
from tui.screens.main import PINNED
from tui.state.burn import Burn
from tui.state.choices import (
    ModelChoice,
    Scope,
    is_present,
    list_states,
    model_choices,
    model_line,
    model_titles,
    named_line,
    present_override,
    scopes,
    small_warning,
    too_small,
)
from tui.state.detail import detail_lines
from tui.state.empty import empty_lines
from tui.state.formats import duration
from tui.state.fuzzy import score
from tui.state.header import header
from tui.state.keys_line import KeyHint, keys_line, said_lines
from tui.state.lines import Piece, line, line_cells, line_text, spread
from tui.state.panel import PanelState, next_notice
from tui.state.requests import Filter
from tui.state.rows import layout, row, state_words, titles
from tui.state.stream_title import stream_title
from tui.state.text import cells
from tui.state.titles import requests_title
from tui.state.trouble import troubles

URL = "http://127.0.0.1:8787"
KEYS = actions.first_keys(actions.effective_keys())


def state_with(*providers: c.Provider, fallback: bool = True, requests: tuple[c.Request, ...] = ()) -> PanelState:
    scene = blank()
    scene.providers = providers
    scene.route = c.Route(default="anthropic", fallback_enabled=fallback, chain=("openrouter",))
    scene.requests = {request.id: request for request in requests}
    state = PanelState(URL)
    state.apply(scene.snapshot(URL))
    return state


def anthropic(**changes: object) -> c.Provider:
    return msgspec.structs.replace(blank().providers[0], **changes)


def first_trouble(state: PanelState) -> str:
    return troubles(state, NOW, KEYS)[0].text


def test_a_refused_key_says_which_key_switches_the_provider() -> None:
    refused = anthropic(health="refused", health_text="refused the key (invalid x-api-key)")
    assert first_trouble(state_with(refused)) == (
        "anthropic: refused the key (invalid x-api-key). Press p to switch provider."
    )
    repeated = state_with(refused, requests=(served(1, 5, outcome="failed", status=401),))
    assert first_trouble(repeated) == (
        "anthropic: refused the key (invalid x-api-key). Claude Code keeps retrying. Press p to switch provider."
    )


def test_a_refused_key_while_another_provider_serves_asks_for_nothing() -> None:
    refused = anthropic(health="refused", health_text="refused the key (invalid x-api-key)")
    away = served(1, 5, **rescued("anthropic/claude-opus-4.8"))
    text = first_trouble(state_with(refused, blank().providers[1], requests=(away,)))
    assert text == "anthropic: refused the key (invalid x-api-key). Serving from openrouter since 07:59:55."


def test_an_overload_without_fallback_says_which_key_turns_it_on() -> None:
    limited = anthropic(health="limited", health_text="overloaded (529)", retry_at=NOW + 24)
    state = state_with(limited, blank().providers[1], fallback=False)
    assert first_trouble(state) == "anthropic: overloaded (529), next try in 24 s. Press f to turn fallback on."


def test_an_overload_with_fallback_says_who_serves_since_when() -> None:
    state = PanelState(URL)
    state.apply(at_work().snapshot(URL))
    assert "Serving from openrouter since" in first_trouble(state)


def test_before_the_first_detour_the_next_in_the_chain_is_told() -> None:
    others = tuple(blank().providers[1:])
    down = anthropic(health="failing", health_text="refuses connections", retry_at=NOW + 4)
    expected = "anthropic: refuses connections, next try in 4 s. openrouter serves the next request."
    assert first_trouble(state_with(down, *others)) == expected
    due = msgspec.structs.replace(down, retry_at=None)
    assert first_trouble(state_with(due, *others)).endswith("openrouter serves if it fails again.")
    resting = [msgspec.structs.replace(one, resting=True) for one in others]
    assert first_trouble(state_with(down, *resting)).endswith("Press p to switch provider.")


def test_a_remapped_key_is_the_one_that_is_told() -> None:
    keys = actions.first_keys(actions.effective_keys({"provider": "x"}))
    state = state_with(anthropic(key_error="OPENROUTER_API_KEY is not set"))
    assert troubles(state, NOW, keys)[0].text.endswith("Press x to switch provider.")


def test_a_dead_engine_is_the_first_trouble() -> None:
    state = state_with(anthropic(health="refused"))
    state.lost("")
    assert (
        first_trouble(state) == "The engine stopped. Press r to start it again; Claude Code gets no answers until then."
    )
    assert line_text(header(state, Burn(), 80, NOW, KEYS)[1]).rstrip() == (
        " ✗ The engine stopped. Press r to start it again."
    )


@pytest.mark.parametrize("width", [40, 60, 80])
def test_what_to_do_first_is_told_in_full_where_nothing_was_asked_yet(width: int) -> None:
    lines = [line_text(one) for one in empty_lines(state_with(*blank().providers), width, NOW, KEYS)]
    assert "for the model that Claude Code asks for. Press m for another model, p for a provider." in " ".join(
        " ".join(lines).split()
    )
    assert all(cells(one) <= width for one in lines if "Claude Code asks" in one or "Press m" in one)


def test_a_provider_that_serves_nothing_is_no_trouble() -> None:
    state = state_with(anthropic(), msgspec.structs.replace(blank().providers[2], health="failing"))
    assert troubles(state, NOW, KEYS) == []


@pytest.mark.parametrize("width", [8, 20, 40, 60, 64, 68, 90, 114, 200])
def test_a_row_fills_its_width_exactly(width: int) -> None:
    long = "vendor/模型-with-a-very-long-name-that-fits-nowhere-at-all-in-any-column"
    for request in (
        served(1, 5),
        live(2, 3),
        live(3, 3, phase="waiting"),
        served(4, 5, served_model=long, provider=long),
    ):
        assert line_cells(row(request, width, NOW, 2, 0)) == width


def test_titles_stand_over_their_numbers() -> None:
    assert len(titles(68)) == layout(68).numbers_width
    assert titles(68).endswith("cost")


@pytest.mark.parametrize("evil", ["[bold]x[/bold]", "\x1b[31mx", "a\nb", "[@click=app.leave]x[/]"])
def test_a_models_name_is_never_read_as_markup(evil: str) -> None:
    text = line_text(row(served(1, 5, asked_model=evil, served_model=None, target_model=None), 100, NOW, None, 0))
    assert "\x1b" not in text
    assert "\n" not in text


def test_a_request_that_begins_by_another_clock_has_not_waited_less_than_nothing() -> None:
    early = live(1, -0.3, phase="waiting")
    assert state_words(early, NOW) == f"waiting {duration(0)}"
    for width in (50, 68, 160):
        assert "-" not in line_text(row(early, width, NOW, None, 0)).split("waiting")[-1]


def test_an_unknown_cost_is_a_question_mark_and_a_free_one_is_empty() -> None:
    assert line_text(row(served(1, 5, cost_nano_usd=None), 68, NOW, None, 0)).endswith("?")
    free = served(1, 5, cost_nano_usd=0, cost_source="free")
    assert line_text(row(free, 68, NOW, None, 0)).endswith(" ")


def test_a_failed_request_says_why_in_its_row() -> None:
    attempt = c.Attempt(provider="anthropic", model="m", outcome="rate_limited", status=429)
    text = line_text(row(served(1, 5, outcome="failed", status=429, attempts=(attempt,)), 68, NOW, None, 0))
    assert text.rstrip().endswith("429 rate limited")


def test_a_request_that_a_budget_refused_says_so_in_its_row() -> None:
    left_out = c.Attempt(provider="anthropic", model="m", outcome="skipped")
    for attempts in ((), (left_out,)):
        text = line_text(row(served(1, 5, outcome="failed", status=402, attempts=attempts), 68, NOW, None, 0))
        assert text.rstrip().endswith("402 over budget")


def test_as_asked_is_the_first_entry_until_something_else_is_typed() -> None:
    for query in ("", "as", "asked", "as-asked", "As asked"):
        assert model_choices(models(), query)[0].target == c.AS_ASKED
    best = model_choices(models(), "gpt5")[0].model
    assert best is not None
    assert best.id == "openai/gpt-5.5"


def test_nothing_is_chosen_where_nothing_matches() -> None:
    assert model_choices(models(), "no such thing", ["openrouter"]) == []


def test_a_target_that_no_list_has_is_offered_as_typed_where_its_provider_is_there() -> None:
    typed = model_choices(models(), "openrouter/own-1", ["openrouter"])[-1]
    assert typed.target == "openrouter/own-1"
    assert "Use openrouter/own-1   as typed" in line_text(model_line(typed, 90, present=False, context_tokens=0))
    assert not is_present(typed, None)
    assert [one.typed for one in model_choices(models(), "openrouter/openai/gpt-5.5", ["openrouter"])] == [""]
    assert model_choices(models(), "elsewhere/own-1", ["openrouter"]) == []


def test_favourites_come_first_while_nothing_is_typed() -> None:
    first = model_choices(models(), "")[1].model
    assert first is not None
    assert first.favourite


def test_a_window_smaller_than_the_sessions_context_is_marked() -> None:
    session = at_work().sessions["5e551011-aaaa"]
    small = next(choice for choice in model_choices(models(), "qwen") if choice.model)
    assert small.model is not None
    assert too_small(small.model, session.context_tokens)
    assert "▲" in line_text(model_line(small, 90, present=False, context_tokens=session.context_tokens))
    assert "128k tokens" in small_warning(small.model, session)
    assert small_warning(small.model, None) == ""


def test_every_slot_is_a_scope_and_the_session_where_there_is_one() -> None:
    assert [scope.slot for scope in scopes(None)] == [None, *c.SLOTS]
    assert len(scopes(at_work().sessions["5e551011-aaaa"])) == 6


def test_the_override_of_a_scope_is_found_and_no_other() -> None:
    override = c.Override(provider="openrouter", model="openai/gpt-5.5", slot="opus")
    route = c.Route(default="anthropic", overrides=(override,))
    assert present_override(route, Scope("", slot="opus")) == override
    assert present_override(route, Scope("")) is None
    assert is_present(model_choices(models(), "gpt-5.5")[0], override)


def test_letters_together_and_at_word_starts_win() -> None:
    assert score("opus", "claude-opus-4-8") > score("opus", "octopus-x")  # type: ignore[operator]
    assert score("xyz", "claude") is None
    assert score("gpt mini", "openai/gpt-5-mini") is not None


def test_the_footer_drops_the_least_important_and_keeps_leave() -> None:
    hints = [
        KeyHint("q", "leave", "app.leave"),
        KeyHint("m", "model", "app.model"),
        KeyHint("p", "provider", "app.provider"),
    ]
    assert line_text(keys_line(hints, 21, ("leave",))).split() == ["m", "model", "q", "leave"]


def test_a_sentence_in_the_footer_leaves_the_keys_that_are_pinned() -> None:
    hints = [KeyHint("m", "model", "app.model"), KeyHint("?", "help", "app.help"), KeyHint("q", "leave", "app.leave")]
    (told,) = map(line_text, said_lines(Piece("openrouter serves instead of anthropic"), hints, 60, PINNED))
    assert (told.endswith("? help  q leave  "), cells(told)) == (True, 60)
    (narrow,) = map(line_text, said_lines(Piece("openrouter serves instead of anthropic"), hints, 40, PINNED))
    assert narrow.strip() == "openrouter serves instead of anthropic"


@pytest.mark.parametrize("width", [60, 64, 72, 80, 100])
def test_a_sentence_that_is_longer_than_the_footer_has_two_lines(width: int) -> None:
    hints = [KeyHint("?", "help", "app.help"), KeyHint("q", "leave", "app.leave")]
    text = "claude-sim: overloaded; next try in 3 s. local-sim serves instead"
    rows = [line_text(one) for one in said_lines(Piece(text), hints, width, PINNED)]
    assert " ".join(" ".join(row.replace("? help  q leave", "") for row in rows).split()) == text
    assert len(rows) == (1 if len(text) <= width - 2 else 2)
    assert all(cells(row) <= width for row in rows)


def test_a_sentence_of_many_lines_is_cut_at_the_third() -> None:
    rows = [line_text(one) for one in said_lines(Piece("a long error " * 40), [], 60, PINNED)]
    assert (len(rows), rows[-1].rstrip().endswith("…")) == (3, True)


def test_of_waiting_notices_the_gravest_is_told_first_and_none_is_lost() -> None:
    said = [("info", "back"), ("warning", "92%"), ("warning", "gone"), ("error", "disk")]
    waiting = [c.Notice(at=NOW, level=level, text=text) for level, text in said]  # type: ignore[arg-type]
    told = []
    while (notice := next_notice(waiting)) is not None:
        waiting.remove(notice)
        told.append(notice.text)
    assert told == ["disk", "92%", "gone", "back"]


def test_what_to_do_stays_in_a_narrow_header_and_what_happened_is_cut() -> None:
    words = "rate limit reached (This request would exceed the limit of your organization)"
    state = state_with(anthropic(health="limited", health_text=words))
    told = line_text(header(state, Burn(), 80, NOW, KEYS)[1])
    assert told.startswith(" ▲ anthropic: rate limit reached")
    assert "… Press p to switch provider." in told
    assert cells(told) <= 80


def test_what_to_do_is_whole_beside_the_number_of_further_troubles() -> None:
    words = "rate limit reached (This request would exceed the limit of your organization)"
    limited = {"health": "limited", "health_text": words}
    away = served(1, 5, **rescued("anthropic/claude-opus-4.8"))
    other = msgspec.structs.replace(blank().providers[1], **limited)
    state = state_with(anthropic(**limited), other, requests=(away,))
    told = line_text(header(state, Burn(), 80, NOW, KEYS)[1])
    assert f"… {troubles(state, NOW, KEYS)[0].step}  +1 more" in told
    assert cells(told) <= 80


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (100, "overloaded (529), next try in 24 s. Serving from openrouter since 07:59:55."),
        (80, "overloaded (529). Serving from openrouter since 07:59:55."),
        (60, "overloaded (529). openrouter serves."),
    ],
)
def test_a_detour_is_told_in_fewer_words_before_any_is_cut(width: int, words: str) -> None:
    limited = anthropic(health="limited", health_text="overloaded (529)", retry_at=NOW + 24)
    away = served(1, 5, **rescued("anthropic/claude-opus-4.8"))
    told = line_text(header(state_with(limited, blank().providers[1], requests=(away,)), Burn(), width, NOW, KEYS)[1])
    assert told.strip() == f"▲ anthropic: {words}"


@pytest.mark.parametrize("width", [20, 40, 50, 64, 90])
def test_the_title_of_a_stream_leaves_figures_out_before_it_cuts_them(width: int) -> None:
    state = state_with()
    answering = live(1, 2)
    title = line_text(stream_title(state, answering, NOW, 0, width))
    whole = line_text(stream_title(state, answering, NOW, 0, 200))
    assert cells(title) <= width
    assert whole.startswith(title.rstrip("…"))
    assert "…" not in title or width < 30


@pytest.mark.parametrize("session", [None, "5e55-1"])
def test_where_all_is_simulated_no_rate_is_marked_too(session: str | None) -> None:
    state, scene = PanelState(URL), blank()
    told = c.Tally(requests=1, simulated_nano_usd=DOLLAR)
    scene.today = told
    known = c.Session(id="5e55-1", project="shop", simulated=True, last_at=NOW)
    scene.sessions = {known.id: known} if session else {}
    state.apply(scene.snapshot(URL))
    first = line_text(header(state, Burn(), 60, NOW, KEYS)[0])
    assert ("session ~$0.00  ~$0.00/h" if session else "today ~$1.00  ~$0.00/h") in first


@pytest.mark.parametrize(
    ("served_by", "words"),
    [
        ("anthropic/claude-opus-4.8", "opus-4-8 → opus-4.8"),
        ("anthropic/claude-opus-4.8-pro", "opus-… → opus-4.8-pro"),
        ("qwen3-coder-next-30b", "opus-4-8 → qwen3-cod…"),
    ],
)
def test_the_asked_model_gives_way_to_the_served_one_unless_that_is_cut_too(served_by: str, words: str) -> None:
    assert layout(79).models_width == 21
    assert f" {words} " in line_text(row(served(1, 5, **rescued(served_by)), 79, NOW, None, 0))


@pytest.mark.parametrize("width", [40, 60, 79, 100])
def test_a_count_of_tokens_is_called_one_where_its_models_are_cut(width: int) -> None:
    counted = served(1, 5, **rescued("anthropic/claude-opus-4.8-of-a-long-name"), kind="count_tokens")
    assert " count " in line_text(row(counted, width, NOW, None, 0))


def test_the_cost_of_an_answer_that_goes_on_is_not_called_unknown() -> None:
    def money(request: c.Request) -> str:
        lines = detail_lines(state_with(), c.Detail(request=request), 80, NOW)
        return next(line_text(one) for one in lines if line_text(one).startswith("   cost "))

    assert money(live(1, 2)).split() == ["cost", "known", "when", "the", "answer", "ends"]
    assert money(served(1, 2, cost_nano_usd=None, cost_source="unknown")).split()[1] == "?"


def test_a_count_of_tokens_has_no_bill_and_says_who_counted() -> None:
    for estimated, words in ((True, "estimated by the engine: no provider counted"), (False, "by the provider")):
        count = served(1, 5, kind="count_tokens", usage=c.Usage(), cost_nano_usd=0, usage_estimated=estimated)
        text = "\n".join(map(line_text, detail_lines(state_with(), c.Detail(request=count), 100, NOW)))
        assert words in text
        assert "$0" not in text
        assert "output " not in text


def test_a_vendor_gives_way_before_the_name_of_a_model() -> None:
    model = c.Model(provider="openrouter", id="anthropic/claude-opus-4.8-thinking")
    narrow, wide = (line_text(model_line(ModelChoice(model), w, present=False, context_tokens=0)) for w in (62, 80))
    assert "…/claude-opus-4.8-th…" in narrow
    assert "anthropic/claude-opus-4.8-thinking" in wide


def test_a_cloud_s_region_gives_way_too() -> None:
    model = c.Model(provider="bedrock", id="global.anthropic.claude-haiku-4-5-20251001-v1:0")
    assert "…claude-haiku-4-5-20…" in line_text(model_line(ModelChoice(model), 62, present=False, context_tokens=0))
    short = c.Model(provider="bedrock", id="us.anthropic.claude-5")
    assert "us.anthropic.claude-5" in line_text(model_line(ModelChoice(short), 80, present=False, context_tokens=0))


@pytest.mark.parametrize("width", range(20, 140))
def test_titles_of_the_model_picker_stand_over_their_columns(width: int) -> None:
    compared = {("openrouter", "m"): "$1.00"}
    model = c.Model(provider="openrouter", id="m", tools=True, context_window=200_000)
    for each in ({}, compared):
        entry = line_text(model_line(ModelChoice(model), width, present=False, context_tokens=0, compared=each))
        title = line_text(model_titles(width, each))
        assert cells(entry) <= width
        if "ctx" in title and width >= 30:
            assert entry.index("200k") + 4 == title.index("ctx") + 3
        assert ("in/" in title) == (" ?" in entry[entry.find("200k") :])


@pytest.mark.parametrize("width", range(53, 61))
def test_a_narrow_picker_tells_both_prices_in_short(width: int) -> None:
    priced = c.Model(provider="openrouter", id="m", input_nano_usd=3 * DOLLAR, output_nano_usd=15 * DOLLAR)
    entry = line_text(model_line(ModelChoice(priced), width, present=False, context_tokens=0))
    title = line_text(model_titles(width))
    if width < 58:
        assert entry.endswith(" 3/15")
        assert title.endswith(" $/M in/out")
    else:
        assert entry.endswith("     $3     $15")
    assert cells(entry) == cells(title)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_help_wraps_what_a_key_does(width: int) -> None:
    lines = HelpScreen(actions.effective_keys(), ("panel", "list")).lines(width)
    assert max(line_cells(each) for each in lines) <= width


def test_answers_that_are_paid_for_one_by_one_are_told_with_who_gave_them() -> None:
    who, model = "anthropic", "claude-opus-4-8"
    vain = c.Pass(provider="zai", served_model="glm-5", usage=c.Usage(input_tokens=9_000, output_tokens=12))
    read = c.Usage(input_tokens=150_000, cache_read_tokens=50_000, output_tokens=700)
    last = c.Pass(provider=who, served_model=model, usage=read)
    request = served(1, 5, provider=who, served_model=model, passes=(vain, last), usage=vain.usage + last.usage)
    lines = list(map(line_text, detail_lines(state_with(), c.Detail(request=request), 80, NOW)))
    first, second = (each.split() for each in lines if "answer " in each)
    assert first == ["answer", "1", "9,000", "in,", "12", "out", "zai", "glm-5"]
    assert second == ["answer", "2", "200,000", "in,", "700", "out"]


def test_what_made_a_request_dearer_is_told_beside_its_cost() -> None:
    request = served(1, 5, cost_source="genai-prices", speed="fast", geo="us")
    lines = map(line_text, detail_lines(state_with(), c.Detail(request=request), 100, NOW))
    [cost] = [each for each in lines if each.startswith("   cost ")]
    assert cost.endswith("at list price, fast speed, bound to us")


def test_a_request_that_waits_has_no_token_counts() -> None:
    waiting = msgspec.structs.replace(live(1, 2), phase="waiting", usage=c.Usage(), ttft_ms=None)
    text = "\n".join(map(line_text, detail_lines(state_with(), c.Detail(request=waiting), 80, NOW)))
    assert "known as soon as the answer begins" in text
    assert "output  " not in text


@pytest.mark.parametrize("width", [42, 46, 52, 58, 62, 90])
def test_the_provider_of_a_model_is_told_in_narrow_pickers_too(width: int) -> None:
    model = c.Model(provider="openrouter", id="openai/gpt-5.5", context_window=400_000)
    entry = line_text(model_line(ModelChoice(model), width, present=False, context_tokens=0))
    assert "openrouter" in entry
    assert "gpt-5.5" in entry
    assert line_text(model_titles(width)).startswith("     provider")


@pytest.mark.parametrize("width", [58, 90])
def test_a_name_for_several_models_stands_below_the_providers(width: int) -> None:
    titles, entry = line_text(model_titles(width)), line_text(named_line("team", "same model there", width))
    assert entry.index("team") == titles.index("provider")
    assert entry.index("same model there") == titles.index("model")
    assert "same model" in line_text(named_line("a-group-of-a-long-name", "same model", 58))


def test_what_was_listed_and_when_is_told_in_words() -> None:
    listed = [msgspec.structs.replace(anthropic(), models=number, models_at=NOW - 58) for number in (0, 9)]
    (text,) = [line_text(one) for one in list_states(listed, 120, NOW)]
    assert text == " models: anthropic 0 · anthropic 9, 58 s ago"
    older = [listed[0], msgspec.structs.replace(listed[1], models_at=NOW - 300)]
    (text,) = [line_text(one) for one in list_states(older, 120, NOW)]
    assert text == " models: anthropic 0, 58 s ago · anthropic 9, 5 min ago"


@pytest.mark.parametrize("width", range(3, 24))
def test_the_two_ends_of_a_line_never_touch(width: int) -> None:
    text = line_text(spread(line("local-sim"), line("not used yet"), width))
    assert cells(text) <= width
    assert text.endswith(" not used yet") or width <= len("not used yet")
    assert line_text(spread(line("whole"), (), 5)) == "whole"


@pytest.mark.parametrize("width", [58, 66, 72, 80, 100])
def test_over_the_list_words_give_way_to_the_titles_of_the_figures(width: int) -> None:
    state = PanelState(URL)
    state.apply(at_work().snapshot(URL))
    state.requests.show(Filter(served(1, 1).session_id, "claude-opus"))
    title = line_text(requests_title(state, width, width - 1, frozen=True))
    assert len(state.requests)
    assert title.rstrip().endswith(titles(width - 1).strip())
    assert "shop-api" in title
    assert "/clau" in title
    assert cells(title) == width
