"""How checks run: what they send and where, what is kept, what is refused, how they end."""

from typing import Any

import msgspec
import pytest

from proxy import contract as c
from tests.proxy.checkup.checking import Check
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, provider, settings
from tests.upstreams import Hold, Raw, ScriptedUpstream


@pytest.fixture
async def check(start: StartEngine, upstream: ScriptedUpstream) -> Check:
    """Of a provider that works."""
    made = Check("anthropic")
    await made.begin(start, upstream)
    return made


async def refusal(engine: RunningEngine, command: c.RunCheck) -> str:
    response = await engine.command("check", command)
    assert response.status_code >= 400
    return msgspec.json.decode(response.content, type=c.Refusal).message


async def plan(engine: RunningEngine, **fields: Any) -> c.CheckReport:
    response = await engine.command("check", c.RunCheck(dry_run=True, **fields))
    return msgspec.json.decode(response.content, type=c.CheckReport)


async def test_its_requests_are_in_the_ledger_under_a_session_of_their_own(check: Check) -> None:
    results = await check.run("key", "tool")

    report = await check.report()
    found = await check.engine.look("requests", session=report.session or "")
    rows = msgspec.json.decode(found.content, type=tuple[c.Request, ...])
    assert {(row.role, row.client, row.outcome) for row in rows} == {("background", "cctui-check", "served")}
    assert sum(row.cost_nano_usd or 0 for row in rows) == sum(each.cost_nano_usd for each in results.values()) > 0


