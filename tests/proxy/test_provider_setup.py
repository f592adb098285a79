"""Providers set up while the engine runs: tried without a trace, taken up from the file, refused when wrong."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy import contract as c
from proxy.presets import PRESETS
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message
from tests.upstreams import (
    Answer,
    Call,
    Gate,
    Pause,
    ScriptedUpstream,
    as_json,
    as_stream,
    message_events,
    message_stream,
    models_body,
)

KEY = "sk-canary-0123456789abcdef"
WORDS = "Invalid API Key: this one was never issued"


class Home:
    """The home of an engine, with its settings file."""

    def __init__(self, folder: Path, start: StartEngine) -> None:
        self.file = folder / "cctui" / "config.toml"
        self.file.parent.mkdir()
        self._start = start

    def write(self, *tables: str, engine: str = "") -> None:
        self.file.write_text("\n".join(["[engine]", "local_servers = false", engine, *tables]))

    async def engine(self, environ: dict[str, str] | None = None) -> RunningEngine:
        return await self._start({}, environ)


@pytest.fixture
def home(tmp_path: Path, start: StartEngine) -> Home:
    return Home(tmp_path, start)


def table(name: str, upstream: ScriptedUpstream, key: str = KEY, **more: Any) -> str:
    lines = [f"[providers.{name}]", 'preset = "respan"', f'base_url = "{upstream.url}"', f'api_key = "{key}"']
    return "\n".join([*lines, *(f"{field} = {json.dumps(value)}" for field, value in more.items())])


def route(default: str) -> str:
    return f'[route]\ndefault = "{default}"'


async def reloaded(engine: RunningEngine) -> c.Reloaded:
    response = await engine.command("reload", c.Reload())
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=c.Reloaded)


async def tried(engine: RunningEngine, **fields: Any) -> c.SettingsTried:
    response = await engine.command("try-settings", c.TrySettings(name="new", table=fields))
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=c.SettingsTried)


async def refusal(engine: RunningEngine, **fields: Any) -> str:
    response = await engine.command("try-settings", c.TrySettings(name="new", table=fields))
    assert response.status_code == 400
    return str(response.json()["message"])


def listing(call: Call) -> Answer:
    """A list for the right key alone."""
    if call.header("authorization") != f"Bearer {KEY}":
        return as_json(json.dumps({"error": {"message": WORDS, "type": "invalid_request_error"}}).encode(), 401)
    return as_json(models_body("glm-5", "glm-5-air"))


class TestReload:
    async def test_an_added_provider_serves_the_next_request(self, home: Home, upstream: ScriptedUpstream) -> None:
        home.write()
        engine = await home.engine()
        home.write(table("first", upstream), route("first"))
        assert await reloaded(engine) == c.Reloaded(added=("first",), tables=("route",))
        assert (await engine.ask()).status_code == 200
        assert (await engine.record()).provider == "first"

    async def test_its_models_are_listed_when_the_answer_comes(self, home: Home, upstream: ScriptedUpstream) -> None:
        upstream.script = listing
        home.write()
        engine = await home.engine()
        home.write(table("first", upstream, preset="custom").replace('preset = "respan"\n', ""))
        await reloaded(engine)
        models = msgspec.json.decode((await engine.look("models")).content, type=c.ModelList).models
        assert [model.id for model in models if model.provider == "first"] == ["glm-5", "glm-5-air"]

    async def test_another_key_counts_from_the_next_request_on(self, home: Home, upstream: ScriptedUpstream) -> None:
        home.write(table("first", upstream), route("first"))
        engine = await home.engine()
        await engine.ask()
        home.write(table("first", upstream, key="another-key"), route("first"))
        assert (await reloaded(engine)).changed == ("first",)
        await engine.ask()
        assert [call.header("authorization") for call in upstream.calls] == [f"Bearer {KEY}", "Bearer another-key"]

    async def test_fewer_keys_serve_sessions_that_had_others(self, home: Home, upstream: ScriptedUpstream) -> None:
        keys = f'api_key = ["{KEY}", "second-key"]'
        home.write(table("first", upstream).replace(f'api_key = "{KEY}"', keys), route("first"))
        engine = await home.engine()
        for session in ("s-1", "s-2"):
            await engine.ask(x_claude_code_session_id=session)
        home.write(table("first", upstream, key="second-key"), route("first"))
        await reloaded(engine)
        statuses = [(await engine.ask(x_claude_code_session_id=session)).status_code for session in ("s-1", "s-2")]
        assert (statuses, upstream.calls[-1].header("authorization")) == ([200, 200], "Bearer second-key")

    async def test_a_provider_that_goes_ends_its_running_stream_in_peace(
        self, home: Home, upstream: ScriptedUpstream, second: ScriptedUpstream
    ) -> None:
        gate, events = Gate("the provider is gone"), message_events("one two three", usage={"input_tokens": 9})
        upstream.script = as_stream(*events[:4], Pause(gate), *events[4:])
        home.write(table("first", upstream), table("second", second), route("first"))
        engine = await home.engine()
        async with engine.asking() as response:
            chunks = response.aiter_bytes()
            start = await anext(chunks)
            home.write(table("second", second), route("second"))
            assert (await reloaded(engine)).removed == ("first",)
            gate.open()
            whole = start + b"".join([chunk async for chunk in chunks])
        record = await engine.record()
        assert whole == b"".join(events)
        assert (record.outcome, record.provider, bool(record.cost_nano_usd)) == ("served", "first", True)
        assert (await engine.snapshot()).providers[0].name == "second"

    async def test_a_request_keeps_what_it_came_with_through_every_attempt(
        self, home: Home, upstream: ScriptedUpstream, second: ScriptedUpstream
    ) -> None:
        held = Gate("the settings changed")

        async def overloaded(_: Call) -> Answer:
            await held.passed()
            return as_json(b'{"error": {"message": "overloaded", "type": "overloaded_error"}}', 529)

        upstream.script = overloaded
        chain = '[route]\ndefault = "first"\nfallback = ["second"]'
        home.write(table("first", upstream), table("second", second, key="old-key"), chain)
        engine = await home.engine()
        asking = asyncio.create_task(engine.ask())
        await upstream.arrived(1)
        home.write(table("second", second, key="new-key", dialect="openai-chat"), route("second"))
        await reloaded(engine)
        held.open()
        assert (await asking).status_code == 200
        assert (second.calls[0].path, second.calls[0].header("authorization")) == ("/v1/messages", "Bearer old-key")

    async def test_what_a_provider_did_before_tells_nothing_of_it_now(
        self, home: Home, upstream: ScriptedUpstream
    ) -> None:
        held = Gate("the key was changed")

        async def refused(_: Call) -> Answer:
            await held.passed()
            return as_json(b'{"error": {"message": "no", "type": "authentication_error"}}', 401)

        upstream.script = refused
        home.write(table("first", upstream, key="wrong"), route("first"))
        engine = await home.engine()
        asking = asyncio.create_task(engine.ask())
        await upstream.arrived(1)
        home.write(table("first", upstream), route("first"))
        await reloaded(engine)
        held.open()
        assert (await asking).status_code == 401
        assert next(each for each in (await engine.snapshot()).providers if each.name == "first").health == "unused"

    async def test_a_new_set_up_forgets_old_failures(self, home: Home, upstream: ScriptedUpstream) -> None:
        upstream.script = as_json(b'{"error": {"message": "no", "type": "authentication_error"}}', 401)
        home.write(table("first", upstream, key="wrong"), route("first"))
        engine = await home.engine()
        await engine.ask()
        assert (await engine.snapshot()).providers[0].health == "refused"
        home.write(table("first", upstream), route("first"))
        await reloaded(engine)
        assert (await engine.snapshot()).providers[0].health == "unused"

    async def test_wrong_settings_are_refused_with_their_place_and_change_nothing(
        self, home: Home, upstream: ScriptedUpstream
    ) -> None:
        home.write(table("first", upstream), route("first"))
        engine = await home.engine()
        home.write(table("first", upstream).replace("base_url", "base_ulr"), route("elsewhere"))
        response = await engine.command("reload", c.Reload())
        assert response.status_code == 409
        assert "config.toml:6: providers.first.base_ulr is no setting; did you mean base_url?" in response.text
        assert (await engine.ask()).status_code == 200
        assert (await engine.snapshot()).route.default == "first"

    async def test_tables_that_count_later_are_named(self, home: Home, upstream: ScriptedUpstream) -> None:
        home.write(table("first", upstream))
        engine = await home.engine()
        prices = "[prices.own]\ninput = 1\noutput = 2"
        home.write(table("first", upstream), prices, "[budget]\nday_usd = 5", engine="drain_s = 3")
        assert await reloaded(engine) == c.Reloaded(tables=("prices",), later=("engine", "budget"))
        assert await reloaded(engine) == c.Reloaded(later=("engine", "budget"))

    async def test_prices_count_from_the_next_request_on(self, home: Home, upstream: ScriptedUpstream) -> None:
        upstream.script = as_stream(message_stream(model="own", usage={"input_tokens": 10**6}))
        home.write(table("first", upstream), route("first"))
        engine = await home.engine()
        home.write(table("first", upstream), route("first"), "[prices.own]\ninput = 3\noutput = 0")
        await reloaded(engine)
        await engine.ask(message("own"))
        record = await engine.record()
        assert (record.cost_nano_usd, record.cost_source) == (3 * 10**9, "settings")

    async def test_panels_are_told(self, home: Home, upstream: ScriptedUpstream) -> None:
        home.write()
        engine = await home.engine()
        home.write(table("first", upstream), route("nobody"))
        answer = await reloaded(engine)
        state = await engine.snapshot()
        assert [notice.text for notice in state.notices] == ["settings read anew: added first"]
        assert answer.problems == state.problems
        assert "route.default" in answer.problems[0]


class TestTrial:
    async def test_its_models_and_what_they_cost_are_told_and_it_is_not_set_up(
        self, home: Home, upstream: ScriptedUpstream
    ) -> None:
        upstream.script = listing
        home.write()
        engine = await home.engine()
        answer = await tried(engine, preset="custom", base_url=upstream.url, api_key=KEY)
        assert (answer.ok, answer.text, answer.key_tried) == (True, "new answers: 2 models", True)
        assert [(model.provider, model.id) for model in answer.models] == [("new", "glm-5"), ("new", "glm-5-air")]
        assert answer.models[0].input_nano_usd
        state = await engine.snapshot()
        assert [each.name for each in state.providers if each.name == "new"] == []

    async def test_a_refused_key_is_told_in_the_provider_s_own_words(
        self, home: Home, upstream: ScriptedUpstream
    ) -> None:
        upstream.script = listing
        home.write()
        answer = await tried(await home.engine(), preset="custom", base_url=upstream.url, api_key="wrong")
        assert (answer.ok, answer.text) == (False, f"new refused the key (status 401): {WORDS}")

    @pytest.mark.parametrize("body", [b'{"detail": "token expired"}', b"token expired"])
    async def test_words_in_no_known_shape_are_told_too(
        self, home: Home, upstream: ScriptedUpstream, body: bytes
    ) -> None:
        upstream.script = as_json(body, 403)
        home.write()
        answer = await tried(await home.engine(), preset="custom", base_url=upstream.url, api_key=KEY)
        assert answer.text == f"new refused the key (status 403): {body.decode()}"

    async def test_a_key_in_the_provider_s_words_is_masked(self, home: Home, upstream: ScriptedUpstream) -> None:
        upstream.script = as_json(f'{{"error": {{"message": "no such key: {KEY}"}}}}'.encode(), 401)
        home.write()
        answer = await tried(await home.engine(), preset="custom", base_url=upstream.url, api_key=KEY)
        assert (KEY in answer.text, "no such key" in answer.text) == (False, True)

    async def test_a_list_for_everybody_does_not_pass_for_a_tried_key(
        self, home: Home, upstream: ScriptedUpstream
    ) -> None:
        upstream.script = as_json(models_body("glm-5"))
        home.write()
        answer = await tried(await home.engine(), preset="custom", base_url=upstream.url, api_key="anything")
        assert (answer.ok, answer.key_tried) == (True, False)
        assert "the first request will try the key" in answer.text
        assert [call.header("authorization") for call in upstream.calls] == ["Bearer anything", None]

    async def test_no_list_speaks_against_nobody(self, home: Home, upstream: ScriptedUpstream) -> None:
        upstream.script = as_json(b"{}", 404)
        home.write()
        engine = await home.engine()
        answer = await tried(engine, preset="custom", base_url=upstream.url, api_key=KEY, models=["mine"])
        assert (answer.ok, [model.id for model in answer.models]) == (True, ["mine"])
        assert f"no list of models at {upstream.url}/v1/models" in answer.text
        unlisted = await tried(engine, preset="respan", api_key=KEY)
        assert (unlisted.ok, unlisted.text) == (True, "new lists no models, so there is nothing to ask for free")

    async def test_a_key_that_cannot_be_had_is_told(self, home: Home, upstream: ScriptedUpstream) -> None:
        home.write()
        engine = await home.engine()
        absent = await tried(engine, preset="custom", base_url=upstream.url, api_key="env:NOBODY_S_KEY")
        failed = await tried(engine, preset="respan", api_key="cmd:false")
        assert (absent.ok, failed.ok, upstream.calls) == (False, False, [])
        assert "NOBODY_S_KEY is not set where the engine was started" in absent.text
        assert "cmd:false ended with 1" in failed.text

    async def test_wrong_settings_are_refused_by_their_name(self, home: Home) -> None:
        home.write()
        engine = await home.engine()
        assert (
            await refusal(engine, preset="grok")
            == "providers.new.preset: no preset is called 'grok'; did you mean 'groq'?"
        )
        assert await refusal(engine, presett="x") == "providers.new.presett is no setting; did you mean preset?"
        assert "image is no quirk; did you mean images?" in await refusal(engine, preset="groq", quirks={"image": True})
        assert "base_url is missing" in await refusal(engine, preset="custom")

    async def test_a_file_with_a_mistake_is_told_before_anybody_writes_into_it(self, home: Home) -> None:
        home.write()
        engine = await home.engine()
        home.write("[rout]")
        assert "rout is no setting; did you mean route?" in await refusal(engine, preset="groq", api_key=KEY)


class TestPresets:
    async def test_every_known_provider_is_told_in_the_order_of_offers(self, home: Home) -> None:
        home.write()
        engine = await home.engine({"GROQ_API_KEY": KEY})
        response = await engine.look("presets")
        presets = msgspec.json.decode(response.content, type=c.PresetList).presets
        by_name = {each.name: each for each in presets}
        assert list(by_name) == [each.name for each in PRESETS]
        assert (by_name["groq"].variables_set, by_name["zai"].variables_set) == (("GROQ_API_KEY",), ())
        assert KEY not in response.text

    @pytest.mark.parametrize(
        ("name", "environ", "needs"),
        [
            ("custom", {}, ("base_url",)),
            ("azure", {"ANTHROPIC_FOUNDRY_BASE_URL": "https://x.example/anthropic"}, ()),
            ("vertex", {}, ("project", "region")),
            ("vertex", {"GOOGLE_CLOUD_PROJECT": "p"}, ("region",)),
            ("bedrock", {}, ("region",)),
            ("groq", {}, ()),
        ],
    )
    async def test_what_the_user_has_to_say_is_told(
        self, home: Home, name: str, environ: dict[str, str], needs: tuple[str, ...]
    ) -> None:
        home.write()
        response = await (await home.engine(environ)).look("presets")
        presets = msgspec.json.decode(response.content, type=c.PresetList).presets
        assert next(each for each in presets if each.name == name).needs == needs
