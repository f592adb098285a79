"""The screen of a check, by hand of a pilot, and its words."""

import msgspec
import pytest
from textual.widgets import Input

from proxy import contract as c
from tests.tui import scenes
from tests.tui.fake_engine import FakeEngine
from tests.tui.panel.screen_text import box_text, screen_text, settled, shown, until
from tests.tui.panel.test_pictures import compare
from tui.screens.check import CheckScreen
from tui.screens.model_picker import ModelPicker
from tui.state.check import mark_sentence, mark_words, price_words, row
from tui.state.choices import ModelChoice, model_line, model_titles
from tui.state.lines import line_cells, line_text

DAY = "2027-01-15"
"""Of the checks, two hours before the scenes' time."""
TARGET = "openrouter/anthropic/claude-opus-4.8"
POINTS = (("key", "key"), ("stream", "streaming"), ("tool", "tool call"), ("long", "long input"))
PLAN = c.CheckReport(
    target=TARGET,
    results=tuple(c.CheckResult(name=name, title=title) for name, title in POINTS),
    requests=6,
    likely_nano_usd=261_900_000,
    most_nano_usd=912_900_000,
)


def result(name: str, title: str, verdict: c.CheckVerdict, text: str, **more: object) -> c.CheckResult:
    made = c.CheckResult(name=name, title=title, verdict=verdict, text=text, at=scenes.NOW - 7200)
    return msgspec.structs.replace(made, **more)


RESULTS = (
    result("key", "key", "pass", "accepted", requests=1, duration_ms=812.0, cost_nano_usd=500_000),
    result("stream", "streaming", "degraded", "buffered: first piece after 4.1 s of 4.2 s", requests=1, unpriced=1),
    result(
        "tool",
        "tool call",
        "fail",
        "the call's arguments are no JSON object",
        requests=1,
        duration_ms=2100.0,
        cost_nano_usd=1_400_000,
        evidence='{"guest":{"name":',
    ),
    result("long", "long input", "skipped", "its window of 8,000 tokens holds no long prompt"),
)
KNOWN = msgspec.structs.replace(PLAN, results=RESULTS, started_at=scenes.NOW - 7210, ended_at=scenes.NOW - 7200)


def engine_with(report: c.CheckReport | None = None) -> FakeEngine:
    engine = FakeEngine(scenes.at_work())
    engine.check_plan, engine.check = PLAN, report
    return engine


async def test_it_says_what_it_costs_and_spends_nothing_before_it_is_told_to() -> None:
    async with engine_with() as engine, shown(engine) as (app, pilot):
        await pilot.press("p", "j", "c")
        await until(pilot, lambda: "r tries it now: 6 requests, about $0.2619, $0.9129 at most" in screen_text(app))
        assert await engine.told(c.RunCheck) == [c.RunCheck(target="openrouter", dry_run=True)]


async def test_it_is_followed_to_its_end() -> None:
    async with engine_with() as engine, shown(engine) as (app, pilot):
        await pilot.press("p", "j", "c")
        await until(pilot, lambda: "r tries it now" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: "0 of 4 …" in screen_text(app))
        half = (RESULTS[0], msgspec.structs.replace(PLAN.results[1], running=True), *PLAN.results[2:])
        engine.check = msgspec.structs.replace(PLAN, results=half, running=True)
        await until(pilot, lambda: "1 of 4 …" in screen_text(app) and "trying …" in screen_text(app))
        engine.check = KNOWN
        await until(pilot, lambda: "✗ 1 failed" in screen_text(app))
        assert await engine.told(c.RunCheck, 2) == [
            c.RunCheck(target="openrouter", dry_run=True),
            c.RunCheck(target=TARGET),
        ]


async def test_a_running_check_is_followed_when_the_screen_opens_and_can_be_stopped() -> None:
    running = msgspec.structs.replace(PLAN, running=True)
    async with engine_with(running) as engine, shown(engine) as (app, pilot):
        await pilot.press("p", "j", "c")
        await until(pilot, lambda: "0 of 4 …" in screen_text(app))
        await pilot.press("x")
        assert await engine.told(c.StopCheck) == [c.StopCheck(target=TARGET)]
        await until(pilot, lambda: "0 of 4 …" not in screen_text(app))