async def test_nothing_of_it_goes_to_the_next_target(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    check = Check("anthropic")
    await check.begin(start, upstream, "key refused")
    other = provider(second, models=["claude-opus-4-8"])
    first = {"preset": "custom", "base_url": upstream.url, "dialect": "anthropic", "auth": "bearer", "api_key": "k"}
    check.engine = await start(settings({**first, "models": [check.model]}, other, fallback=True))

    results = await check.run("key")

    assert results["key"].verdict == "fail"
    assert second.calls == []


async def test_the_session_of_a_check_is_not_the_one_that_was_active_last(check: Check) -> None:
    await check.engine.ask(x_claude_code_session_id="5e551011-aaaa")
    await check.run("key")

    answer = msgspec.json.decode((await check.engine.look("session")).content, type=c.SessionReport)

    assert answer.session_id == "5e551011-aaaa"


async def test_a_plan_tells_what_it_costs_and_sends_nothing(check: Check, upstream: ScriptedUpstream) -> None:
    before = len(upstream.calls)

    planned = await plan(check.engine, target=check.target)

    assert (planned.requests, planned.session, planned.running) == (17, None, False)
    assert 50_000_000 < (planned.likely_nano_usd or 0) < (planned.most_nano_usd or 0) < 2_000_000_000
    assert [call for call in upstream.calls[before:] if call.method == "POST"] == []


async def test_a_plan_without_long_prompts_is_cheaper(check: Check) -> None:
    whole = await plan(check.engine, target=check.target)
    short = await plan(check.engine, target=check.target, skip=("long", "cache"))

    assert (short.likely_nano_usd or 0) * 3 < (whole.likely_nano_usd or 0)


async def test_without_a_price_the_cost_is_unknown_and_not_nothing(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    check = Check("openai-chat", "mystery-1")
    await check.begin(start, upstream)

    planned = await plan(check.engine, target=check.target)
    results = await check.run("cost")

    assert (planned.likely_nano_usd, planned.most_nano_usd) == (None, None)
    assert (results["cost"].verdict, results["key"].unpriced) == ("degraded", 1)
    assert "no price is known" in results["cost"].text


async def test_what_was_found_is_kept_and_a_new_verdict_takes_the_place_of_the_old(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    check = Check("anthropic")
    await check.begin(start, upstream, "image ignored")
    await check.run("key", "image")
    await check.engine.stop()
    await check.begin(start, upstream)

    kept = {each.name: each.verdict for each in (await check.report()).results}
    renewed = {name: each.verdict for name, each in (await check.run("image")).items()}

    assert kept == {"key": "pass", "image": "fail"}
    assert renewed == {"key": "pass", "image": "pass"}


async def test_models_and_providers_show_what_was_found(start: StartEngine, upstream: ScriptedUpstream) -> None:
    check = Check("anthropic")
    await check.begin(start, upstream, "image ignored")
    await check.run("key", "image")

    listed = msgspec.json.decode((await check.engine.look("models")).content, type=c.ModelList)

    model = next(each for each in listed.models if each.provider == "first")
    own = next(each for each in listed.providers if each.name == "first")
    assert model.check is not None
    assert (model.check.failed, model.check.degraded) == (("image",), ())
    assert own.checks == (model.check,)


async def test_after_a_refused_key_nothing_else_is_asked(start: StartEngine, upstream: ScriptedUpstream) -> None:
    check = Check("anthropic")
    await check.begin(start, upstream, "key refused")
    await check.engine.command("check", c.RunCheck(target=check.target))
    await check.ended()

    posts = [call for call in upstream.calls if call.method == "POST"]
    results = {each.name: each for each in (await check.report()).results}

    assert len(posts) == 1
    assert results["key"].verdict == "fail"
    assert results["tool"].text == "not asked, for want of this: key"


async def test_what_was_not_asked_does_not_take_the_place_of_what_was_found(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    check = Check("anthropic")
    await check.begin(start, upstream)
    await check.run("key", "image")
    await check.engine.stop()
    await check.begin(start, upstream, "key refused")
    await check.run("key", "image")
    await check.engine.stop()

    await check.begin(start, upstream)

    assert {each.name: each.verdict for each in (await check.report()).results} == {"key": "fail", "image": "pass"}


async def test_an_error_that_was_meant_says_nothing_of_the_provider_s_health(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    check = Check("anthropic")
    await check.begin(start, upstream, "error of another kind")

    await check.run("error")

    health = next(each for each in (await check.engine.snapshot()).providers if each.name == "first").health
    assert health == "unused"


async def test_a_check_is_stopped_in_the_middle_of_an_answer(check: Check, upstream: ScriptedUpstream) -> None:
    upstream.script = Raw((Hold(),))
    await check.engine.command("check", c.RunCheck(target=check.target, only=("key",)))
    await check.engine.engine.arrived()

    await check.engine.command("check/stop", c.StopCheck(target=check.target))
    await check.ended()

    (result,) = (await check.report()).results
    record = await check.engine.record()
    assert (result.verdict, result.at) == ("skipped", None)
    assert (result.requests, result.unpriced, record.outcome) == (1, int(record.cost_nano_usd is None), "cancelled")


async def test_the_engine_s_end_ends_a_check(check: Check, upstream: ScriptedUpstream) -> None:
    upstream.script = Raw((Hold(),))
    await check.engine.command("check", c.RunCheck(target=check.target))
    await check.engine.engine.arrived()

    await check.engine.stop()

    assert check.engine.engine.checkups.idle.is_set()


async def test_a_target_is_checked_once_at_a_time(check: Check, upstream: ScriptedUpstream) -> None:
    upstream.script = Raw((Hold(),))
    await check.engine.command("check", c.RunCheck(target=check.target))

    assert "is being checked already" in await refusal(check.engine, c.RunCheck(target=check.target))


async def test_a_name_that_nothing_has_is_refused_with_the_nearest(check: Check) -> None:
    words = await refusal(check.engine, c.RunCheck(target=check.target, only=("straem",)))
    assert "did you mean stream?" in words


async def test_a_provider_that_only_the_client_has_a_login_for_cannot_be_checked(check: Check) -> None:
    words = await refusal(check.engine, c.RunCheck(target="anthropic/claude-opus-4-8"))
    assert "only Claude Code has a login for it" in words


async def test_a_group_is_checked_by_its_members(start: StartEngine, upstream: ScriptedUpstream) -> None:
    groups = {"both": {"members": [{"target": "first"}]}}
    engine = await start(settings(provider(upstream), groups=groups))

    assert "check its members one by one: first" in await refusal(engine, c.RunCheck(target="both"))


async def test_of_a_provider_the_model_that_was_used_last_is_checked(check: Check) -> None:
    await check.engine.ask()

    assert (await plan(check.engine, target="first")).target == "first/claude-opus-4-8"


async def test_what_the_format_cannot_count_is_not_asked(start: StartEngine, upstream: ScriptedUpstream) -> None:
    profile = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/anthropic.abc"
    check = Check("bedrock", profile)
    await check.begin(start, upstream)

    results = await check.run("count")

    assert (results["count"].verdict, results["key"].verdict) == ("skipped", "pass")


async def test_an_unchecked_target_says_how_to_check_it(check: Check) -> None:
    response = await check.engine.look("check", target=check.target)

    assert response.status_code == 404
    assert "cctui check first/claude-opus-4-8" in response.text


async def test_a_used_up_budget_leaves_everything_unasked(start: StartEngine, upstream: ScriptedUpstream) -> None:
    check = Check("anthropic")
    await check.begin(start, upstream)
    await check.engine.command("budget/set", c.SetBudget(kind="day", amount_nano_usd=1))
    await check.engine.ask()
    await check.engine.record()
    before = len(upstream.calls)

    await check.engine.command("check", c.RunCheck(target=check.target, skip=("list",)))
    await check.ended()

    plain = next(each for each in (await check.report()).results if each.name == "plain")
    assert plain.verdict == "skipped"
    assert "nothing was sent" in plain.text
    assert len(upstream.calls) == before


async def test_a_used_up_budget_does_not_send_a_check_to_the_cheaper_target(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    check = Check("anthropic")
    await check.begin(start, upstream)
    first = {"preset": "custom", "base_url": upstream.url, "dialect": "anthropic", "auth": "bearer", "api_key": "k"}
    cheaper = provider(second, models=["claude-opus-4-8"])
    budget = {"day_usd": 0.000001, "action": "downgrade", "downgrade_to": "second/claude-opus-4-8"}
    check.engine = await start(settings({**first, "models": [check.model]}, cheaper, budget=budget))
    await check.engine.ask()
    await check.engine.record()

    results = await check.run("plain")

    assert results["plain"].verdict == "skipped"
    assert second.calls == []


async def test_a_cancelled_answer_is_closed_at_its_provider(check: Check, upstream: ScriptedUpstream) -> None:
    await check.run("cancel")

    order = next(call.order for call in upstream.calls if b"numbers from 1 to 200" in call.body)
    assert not (await upstream.wait_closed(order)).answered


async def test_a_check_costs_no_more_than_was_said(check: Check) -> None:
    planned = await plan(check.engine, target=check.target)

    results = await check.run()

    assert 0 < sum(each.cost_nano_usd for each in results.values()) <= (planned.most_nano_usd or 0)
    assert sum(each.requests for each in results.values()) <= planned.requests
