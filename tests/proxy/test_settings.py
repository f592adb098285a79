"""Settings: who wins, what is refused in which words, and that no secret is ever in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from proxy.addresses import is_loopback, normal_base_url
from proxy.settings import (
    EngineSettings,
    RouteSettings,
    Settings,
    SettingsError,
    load_settings,
)

Load = Callable[..., Settings]
SECRET = "sk-very-secret-0123456789"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads settings from a file's text, an environment and flags; this machine's own environment is not seen."""
    monkeypatch.setenv("CCTUI_ENGINE__PORT", "1")

    def loaded(toml: str = "", environ: dict[str, str] | None = None, flags: dict[str, Any] | None = None) -> Settings:
        file = tmp_path / "config.toml"
        file.write_text(toml, encoding="utf-8")
        return load_settings(file, flags, environ or {})

    return loaded


class TestPrecedence:
    FILE = "[engine]\nport = 3003\n"
    ENVIRON: ClassVar = {"CCTUI_ENGINE__PORT": "2002"}
    FLAGS: ClassVar = {"engine": {"port": 1001}}

    def test_a_flag_beats_everything(self, load: Load) -> None:
        assert load(self.FILE, self.ENVIRON, self.FLAGS).engine.port == 1001

    def test_the_environment_beats_the_file(self, load: Load) -> None:
        assert load(self.FILE, self.ENVIRON).engine.port == 2002

    def test_the_file_beats_the_default(self, load: Load) -> None:
        assert load(self.FILE).engine.port == 3003

    def test_with_nothing_set_the_defaults_hold(self, load: Load) -> None:
        settings = load()
        assert (settings.engine, settings.route, settings.providers) == (EngineSettings(), RouteSettings(), {})

    def test_without_a_file_everything_works(self, tmp_path: Path) -> None:
        assert load_settings(tmp_path / "no" / "such.toml", None, {}).route.default == "anthropic"

    def test_what_one_source_leaves_open_the_next_one_fills(self, load: Load) -> None:
        engine = load(
            "[engine]\nport = 3\nhost = '127.0.0.2'\n", {"CCTUI_ENGINE__DRAIN_S": "5"}, {"engine": {"port": 1}}
        ).engine
        assert (engine.port, engine.drain_s, engine.host) == (1, 5.0, "127.0.0.2")

    def test_a_provider_is_put_together_from_file_and_environment(self, load: Load) -> None:
        settings = load(
            '[providers.team]\nbase_url = "https://x.example"\n', {"CCTUI_PROVIDERS__TEAM__API_KEY": SECRET}
        )
        [key] = settings.providers["team"].api_key
        assert (settings.providers["team"].base_url, key.get_secret_value()) == ("https://x.example", SECRET)

    @pytest.mark.parametrize(
        ("text", "fallback"), [("openrouter", ["openrouter"]), ('["a", "b/c"]', ["a", "b/c"]), ("[]", [])]
    )
    def test_a_list_in_the_environment_is_json_or_one_word(self, load: Load, text: str, fallback: list[str]) -> None:
        assert load(environ={"CCTUI_ROUTE__FALLBACK": text}).route.fallback == fallback

    def test_several_keys_in_the_environment_are_json(self, load: Load) -> None:
        environ = {"CCTUI_PROVIDERS__TEAM__API_KEY": '["env:A", "cmd:pass show b"]'}
        assert [key.get_secret_value() for key in load(environ=environ).providers["team"].api_key] == [
            "env:A",
            "cmd:pass show b",
        ]

    def test_a_single_key_and_a_single_model_need_no_list(self, load: Load) -> None:
        team = load('[providers.team]\napi_key = "env:A"\nmodels = "m"\n').providers["team"]
        assert ([key.get_secret_value() for key in team.api_key], team.models) == (["env:A"], ["m"])