async def test_what_cannot_be_checked_says_why() -> None:
    async with engine_with() as engine, shown(engine) as (app, pilot):
        await pilot.press("p")
        engine.refusal = c.Refusal(code="not_checked", message="only Claude Code has a login for it")
        await pilot.press("c")
        await until(pilot, lambda: "Only Claude Code has a login for it." in screen_text(app))
        assert isinstance(app.screen, CheckScreen)


@pytest.mark.parametrize(("simulated", "cost"), [(False, " $0.0014"), (True, "~$0.0014")])
def test_what_a_point_cost_is_marked_where_nobody_pays_it(simulated: bool, cost: str) -> None:
    assert cost in line_text(row(RESULTS[2], 110, simulated=simulated))


async def test_a_narrow_screen_tells_the_whole_price_before_it_is_spent() -> None:
    async with engine_with() as engine, shown(engine, (50, 20)) as (app, pilot):
        await pilot.press("p", "j", "c")
        await until(pilot, lambda: "$0.9129 at most" in " ".join(screen_text(app).split()))


@pytest.mark.parametrize("width", [64, 100])
async def test_the_screen_looks_like_its_picture(width: int) -> None:
    async with engine_with(KNOWN) as engine, shown(engine, (width, 20)) as (app, pilot):
        await pilot.press("p", "j", "c")
        await until(pilot, lambda: "long input" in screen_text(app))
        await pilot.press("j", "j")
        await settled(pilot)
        compare(f"check_{width}", screen_text(app))


async def test_a_provider_tells_the_checks_of_its_models() -> None:
    async with engine_with() as engine, shown(engine) as (app, pilot):
        mark = c.CheckMark(model="claude-opus-4.8", at=scenes.NOW - 7200, failed=("tool call",))
        checked = msgspec.structs.replace(engine.scene.providers[1], checks=(mark,))
        engine.emit(c.ProvidersChanged(providers=(engine.scene.providers[0], checked, *engine.scene.providers[2:])))
        await pilot.press("p", "j")
        await until(pilot, lambda: f"✗ claude-opus-4.8 checked {DAY}, 2 h" in screen_text(app))


async def test_the_picker_tells_the_check_of_the_highlighted_model_with_its_date() -> None:
    async with engine_with() as engine, shown(engine) as (app, pilot):
        mark = c.CheckMark(model="qwen3-coder", at=scenes.NOW - 7200, degraded=("streaming",))
        engine.models = (c.Model(provider="openrouter", id="qwen3-coder", check=mark),)
        await pilot.press("m")
        await until(pilot, lambda: "qwen3-coder" in screen_text(app))
        await pilot.press("down")
        sentence = f"▲ qwen3-coder checked {DAY}, 2 h 00 min ago: degraded streaming."
        await until(pilot, lambda: sentence in screen_text(app))


async def test_a_key_in_the_picker_opens_the_check_of_the_highlighted_model_and_leads_back() -> None:
    async with engine_with() as engine, shown(engine) as (app, pilot):
        engine.models = scenes.models()
        await pilot.press("m", *"opus-4.8")
        await until(pilot, lambda: "anthropic/claude-opus-4.8" in screen_text(app))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "r tries it now: 6 requests, about $0.2619, $0.9129 at most" in screen_text(app))
        assert await engine.told(c.RunCheck) == [c.RunCheck(target=TARGET, dry_run=True)]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        assert app.screen.query_one("#query", Input).value == "opus-4.8"


async def test_what_is_asked_is_no_model_to_check() -> None:
    async with engine_with() as engine, shown(engine) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker) and not app.screen.waits)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "Highlight a model to check it" in screen_text(app))
        assert isinstance(app.screen, ModelPicker)
        assert not [command for command in engine.commands if isinstance(command, c.RunCheck)]


