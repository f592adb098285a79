"""``cctui providers add``, ``remove`` and ``cctui reload`` against a real engine and a scripted provider."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.paths import Paths
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, models_body
from tui import supervisor
from tui.cli import cctui, questions

KEY = "sk-canary-0123456789abcdef"
WORDS = "Invalid API Key: this one was never issued"
FILE = """# mine, by hand
[engine]  # the engine
local_servers = false
port = 0

# where requests go
[route]
default = "simulator"   # for now
"""

Run = Callable[..., Result]


def provider(call: Call) -> Answer:
    if call.header("authorization") != f"Bearer {KEY}":
        return as_json(json.dumps({"error": {"message": WORDS, "type": "invalid_request_error"}}).encode(), 401)
    return as_json(models_body("glm-5", "glm-5-air", "qwen-9"))


@pytest.fixture
def file(paths: Paths) -> Path:
    paths.config_file.parent.mkdir()
    paths.config_file.write_text(FILE)
    return paths.config_file


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(provider) as running:
        yield running


@pytest.fixture
def run(file: Path, paths: Paths) -> Iterator[Run]:
    """Runs ``cctui providers add|remove`` with answers to its questions; the engine that it started ends afterwards."""
    assert file.exists()

    def invoke(*arguments: str, answers: str = "") -> Result:
        command = arguments if arguments == ("reload",) else ("providers", *arguments)
        return CliRunner(env={"COLUMNS": "100"}).invoke(cctui, command, input=answers, prog_name="cctui")

    yield invoke
    found = supervisor.find(paths)
    if isinstance(found, supervisor.RunningEngine):
        supervisor.stop(paths, found, 0.0)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody can be asked."""
    monkeypatch.setattr(questions, "has_terminal", lambda: True)


def flags(upstream: ScriptedUpstream, **more: str) -> list[str]:
    given = {"name": "team", "base-url": upstream.url, "key": KEY, **more}
    return ["add", "custom", *(part for name, value in given.items() for part in (f"--{name}", value))]