class TestRefusals:
    @pytest.mark.parametrize(
        ("toml", "words"),
        [
            ("[engine]\n\nprot = 1\n", r"config\.toml:3: engine\.prot is no setting; did you mean port\?"),
            ("[enigne]\nport = 1\n", r"config\.toml:1: enigne is no setting; did you mean engine\?"),
            (
                "[providers.team]\nbase_ulr = 'x'\n",
                r"config\.toml:2: providers\.team\.base_ulr .* did you mean base_url\?",
            ),
            ("[providers.sim.simulator]\nsede = 1\n", r":2: providers\.sim\.simulator\.sede .* did you mean seed\?"),
            (
                "[prices.'m.y']\ninput = 1\noutput = 1\noutptu = 1\n",
                r":4: prices\.m\.y\.outptu .* did you mean output\?",
            ),
            ("[budget]\nweek_usd = 1\n", r"config\.toml:2: budget\.week_usd is no setting"),
            ("[engine]\nqqqqqqq = 1\n", r"config\.toml:2: engine\.qqqqqqq is no setting$"),
        ],
    )
    def test_an_unknown_key_is_named_with_its_line_and_the_nearest_name(
        self, load: Load, toml: str, words: str
    ) -> None:
        with pytest.raises(SettingsError, match=words):
            load(toml)

    @pytest.mark.parametrize(
        ("toml", "words"),
        [
            ("[engine]\nport = 'x'\n", r"config\.toml:2: engine\.port: .*integer"),
            ("[engine]\nport = 70000\n", r"config\.toml:2: engine\.port: .*65535"),
            ("[engine]\nhost = ''\n", r"config\.toml:2: engine\.host"),
            ("[engine]\ndrain_s = nan\n", r"config\.toml:2: engine\.drain_s"),
            ("[engine]\nlog_level = 'loud'\n", r"config\.toml:2: engine\.log_level: .*'debug'"),
            ("engine = 5\n", r"config\.toml:1: engine"),
            ("[route]\nfallback_enabled = 'maybe'\n", r"config\.toml:2: route\.fallback_enabled: .*boolean"),
            ("[budget]\nday_usd = -1\n", r"config\.toml:2: budget\.day_usd"),
            ("[budget]\nday_usd = inf\n", r"config\.toml:2: budget\.day_usd"),
            ("[prices.x]\ninput = -1\noutput = 1\n", r"config\.toml:2: prices\.x\.input"),
            ("[prices.x]\ninput = 1\n", r"prices\.x\.output: Field required"),
            ("[providers.team]\npreset = 'openruter'\n", r":2: providers\.team\.preset: .*did you mean 'openrouter'\?"),
            ("[providers.team]\ndialect = 'antropic'\n", r":2: providers\.team\.dialect: .*'anthropic'"),
            ("[providers.'te am']\nbase_url = 'https://x'\n", "a provider's name has letters"),
            ("[providers.'a/b']\nbase_url = 'https://x'\n", "not 'a/b'"),
            ("[providers.s.simulator]\nfaults = { overloaded = 2 }\n", r"providers\.s\.simulator\.faults\.overloaded"),
        ],
    )
    def test_a_wrong_value_is_named_with_its_line(self, load: Load, toml: str, words: str) -> None:
        with pytest.raises(SettingsError, match=words):
            load(toml)

    def test_every_mistake_is_told_and_not_the_first_alone(self, load: Load) -> None:
        with pytest.raises(SettingsError) as caught:
            load("[engine]\nprot = 1\nport = 'x'\n[route]\ndefualt = 'x'\n")
        assert len(str(caught.value).splitlines()) == 3

    @pytest.mark.parametrize("toml", ["[engine\n", "port = \n", "[engine]\nport = 1\nport = 2\n", "= 1", "\x00"])
    def test_broken_toml_is_named_with_its_file(self, load: Load, toml: str) -> None:
        with pytest.raises(SettingsError, match=r"config\.toml: not valid TOML: ."):
            load(toml)

    def test_a_file_in_another_encoding_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_bytes(b"\xff\xfe[engine]")
        with pytest.raises(SettingsError, match=r"config\.toml: cannot be read"):
            load_settings(file, None, {})

    def test_a_directory_in_place_of_the_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="cannot be read"):
            load_settings(tmp_path, None, {})

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("CCTUI_ENGIN__PORT", "CCTUI_ENGINE__"),
            ("CCTUI_ENGINE_PORT", "CCTUI_ENGINE__"),
            ("CCTUI_ROUT__DEFAULT", "CCTUI_ROUTE__"),
        ],
    )
    def test_an_unknown_variable_is_refused_with_the_nearest_one(self, load: Load, name: str, hint: str) -> None:
        with pytest.raises(SettingsError, match=f"environment: {name} is no setting; did you mean {hint}"):
            load(environ={name: "1"})

    def test_an_unknown_key_in_a_variable_is_refused(self, load: Load) -> None:
        with pytest.raises(
            SettingsError, match=r"environment: CCTUI_ENGINE__PROT: engine\.prot is no setting; did you mean port"
        ):
            load(environ={"CCTUI_ENGINE__PROT": "1"})

    def test_a_wrong_variable_is_blamed_and_not_the_file(self, load: Load) -> None:
        with pytest.raises(SettingsError, match=r"^environment: CCTUI_ENGINE__PORT: engine\.port: .*integer"):
            load("[engine]\nport = 1\n", {"CCTUI_ENGINE__PORT": "many"})

    def test_our_home_and_other_programs_variables_are_no_settings(self, load: Load) -> None:
        assert (
            load(environ={"CCTUI_HOME": "/x", "PATH": "/bin", "CCTUIX": "1", "ENGINE__PORT": "7"}).engine.port is None
        )

    def test_a_foreign_environment_is_not_looked_at(self, load: Load) -> None:
        assert load().engine.port is None


