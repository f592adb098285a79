"""How ``claude`` is set up: the variables, the merged settings, the arguments."""

import json
from pathlib import Path

import pytest

from proxy import contract as c
from proxy.contract import PROJECT_HEADER
from proxy.protocol.identity import identify
from tui import launch
from tui.claude_settings import Layer, Login

TOKEN = "cctui-local"
SUBSCRIBER = Login("CLAUDE_CODE_OAUTH_TOKEN", subscriber=True)
KEY = Login("ANTHROPIC_API_KEY", subscriber=False)
FAVOURITE = c.Model(provider="openrouter", id="openai/gpt-5.5", name="GPT-5.5", published_id="anthropic/gpt-5.5")


def plan(*, own: bool = True, real: bool = True, favourite: c.Model | None = None) -> c.LaunchPlan:
    return c.LaunchPlan(
        url="http://127.0.0.1:8787",
        provider="openrouter",
        own_credential=own,
        real_claude=real,
        favourite=favourite,
    )


def block(
    *, told: c.LaunchPlan | None = None, env: dict[str, str] | None = None, login: Login | None = None, **more: object
) -> dict[str, str]:
    around = launch.Surroundings(env=env or {}, login=login, **more)  # type: ignore[arg-type]
    return launch.environment_block(told or plan(), TOKEN, around)