async def test_a_check_that_ends_meanwhile_is_marked_in_the_open_picker() -> None:
    async with engine_with() as engine, shown(engine) as (app, pilot):
        engine.models = scenes.models()
        await pilot.press("m")
        await until(pilot, lambda: "claude-opus-4.8" in screen_text(app))
        mark = c.CheckMark(model="anthropic/claude-opus-4.8", at=scenes.NOW, failed=("tool call",))
        first, second, *others = engine.scene.providers
        checked = msgspec.structs.replace(second, checks=(mark,))
        engine.emit(c.ProvidersChanged(providers=(first, checked, *others)))
        await until(pilot, lambda: "✗ failed" in screen_text(app))


CHECKED = {
    "openai/gpt-5.5": c.CheckMark(model="openai/gpt-5.5", at=scenes.NOW - 7200, degraded=("streaming",)),
    "claude-opus-4-8": c.CheckMark(model="claude-opus-4-8", at=scenes.NOW - 90_000),
    "qwen/qwen3-coder": c.CheckMark(model="qwen/qwen3-coder", at=scenes.NOW - 400_000, failed=("tool call", "image")),
}


@pytest.mark.parametrize("width", [64, 80, 100, 140])
async def test_the_picker_with_checked_models_looks_like_its_picture(width: int) -> None:
    async with engine_with() as engine, shown(engine, (width, 24)) as (app, pilot):
        engine.models = tuple(msgspec.structs.replace(each, check=CHECKED.get(each.id)) for each in scenes.models())
        await pilot.press("m")
        await until(pilot, lambda: "qwen3-coder" in screen_text(app))
        await pilot.press("up")
        await settled(pilot)
        compare(f"model_picker_checked_{width}", box_text(app))


@pytest.mark.parametrize("width", range(20, 120))
def test_what_a_check_came_to_has_a_column_of_its_own_or_at_least_its_sign(width: int) -> None:
    mark = CHECKED["qwen/qwen3-coder"]
    model = c.Model(provider="openrouter", id="qwen/qwen3-coder", tools=True, images=True, thinking=True, check=mark)
    row = model_line(ModelChoice(model), width, present=False, context_tokens=0, checked=True)
    title = line_text(model_titles(width, checked=True))

    told = line_text(row)
    assert line_cells(row) <= width
    if width >= 68:
        assert told.index("✗ failed") == title.index("check")
    elif width >= 30:
        assert "✗ " in told


def test_a_model_shows_its_worst_point_where_there_is_room() -> None:
    mark = c.CheckMark(model="m", at=scenes.NOW, failed=("tool call", "image"), degraded=("streaming",))
    assert mark_words(mark) == ("✗ failed tool call +1", "bad")
    assert mark_words(msgspec.structs.replace(mark, failed=())) == ("▲ degraded streaming", "warn")
    assert mark_words(msgspec.structs.replace(mark, failed=(), degraded=())) == ("✓ passed", "good")
    wide = line_text(
        model_line(
            ModelChoice(c.Model(provider="p", id="m", check=mark)), 114, present=False, context_tokens=0, checked=True
        )
    )
    assert wide.rstrip().endswith("✗ failed tool call +1")


def test_a_sentence_tells_all_of_a_check() -> None:
    mark = c.CheckMark(model="m", at=scenes.NOW - 3 * 86400, failed=("tool call", "image"), degraded=("streaming",))
    assert mark_sentence(mark, scenes.NOW).endswith("3 days ago: failed tool call, image; degraded streaming.")
    assert mark_sentence(c.CheckMark(model="m", at=scenes.NOW), scenes.NOW).endswith("all well.")


def test_a_price_that_nobody_knows_is_said_and_free_is_free() -> None:
    unknown = msgspec.structs.replace(PLAN, likely_nano_usd=None, most_nano_usd=None)
    free = msgspec.structs.replace(PLAN, likely_nano_usd=0, most_nano_usd=0)
    assert price_words(unknown) == "6 requests, at a price that is not known"
    assert price_words(free) == "6 requests, free"