class TestSecrets:
    FILE = f"""
        [providers.team]
        base_url = "https://x.example"
        api_key = ["{SECRET}", "env:NAME"]
        headers = {{ "X-Key" = "{SECRET}" }}
    """

    def test_no_secret_is_in_what_settings_print(self, load: Load) -> None:
        settings = load(self.FILE)
        for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
            assert SECRET not in shown

    @pytest.mark.parametrize(
        "toml",
        [
            f'[providers.team]\napi_key = {{ key = "{SECRET}" }}\n',
            f'[providers.team]\napi_key = ["{SECRET}", 5]\n',
            f'[providers.team]\nheaders = "{SECRET}"\n',
            f'[providers.team]\nheaders = ["{SECRET}"]\n',
            f'[providers.team]\nbase_url = "https://user:{SECRET}@x.example"\n',
            f'[providers.team]\nbase_url = "ftp://{SECRET}@x.example"\n',
            f'[providers.team]\nbase_url = "{SECRET}@x.example"\n',
            f'[providers.team]\nmodels_url = "https://user:{SECRET}@x.example"\n',
            f'[providers.team]\napi_key = "{SECRET}\n',
            f'[providers.team]\napi_key = "{SECRET}"\napi_key = "{SECRET}"\n',
            f'[engine]\nport = "{SECRET}"\n',
            f'[providers]\nteam = "{SECRET}"\n',
        ],
    )
    def test_no_secret_is_in_what_errors_say(self, load: Load, toml: str) -> None:
        with pytest.raises(SettingsError) as caught:
            load(toml)
        assert SECRET not in str(caught.value) + repr(caught.value) + repr(caught.value.__cause__)

    @pytest.mark.parametrize(
        "name", ["CCTUI_PROVIDERS", "CCTUI_PROVIDERS__TEAM", "CCTUI_PROVIDERS__TEAM__HEADERS", "CCTUI_API_KEY"]
    )
    def test_no_secret_of_a_variable_is_in_what_errors_say(self, load: Load, name: str) -> None:
        with pytest.raises(SettingsError) as caught:
            load(environ={name: SECRET})
        assert SECRET not in str(caught.value)