def test_the_base_url_is_the_engines() -> None:
    assert block(env={"ANTHROPIC_BASE_URL": "http://stale"})["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8787"


def test_the_local_token_and_the_project_travel_as_headers() -> None:
    headers = block(project="shop")["ANTHROPIC_CUSTOM_HEADERS"]
    assert headers == "x-cctui-token: cctui-local\nx-cctui-project: shop"


def test_the_users_own_headers_are_kept_and_the_stronger_place_wins() -> None:
    headers = block(custom_headers=("X-Team: a\nX-Trace: 1", "x-team: b"))["ANTHROPIC_CUSTOM_HEADERS"]
    assert headers.splitlines() == ["x-team: b", "X-Trace: 1", "x-cctui-token: cctui-local"]


def test_our_headers_of_an_outer_launch_are_not_passed_on_twice() -> None:
    headers = block(custom_headers=("X-CCTUI-Token: old\nx-cctui-project: outer",))["ANTHROPIC_CUSTOM_HEADERS"]
    assert headers == "x-cctui-token: cctui-local"


@pytest.mark.parametrize(
    ("own", "login", "env", "token"),
    [
        (True, None, {}, TOKEN),
        (True, SUBSCRIBER, {}, None),
        (True, KEY, {}, None),
        (False, None, {}, None),
        (False, SUBSCRIBER, {}, None),
        (False, SUBSCRIBER, {"ANTHROPIC_AUTH_TOKEN": TOKEN}, ""),
        (False, KEY, {"ANTHROPIC_AUTH_TOKEN": "users-own"}, None),
    ],
)
def test_a_token_stands_in_for_a_login_only_where_there_is_none(
    own: bool, login: Login | None, env: dict[str, str], token: str | None
) -> None:
    assert block(told=plan(own=own), env=env, login=login).get("ANTHROPIC_AUTH_TOKEN") == token


@pytest.mark.parametrize(
    ("real", "names"),
    [(True, {"ENABLE_TOOL_SEARCH", "CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING"}), (False, set())],
)
def test_claudes_own_tool_features_are_on_where_claude_answers(real: bool, names: set[str]) -> None:
    given = {name for name in block(told=plan(real=real)) if "TOOL" in name and "TOKEN" not in name}
    assert given == names


def test_what_the_user_decided_about_features_stands() -> None:
    env = {"ENABLE_TOOL_SEARCH": "0", "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "0"}
    assert not env.keys() & block(env=env).keys()


def test_discovery_is_on() -> None:
    assert block()["CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"] == "1"


@pytest.mark.parametrize(("login", "there"), [(SUBSCRIBER, True), (KEY, False), (None, False)])
def test_the_favourite_is_in_the_picker_of_clients_that_ask_for_no_list(login: Login | None, there: bool) -> None:
    given = block(told=plan(favourite=FAVOURITE), login=login)
    assert (given.get("ANTHROPIC_CUSTOM_MODEL_OPTION") == "anthropic/gpt-5.5") is there


@pytest.mark.parametrize(("value", "stray"), [("1", True), ("true", True), ("0", False), ("", False), (" off ", False)])
def test_a_cloud_that_would_take_the_traffic_is_switched_off_and_said(value: str, stray: bool) -> None:
    env = {"CLAUDE_CODE_USE_BEDROCK": value}
    assert (block(env=env).get("CLAUDE_CODE_USE_BEDROCK") == "") is stray
    said = launch.notes(plan(), launch.Surroundings(env=env))
    assert any("CLAUDE_CODE_USE_BEDROCK" in note for note in said) is stray


def test_a_missing_login_is_said_where_one_is_needed() -> None:
    around = launch.Surroundings(env={})
    assert "openrouter needs it" in launch.notes(plan(own=False), around)[0]
    assert launch.notes(plan(own=True), around) == []


def test_loopback_stays_off_an_http_proxy() -> None:
    given = block(env={"HTTPS_PROXY": "http://proxy:3128", "no_proxy": "intranet, localhost"})
    assert given["NO_PROXY"] == given["no_proxy"] == "intranet,localhost,127.0.0.1"


def test_without_an_http_proxy_nothing_is_said_about_one() -> None:
    assert not {"NO_PROXY", "no_proxy"} & block(env={"NO_PROXY": "intranet"}).keys()


@pytest.mark.parametrize(
    ("arguments", "value", "merged"),
    [
        ([], None, ["--settings", "F"]),
        (["-p", "hi"], None, ["--settings", "F", "-p", "hi"]),
        (["--settings", "a.json", "-p"], "a.json", ["--settings", "F", "-p"]),
        (["-p", "--settings=a.json"], "a.json", ["-p", "--settings=F"]),
        (["--settings", "a", "--settings=b", "x"], "b", ["--settings", "a", "--settings=F", "x"]),
        (["--add-dir", "d", "--settings", "a", "hi"], "a", ["--add-dir", "d", "--settings", "F", "hi"]),
        (["-p", "--", "--settings", "a"], None, ["--settings", "F", "-p", "--", "--settings", "a"]),
        (["--settings"], None, ["--settings", "F", "--settings"]),
    ],
)
def test_our_settings_take_the_place_of_the_users_that_count(
    arguments: list[str], value: str | None, merged: list[str]
) -> None:
    assert launch.own_settings(arguments) == value
    assert launch.with_settings(arguments, "F") == merged


def test_the_users_settings_are_read_inline_and_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"model": "opus"}')
    assert launch.read_settings('{"model": "opus"}', tmp_path) == {"model": "opus"}
    assert launch.read_settings("mine.json", tmp_path) == {"model": "opus"}
    assert launch.read_settings(None, tmp_path) == {}


@pytest.mark.parametrize("value", ["missing.json", '{"half": }', "list.json"])
def test_settings_that_cannot_be_merged_are_said(value: str, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(launch.LaunchError, match="--settings"):
        launch.read_settings(value, tmp_path)


def test_merging_keeps_the_users_settings_and_their_other_variables() -> None:
    own: dict[str, object] = {"model": "opus", "env": {"MINE": "1", "ANTHROPIC_BASE_URL": "stale"}}
    assert launch.merge_settings(own, {"ANTHROPIC_BASE_URL": "ours"}) == {
        "model": "opus",
        "env": {"MINE": "1", "ANTHROPIC_BASE_URL": "ours"},
    }
    assert own["env"] == {"MINE": "1", "ANTHROPIC_BASE_URL": "stale"}


@pytest.mark.parametrize(
    ("name", "label", "value"),
    [
        ("shop-api", "shop-api", "shop-api"),
        ("my shop", "my shop", "my shop"),
        ("cafe\u0301", "café", "caf%C3%A9"),
        ("项目", "项目", "%E9%A1%B9%E7%9B%AE"),
        ("100%", "100%", "100%25"),
        ("a\nx-evil: 1", "a x-evil: 1", "a x-evil: 1"),
        ("  ", "", ""),
        ("x" * 99, "x" * 64, "x" * 64),
    ],
)
def test_a_projects_name_is_recorded_as_it_is_and_travels_in_a_header(name: str, label: str, value: str) -> None:
    assert launch.project_label(name) == label
    assert launch.header_value(label) == value
    assert identify({PROJECT_HEADER: value}, None).project == (label or None)


def test_stronger_settings_that_undo_a_variable_are_named() -> None:
    stale = Layer(Path("/s.json"), {"env": {"ANTHROPIC_BASE_URL": "http://x", "OTHER": "1"}})
    assert launch.overriding([stale], {"ANTHROPIC_BASE_URL": "http://y"}) == [
        "/s.json sets ANTHROPIC_BASE_URL, which beats what is set here"
    ]
    assert launch.overriding([stale], json.loads('{"ANTHROPIC_BASE_URL": "http://x"}')) == []
