"""What the doctor finds, and the remedy for it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy import contract as c
from proxy.paths import Paths, local_token
from tests.tui.cli.conftest import StartStub
from tests.tui.scenes import blank
from tui import doctor, engine_process
from tui.claude_settings import Layer, Login, Setup
from tui.cli import cctui

URL = "http://127.0.0.1:8787"


def provider(**fields: object) -> c.Provider:
    return c.Provider(name="team", dialect="anthropic", base_url="https://team.example", **fields)  # type: ignore[arg-type]


def setup(
    environ: dict[str, str] | None = None,
    layers: dict[str, dict[str, str]] | None = None,
    managed: dict[str, dict[str, str]] | None = None,
) -> Setup:
    def read(files: dict[str, dict[str, str]] | None) -> tuple[Layer, ...]:
        return tuple(Layer(Path(name), {"env": env}) for name, env in (files or {}).items())

    return Setup(environ or {}, Path("/home/u"), Path("/work"), read(layers), read(managed))


@pytest.mark.parametrize(
    ("row", "state", "words"),
    [
        (provider(key="sk…1", key_origin="TEAM_KEY", models=3), "ok", "key sk…1 from TEAM_KEY, 3 models"),
        (provider(auth="passthrough"), "ok", "your login"),
        (provider(auth="none", models=1), "ok", "no key needed, 1 model, at"),
        (provider(key_error="TEAM_KEY is not set", key_origin="TEAM_KEY"), "fail", "TEAM_KEY is not set"),
        (provider(health="refused", health_text="401"), "fail", "401"),
        (provider(health="limited", health_text="429, back in 20 s"), "warn", "back in 20 s"),
        (provider(models_error="HTTP 404"), "warn", "HTTP 404"),
    ],
)
def test_a_provider_is_judged(row: c.Provider, state: str, words: str) -> None:
    check = doctor.provider(row, "fail")
    assert check.state == state
    assert words in check.text
    assert bool(check.remedy) is (state != "ok")


def test_settings_that_could_not_be_looked_at_are_not_said_to_be_right(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process, "CHECK_TIMEOUT_S", 0.0)
    check = doctor.panel_settings(paths)
    assert check.state == "warn"
    assert "could not be checked" in check.text


def test_only_the_provider_in_force_makes_the_doctor_fail() -> None:
    broken = provider(key_error="no key")
    other = c.Provider(name="other", dialect="anthropic", base_url="https://o.example")
    assert doctor.providers([broken, other], c.Route(default="other"))[0].state == "warn"
    assert doctor.providers([broken, other], c.Route(default="team/some-model"))[0].state == "fail"
    override = c.Route(default="other", overrides=(c.Override(provider="team"),))
    assert doctor.providers([broken, other], override)[0].state == "fail"


def test_stale_variables_are_found_in_every_place() -> None:
    stale = {"ANTHROPIC_BASE_URL": "http://old"}
    checks = doctor.strays(setup(stale, {"/u/settings.json": stale}, {"/etc/managed.json": stale}), URL)
    assert [(check.name, check.state) for check in checks] == [
        ("environment", "warn"),
        ("claude settings", "warn"),
        ("managed settings", "fail"),
    ]
    assert all("http://old" in check.text and check.remedy for check in checks)


def test_a_cloud_switch_is_found() -> None:
    checks = doctor.strays(setup({"CLAUDE_CODE_USE_BEDROCK": "1"}), URL)
    assert "CLAUDE_CODE_USE_BEDROCK" in checks[0].text


def test_our_own_address_is_no_trouble() -> None:
    checks = doctor.strays(setup({"ANTHROPIC_BASE_URL": URL + "/"}), URL)
    assert [check.state for check in checks] == ["ok"]


@pytest.mark.parametrize(
    ("own", "found", "state"),
    [(True, None, "ok"), (False, None, "fail"), (False, Login("the keychain", subscriber=True), "ok")],
)
def test_a_login_is_missed_only_where_it_is_needed(own: bool, found: Login | None, state: str) -> None:
    plan = c.LaunchPlan(url=URL, provider="anthropic", own_credential=own, real_claude=True)
    assert doctor.login(plan, found).state == state


@pytest.mark.parametrize(("name", "known"), [("team", True), ("nope", False)])
def test_of_a_provider_that_does_not_exist_nobody_says_which_login_it_takes(name: str, known: bool) -> None:
    plan = c.LaunchPlan(url=URL, provider=name, own_credential=False, real_claude=False)
    state = blank().snapshot(URL)
    models = c.ModelList(models=(), providers=(provider(),))
    assert doctor.Answers(state=state, models=models, plan=plan, token="").known is known


def test_a_token_that_others_can_read_fails(paths: Paths) -> None:
    local_token(paths)
    assert doctor.token_file(paths).state == "ok"
    paths.token_file.chmod(0o644)
    check = doctor.token_file(paths)
    assert check.state == "fail"
    assert "chmod 600" in check.remedy


def test_a_missing_claude_comes_with_the_way_to_get_it() -> None:
    assert "npm install" in doctor.claude(None).remedy
    assert doctor.claude("2.1.329").state == "ok"


def test_the_doctor_prints_every_check_and_fails_where_one_does(start_stub: StartStub, home: Path) -> None:
    start_stub()
    answer = CliRunner().invoke(cctui, ["doctor", "--json"])
    report = json.loads(answer.stdout)
    states = {check["name"]: check["state"] for check in report["checks"]}
    assert states["engine"] == "ok"
    assert states["provider openrouter"] == "warn"
    assert states["login"] == "fail"
    assert (report["ok"], answer.exit_code) == (False, 1)
    assert home.exists()


def test_an_engine_that_does_not_start_is_a_finding(stub_starts: Callable[..., None]) -> None:
    stub_starts(words="Port 8787 is taken by nginx, pid 812.", exit_code=3)
    answer = CliRunner().invoke(cctui, ["doctor"])
    assert answer.exit_code == 1
    assert "✗ fail engine: Port 8787 is taken by nginx, pid 812." in answer.stdout