class TestAddresses:
    @pytest.mark.parametrize(
        ("pasted", "base"),
        [
            ("https://h.example", "https://h.example"),
            (" https://h.example/ ", "https://h.example"),
            ("https://h.example/v1", "https://h.example"),
            ("https://h.example/v1/messages", "https://h.example"),
            ("https://h.example/v1/messages/", "https://h.example"),
            ("https://h.example/v1/messages?beta=true", "https://h.example"),
            ("https://h.example/v1/messages/count_tokens", "https://h.example"),
            ("https://h.example/v1/messages/v1/messages", "https://h.example"),
            ("https://h.example/api/v1/v1//", "https://h.example/api"),
            ("https://h.example/anthropic/", "https://h.example/anthropic"),
            ("https://h.example/v1/anthropic", "https://h.example/v1/anthropic"),
            ("https://h.example/apiv1", "https://h.example/apiv1"),
            ("https://h.example/?key=x#y", "https://h.example"),
            ("HTTPS://H.Example:8443/Path", "https://h.example:8443/Path"),
            ("http://[::1]:8080/v1", "http://[::1]:8080"),
            ("http://localhost:11434", "http://localhost:11434"),
            ("https://h.example:", "https://h.example"),
        ],
    )
    def test_a_pasted_address_is_brought_to_its_base(self, pasted: str, base: str) -> None:
        assert normal_base_url(pasted) == base
        assert normal_base_url(base) == base

    @pytest.mark.parametrize(
        ("pasted", "words"),
        [
            ("localhost:8766", "'localhost:8766' has no scheme; write http://localhost:8766"),
            ("127.0.0.1:8766/x", "write http://127.0.0.1:8766/x"),
            ("gateway.example.com/anthropic", "write https://gateway.example.com/anthropic"),
            ("//h.example", "write https://h.example"),
            ("https:/h.example", "write https://h.example"),
            ("http:h.example", "write http://h.example"),
            ("ftp://h.example", "is neither http nor https"),
            ("ws://h.example", "is neither http nor https"),
            ("https://", "has no host"),
            ("https:///v1", "has no host"),
            ("https://h.example:99999", "has a port that is no number between 0 and 65535"),
            ("https://h.example:x", "has a port that is no number"),
            ("https://[::1", "has a host that is no address"),
            ("https://h .example", "has a blank in it"),
            ("https://h.example/a\nb", "has a blank in it"),
            ("https://user:pass@h.example", "no user name or password"),
            ("https://api.anthropic.com@evil.example", "no user name or password"),
            ("https://api.anthropic.com\\@evil.example", "no user name or password"),
            ("", "is empty"),
            ("  ", "is empty"),
        ],
    )
    def test_a_wrong_address_is_refused_with_its_exact_mistake(self, pasted: str, words: str) -> None:
        with pytest.raises(ValueError, match="the address is empty" if words == "is empty" else words):
            normal_base_url(pasted)

    def test_an_address_of_slashes_does_not_take_forever(self) -> None:
        assert normal_base_url("https://h.example/" + "/v1" * 200 + "/x").endswith("/x")
        assert normal_base_url("https://h.example" + "/" * 3000) == "https://h.example"

    def test_a_list_s_address_keeps_its_ending_and_its_query(self, load: Load) -> None:
        team = '[providers.team]\nbase_url = "https://h.example"\nmodels_url = "https://h.example/v1?all=1"\n'
        assert load(team).providers["team"].models_url == "https://h.example/v1?all=1"

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
    def test_addresses_of_this_machine_alone(self, host: str) -> None:
        assert is_loopback(host)

    @pytest.mark.parametrize(
        "host", ["0.0.0.0", "::", "192.168.1.5", "127.0.0.1.evil.example", "localhost.evil.example", "", "box"]
    )
    def test_addresses_that_others_can_reach(self, host: str) -> None:
        assert not is_loopback(host)