class TestByFlags:
    def test_a_provider_is_tried_written_and_taken_up(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        answer = run(*flags(upstream, model="glm-5-air"), "--set", "quirks.images=false", "--yes")
        assert answer.exit_code == 0, answer.output
        assert file.read_text() == FILE + (
            f'\n[providers.team]\npreset = "custom"\nbase_url = "{upstream.url}"\napi_key = "{KEY}"\n'
            "quirks = {images = false}\n"
        )
        assert "team answers: 3 models" in answer.stdout
        assert "`cctui use team/glm-5-air` sends requests there." in answer.stdout
        assert "`cctui check team/glm-5-air` tries out" in answer.stdout
        listed = json.loads(run("--json").stdout)
        assert [row["origin"] for row in listed if row["name"] == "team"] == ["config.toml"]

    def test_the_key_is_never_printed_and_the_file_is_private(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        answer = run(*flags(upstream), "--yes")
        assert (answer.exit_code, KEY in answer.output) == (0, False)
        assert '+ api_key = "•••"' in answer.stdout
        assert "the key will stand in" in answer.stderr
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_as_the_default_it_gets_all_requests(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        answer = run(*flags(upstream, model="glm-5"), "--default", "--yes")
        assert "Requests go to team/glm-5 from now on." in answer.stdout
        assert 'default = "team/glm-5"   # for now\n' in file.read_text()

    def test_a_refused_key_is_told_in_the_provider_s_words_and_nothing_is_written(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        answer = run(*flags(upstream, key="sk-wrong-0123456789"), "--yes")
        assert (answer.exit_code, file.read_text()) == (1, FILE)
        assert f"team refused the key (status 401): {WORDS}\nNothing was written." in answer.stderr
        assert "sk-wrong-0123456789" not in answer.output

    def test_a_variable_that_only_this_shell_has_is_told(
        self, run: Run, file: Path, paths: Paths, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        supervisor.ensure(paths)
        monkeypatch.setenv("TEAM_KEY", KEY)
        answer = run(*flags(upstream, key="env:TEAM_KEY"), "--yes")
        assert (answer.exit_code, file.read_text()) == (1, FILE)
        assert "not set where the engine was started" in answer.stderr
        assert "It is set here: `cctui stop`" in answer.stderr

    def test_a_variable_that_the_engine_has_is_written_by_its_name(
        self, run: Run, file: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        upstream.script = provider
        answer = run("add", "groq", "--base-url", f"{upstream.url}/v1", "--yes")
        assert answer.exit_code == 0, answer.output
        assert 'api_key = "env:GROQ_API_KEY"' in file.read_text()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("add",), "PRESET is missing: there are anthropic, openrouter"),
            (("add", "grok"), "no provider is known as 'grok'; did you mean groq?"),
            (("add", "custom"), "--base-url URL is missing"),
            (("add", "groq"), "--key is missing: a key, env:GROQ_API_KEY or cmd:COMMAND"),
            (("add", "vertex"), "--set project=NAME is missing"),
            (("add", "groq", "--key", "env:X", "--set", "quirks"), "write it as KEY=VALUE"),
            (("add", "groq", "--key", "k", "--set", "quirks.image=true"), "image is no quirk; did you mean images?"),
            (("remove", "team"), "has no [providers.team]"),
        ],
    )
    def test_without_a_terminal_what_is_missing_or_wrong_is_named(
        self, run: Run, file: Path, arguments: tuple[str, ...], said: str
    ) -> None:
        answer = run(*arguments)
        assert answer.exit_code in (1, 2)
        assert said in " ".join(answer.stderr.split())
        assert file.read_text() == FILE

    def test_without_yes_nothing_is_written(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        answer = run(*flags(upstream))
        assert (answer.exit_code, file.read_text()) == (2, FILE)
        assert "--yes is missing" in answer.stderr
        assert "+ [providers.team]" in answer.stdout

    def test_a_model_that_it_does_not_list_is_told_with_the_near_ones(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        answer = run(*flags(upstream, model="glm-4"), "--yes")
        assert (answer.exit_code, file.read_text()) == (2, FILE)
        assert "it lists no model 'glm-4'; near are glm-5" in answer.stderr

    def test_a_model_is_written_where_none_are_listed(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        upstream.script = as_json(b"{}", 404)
        answer = run(*flags(upstream, model="mine"), "--yes")
        assert answer.exit_code == 0, answer.output
        assert 'models = ["mine"]\n' in file.read_text()

    def test_a_name_that_is_taken_is_refused(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        run(*flags(upstream), "--yes")
        before = file.read_text()
        answer = run(*flags(upstream), "--yes")
        assert (answer.exit_code, file.read_text()) == (2, before)
        assert "[providers.team] is there already; `cctui providers remove team` takes it out" in answer.stderr

    def test_a_file_that_is_no_toml_is_left_alone(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        file.write_text("[route\n")
        answer = run(*flags(upstream), "--yes")
        assert (answer.exit_code, file.read_text()) == (1, "[route\n")
        assert "not valid TOML" in answer.stderr

    def test_settings_that_the_engine_refuses_are_taken_back(
        self, run: Run, file: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tui import config_file

        honest = config_file.with_provider

        def wrong(text: str, name: str, table: dict[str, object]) -> str:
            return honest(text, name, {**table, "base_url": "nonsense"})

        monkeypatch.setattr(config_file, "with_provider", wrong)
        answer = run(*flags(upstream), "--yes")
        assert (answer.exit_code, file.read_text()) == (1, FILE)
        assert "'nonsense' has no scheme" in answer.stderr


@pytest.mark.usefixtures("terminal")
class TestByQuestions:
    def test_what_no_flag_says_is_asked(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        answers = ["gorq", "custom", "team", f"{upstream.url}/v1/messages", KEY, "y", "glm", "air", "y", "y"]
        answer = run("add", answers="\n".join([*answers, ""]))
        assert answer.exit_code == 0, answer.output
        assert "did you mean groq" in answer.stderr
        assert file.read_text().startswith(FILE.replace('default = "simulator"', 'default = "team/glm-5-air"'))
        assert f'api_key = "{KEY}"' in file.read_text()
        assert KEY not in answer.output

    def test_an_address_is_written_without_what_was_pasted_along(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        answers = f"{upstream.url}/v1/messages?beta=true\n{KEY}\ny\n\nn\ny\n"
        answer = run("add", "custom", "--name", "team", answers=answers)
        assert answer.exit_code == 0, answer.output
        assert f'base_url = "{upstream.url}"\n' in file.read_text()

    def test_a_name_and_an_address_that_cannot_be_are_asked_again_at_once(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        answers = f"my gateway\nteam\ngateway.example\n{upstream.url}\n{KEY}\ny\n\nn\ny\n"
        answer = run("add", "custom", answers=answers)
        assert answer.exit_code == 0, answer.output
        assert "'my gateway' is no name" in answer.stderr
        assert "'gateway.example' is no address; those begin with https://" in answer.stderr
        assert "[providers.team]" in file.read_text()

    def test_a_refused_key_can_be_corrected(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        answers = f"{upstream.url}\nsk-wrong-0123456789\ny\n\n{KEY}\ny\n\nn\ny\n"
        answer = run("add", "custom", "--name", "team", answers=answers)
        assert answer.exit_code == 0, answer.output
        assert f"Error: team refused the key (status 401): {WORDS}" in answer.stderr
        assert f"Address [{upstream.url}]:" in answer.stderr
        assert f'base_url = "{upstream.url}"\napi_key = "{KEY}"\n' in file.read_text()

    def test_a_dead_address_can_be_corrected_and_the_key_is_kept(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        with ScriptedUpstream() as gone:
            dead = gone.url
        answers = f"{dead}\n{KEY}\ny\n{upstream.url}\n\n\nn\ny\n"
        answer = run("add", "custom", "--name", "team", answers=answers)
        assert answer.exit_code == 0, answer.output
        assert "refuses connections" in answer.stderr
        assert f'base_url = "{upstream.url}"\napi_key = "{KEY}"\n' in file.read_text()

    def test_a_server_that_wants_a_key_after_all_gets_one(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        answers = f"{upstream.url}\n\n\n{KEY}\ny\n\nn\ny\n"
        answer = run("add", "custom", "--name", "team", answers=answers)
        assert answer.exit_code == 0, answer.output
        assert 'auth = "none"' not in file.read_text()
        assert f'api_key = "{KEY}"\n' in file.read_text()

    def test_a_region_can_be_corrected(self, run: Run, file: Path) -> None:
        answers = "eu west\neu-west-1\n\n\nn\ny\n"
        answer = run("add", "bedrock", "--key", "env:HOME", answers=answers)
        assert answer.exit_code == 0, answer.output
        assert "Error: bedrock: region 'eu west' is none" in answer.stderr
        assert 'region = "eu-west-1"\n' in file.read_text()

    def test_a_variable_of_the_engine_is_offered_for_the_key(
        self, run: Run, file: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        answer = run("add", "groq", "--base-url", f"{upstream.url}/v1", answers="\n\nn\ny\n")
        assert answer.exit_code == 0, answer.output
        assert "(Enter: env:GROQ_API_KEY)" in answer.stderr
        assert 'api_key = "env:GROQ_API_KEY"' in file.read_text()
        assert "`cctui use groq` sends requests there." in answer.stdout

    def test_who_does_not_want_the_key_in_the_file_gives_another_word_for_it(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        answers = f"{KEY}\nn\ncmd:printf {KEY}\n\nn\ny\n"
        answer = run("add", "custom", "--name", "team", "--base-url", upstream.url, answers=answers)
        assert answer.exit_code == 0, answer.output
        assert f'api_key = "cmd:printf {KEY}"' in file.read_text()

    def test_an_own_server_may_go_without_a_key(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        upstream.script = as_json(models_body("glm-5"))
        answer = run("add", "custom", "--name", "team", "--base-url", upstream.url, answers="\n\nn\ny\n")
        assert answer.exit_code == 0, answer.output
        assert 'auth = "none"\n' in file.read_text()

    def test_a_second_of_a_kind_is_offered_a_name_of_its_own(
        self, run: Run, file: Path, upstream: ScriptedUpstream
    ) -> None:
        file.write_text(FILE + '[providers.groq]\napi_key = "env:X"\n')
        answers = "groq\n\n\nn\ny\n"
        answer = run("add", "groq", "--base-url", f"{upstream.url}/v1", "--key", f"cmd:echo {KEY}", answers=answers)
        assert answer.exit_code == 0, answer.output
        assert "[providers.groq] is there already" in answer.stderr
        assert "[providers.groq-2]\n" in file.read_text()

    @pytest.mark.parametrize(
        "answers",
        [
            "",
            "custom\n",
            "custom\nteam\n",
            "custom\nteam\n{url}\nsk-wrong\ny\n",
            "custom\nteam\n{url}\n{key}\ny\nglm-5\ny\n",
        ],
    )
    def test_who_breaks_off_leaves_the_file_as_it_was(
        self, run: Run, file: Path, upstream: ScriptedUpstream, answers: str
    ) -> None:
        answer = run("add", answers=answers.format(url=upstream.url, key=KEY))
        assert (answer.exit_code, file.read_text()) == (1, FILE)
        assert answer.stderr.endswith("\nNothing was written.\n")

    def test_who_says_no_leaves_the_file_as_it_was(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        answer = run(*flags(upstream, model="glm-5"), answers="y\nn\nn\n")
        assert (answer.exit_code, file.read_text()) == (0, FILE)
        assert answer.stdout.endswith("Nothing was written.\n")

    def test_a_file_that_somebody_else_changes_meanwhile_is_left_alone(
        self, run: Run, file: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def agreed(question: str, *, sure: bool) -> bool:
            file.write_text("# another hand\n")
            return bool(question) or sure

        monkeypatch.setattr(questions, "agreed", agreed)
        answer = run(*flags(upstream, model="glm-5"), "--yes")
        assert (answer.exit_code, file.read_text()) == (1, "# another hand\n")
        assert "was changed meanwhile" in answer.stderr


class TestRemove:
    def test_a_provider_goes_and_all_else_stays(self, run: Run, file: Path, upstream: ScriptedUpstream) -> None:
        run(*flags(upstream), "--yes")
        answer = run("remove", "team", "--yes")
        assert (answer.exit_code, file.read_text()) == (0, FILE)
        assert "team is gone." in answer.stdout
        assert (KEY in answer.output, '- api_key = "•••"' in answer.stdout) == (False, True)

    def test_what_still_names_it_is_told(self, run: Run, upstream: ScriptedUpstream) -> None:
        run(*flags(upstream), "--default", "--yes")
        assert "trouble   route.default: no provider or model is called 'team'" in run("remove", "team", "--yes").stdout

    def test_one_that_the_environment_sets_up_is_still_there(
        self, run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RESPAN_API_KEY", KEY)
        file.write_text(FILE + '[providers.respan]\napi_key = "env:RESPAN_API_KEY"\n')
        assert "respan is still there, found by RESPAN_API_KEY." in run("remove", "respan", "--yes").stdout


class TestReload:
    def test_what_changed_is_told(self, run: Run, file: Path, paths: Paths) -> None:
        supervisor.ensure(paths)
        table = '[providers.own]\npreset = "simulator"\n[budget]\nday_usd = 5\n'
        file.write_text(FILE.replace('"simulator"', '"own"') + table)
        assert run("reload").stdout.splitlines() == [
            "added     own",
            "taken up  [route]",
            "later     [budget]: from the next start on, `cctui stop` and then `cctui`",
        ]

    def test_wrong_settings_are_told_with_their_place(self, run: Run, file: Path, paths: Paths) -> None:
        supervisor.ensure(paths)
        file.write_text(FILE + "[rout]\n")
        answer = run("reload")
        assert answer.exit_code == 1
        assert f"{file}:9: rout is no setting; did you mean route?" in answer.stderr

    def test_without_an_engine_there_is_nothing_to_do(self, run: Run) -> None:
        answer = run("reload")
        assert (answer.exit_code, answer.stdout) == (
            0,
            "No engine runs; the next one reads the settings when it starts.\n",
        )
