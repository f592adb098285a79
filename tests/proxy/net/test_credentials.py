"""No credential reaches a host that it is not meant for."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy import contract as c
from proxy.settings import SettingsError
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, passthrough, provider, settings
from tests.upstreams import Call, ScriptedUpstream, as_json, as_stream, error_body, message_stream, redirect

CLIENT_SECRETS = {
    "authorization": "Bearer sk-ant-oat01-canary-login",
    "x-api-key": "sk-ant-api03-canary-key",
    "proxy-authorization": "Basic canary-proxy",
    "cookie": "session=canary-cookie",
    "api-key": "canary-azure",
    "x-goog-api-key": "canary-google",
}
"""What a client may carry; each word ``canary`` upstream is a leak."""

KEYS: dict[str, Any] = {
    "literal": "provider-key-literal",
    "environment": "env:TEAM_KEY",
    "command": f"cmd:{sys.executable} -c \"print('provider-key-command')\"",
    "list": ["env:NOT_SET", "env:TEAM_KEY"],
}
EXPECTED = {
    "literal": "provider-key-literal",
    "environment": "provider-key-environment",
    "command": "provider-key-command",
    "list": "provider-key-environment",
}
ENVIRON = {"TEAM_KEY": "provider-key-environment"}


def everything_of(call: Call) -> str:
    return f"{call.target} {call.headers} {call.body!r}"


@pytest.mark.parametrize("kind", list(KEYS))
@pytest.mark.parametrize("auth", ["bearer", "x-api-key"])
async def test_a_provider_with_a_key_gets_that_key_and_nothing_of_the_client(
    start: StartEngine, upstream: ScriptedUpstream, auth: str, kind: str
) -> None:
    engine = await start(settings(provider(upstream, auth=auth, api_key=KEYS[kind])), ENVIRON)
    await engine.ask(None, **CLIENT_SECRETS)
    call = upstream.calls[0]
    told = (call.header("authorization"), call.header("x-api-key"))
    assert told == ((f"Bearer {EXPECTED[kind]}", None) if auth == "bearer" else (None, EXPECTED[kind]))
    assert "canary" not in everything_of(call)


async def test_a_provider_without_a_key_gets_no_credential_at_all(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings({"preset": "llamacpp", "base_url": upstream.url}))
    await engine.ask(None, **CLIENT_SECRETS)
    call = next(each for each in upstream.calls if each.path == "/v1/messages")
    assert "canary" not in everything_of(call)


async def test_the_client_s_login_passes_to_the_host_that_the_user_named(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(passthrough(upstream)))
    await engine.ask(authorization="Bearer sk-ant-oat01-login", anthropic_beta="oauth-2025-04-20,other")
    call = upstream.calls[0]
    told = (call.header("authorization"), call.header("anthropic-beta"))
    assert told == ("Bearer sk-ant-oat01-login", "oauth-2025-04-20,other")


async def test_the_client_s_key_passes_to_the_host_that_the_user_named(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(passthrough(upstream)))
    await engine.ask(x_api_key="sk-ant-api03-mine")
    assert upstream.calls[0].header("x-api-key") == "sk-ant-api03-mine"


async def test_cookies_of_the_client_do_not_pass_even_with_its_login(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(passthrough(upstream)))
    await engine.ask(authorization="Bearer sk-ant-oat01-login", cookie="session=canary-cookie")
    assert upstream.calls[0].header("cookie") is None


async def test_the_login_is_not_taken_along_when_the_request_falls_back(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    engine = await start(settings(passthrough(upstream), provider(second), fallback=True))
    await engine.ask(authorization="Bearer sk-ant-oat01-canary", anthropic_beta="oauth-2025-04-20")
    assert "canary" not in everything_of(second.calls[0])


async def test_the_login_is_not_taken_along_when_traffic_is_sent_elsewhere(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await start(settings(passthrough(upstream), provider(second)))
    await engine.command("use", c.Use(target="second"))
    await engine.ask(authorization="Bearer sk-ant-oat01-canary")
    assert "canary" not in everything_of(second.calls[0])


@pytest.mark.parametrize("auth", ["bearer", "passthrough", "none"])
@pytest.mark.parametrize("place", ["x-cctui-token", "authorization", "x-api-key"])
async def test_the_local_token_never_goes_upstream(
    start: StartEngine, upstream: ScriptedUpstream, auth: str, place: str
) -> None:
    chosen = {
        "bearer": provider(upstream),
        "passthrough": {**passthrough(upstream), "api_key": "own-key"},
        "none": {"preset": "llamacpp", "base_url": upstream.url},
    }[auth]
    engine = await start(settings(chosen))
    token = f"Bearer {engine.token}" if place == "authorization" else engine.token
    del engine.http.headers[c.TOKEN_HEADER]
    await engine.http.post("/v1/messages", json=message(), headers={place: token, "x-cctui-project": "shop"})
    told = " ".join(map(everything_of, upstream.calls))
    assert "/v1/messages" in told
    assert engine.token not in told
    assert "x-cctui" not in told


async def test_other_paths_carry_the_provider_s_key_and_nothing_of_the_client(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await engine.http.get("/v1/files", headers=CLIENT_SECRETS)
    call = upstream.calls[0]
    assert call.header("authorization") == "Bearer key-of-the-provider"
    assert "canary" not in everything_of(call)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_error_and_never_followed(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, status: int
) -> None:
    upstream.script = redirect(f"{second.url}/v1/messages", status)
    response = await engine.ask()
    record = await engine.record()
    assert (response.status_code, response.json()["error"]["type"], len(second.calls)) == (502, "api_error", 0)
    assert (record.attempts[0].outcome, "location" in response.headers) == ("redirected", False)


async def test_a_redirect_of_another_path_is_not_followed_either(
    engine: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = redirect(f"{second.url}/v1/files")
    response = await engine.http.get("/v1/files")
    assert (response.status_code, len(second.calls)) == (502, 0)


async def test_a_redirected_model_list_is_not_followed(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = redirect(f"{second.url}/v1/models")
    engine = await start(settings({"base_url": upstream.url, "api_key": "key"}))
    response = await engine.look("models", refresh="1")
    assert (response.status_code, len(second.calls)) == (200, 0)


async def test_cookies_of_a_provider_are_not_kept_for_another_session(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(message_stream(), headers=(("set-cookie", "id=canary; Path=/"),))
    await engine.ask(x_claude_code_session_id="one")
    await engine.ask(x_claude_code_session_id="two")
    assert upstream.calls[1].header("cookie") is None


async def test_without_any_credential_the_request_is_refused_in_words(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream, api_key="env:NOT_SET")))
    response = await engine.ask()
    assert (response.status_code, response.json()["error"]["type"]) == (401, "authentication_error")
    assert "NOT_SET" in response.json()["error"]["message"]
    assert upstream.calls == []


async def test_a_key_command_that_fails_says_why(start: StartEngine, upstream: ScriptedUpstream) -> None:
    command = f"cmd:{sys.executable} -c \"raise SystemExit('the vault is locked')\""
    engine = await start(settings(provider(upstream, api_key=command)))
    response = await engine.ask()
    assert (response.status_code, "the vault is locked" in response.text) == (401, True)


async def test_a_key_command_runs_once_for_many_requests(
    start: StartEngine, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    script = tmp_path / "key.py"
    script.write_text(f"open({str(tmp_path / 'runs')!r}, 'a').write('x'); print('the-key')")
    engine = await start(settings(provider(upstream, api_key=f"cmd:{sys.executable} {script}")))
    await asyncio.gather(*(engine.ask() for _ in range(5)))
    assert (tmp_path / "runs").read_text() == "x"


async def test_a_refused_key_makes_the_command_run_again(
    start: StartEngine, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    script = tmp_path / "key.py"
    script.write_text(f"open({str(tmp_path / 'runs')!r}, 'a').write('x'); print('the-key')")
    upstream.script = as_json(error_body("authentication_error", "invalid x-api-key"), 401)
    engine = await start(settings(provider(upstream, api_key=f"cmd:{sys.executable} {script}")))
    await engine.ask()
    assert (tmp_path / "runs").read_text() == "xx"


async def test_a_login_is_not_let_out_to_a_host_that_nobody_named(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    with pytest.raises(SettingsError, match="passthrough_host"):
        await start(settings(provider(upstream, auth="passthrough")))


SECRET_HEADERS = {
    "x-portkey-api-key": "pk-canary",
    "cf-access-client-secret": "canary",
    "x-gateway-token": "canary",
    "x-my-auth": "canary",
}


async def test_secrets_in_the_clients_own_headers_stay_away_from_a_provider_with_a_key(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await engine.ask(None, **SECRET_HEADERS, **{"x-team": "kept", "idempotency-key": "kept"})

    assert "canary" not in everything_of(upstream.calls[0])
    assert upstream.calls[0].header("x-team") == upstream.calls[0].header("idempotency-key") == "kept"


async def test_secrets_in_the_clients_own_headers_go_along_with_its_login(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(passthrough(upstream)))

    await engine.ask(None, authorization="Bearer login", **SECRET_HEADERS)

    assert {name: upstream.calls[0].header(name) for name in SECRET_HEADERS} == SECRET_HEADERS
