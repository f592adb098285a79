"""The panel's table of the settings file."""

from pathlib import Path

import pytest

from tui.settings import SettingsError, load_panel_settings


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_panel_settings(tmp_path / "config.toml", {})
    assert (settings.theme, settings.keymap) == (None, {})


def test_the_panels_table_is_read_and_the_others_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[engine]\nport = 1\n[panel]\ntheme = "nord"\n[panel.keymap]\nmodel = "ctrl+m"\n')
    settings = load_panel_settings(file, {})
    assert (settings.theme, settings.keymap) == ("nord", {"model": "ctrl+m"})


def test_the_environment_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[panel]\ntheme = "nord"\n')
    monkeypatch.setenv("CCTUI_PANEL__THEME", "gruvbox")
    assert load_panel_settings(file).theme == "gruvbox"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[panel]\nthem = "x"\n', "panel.them is no setting; did you mean theme?"),
        ("[panel]\ntheme = 3\n", "panel.theme: "),
        ('[panel]\ntheme = "drak"\n', "panel.theme: 'drak' is no theme; did you mean dark?"),
        ('[panel.keymap]\nmodle = "M"\n', "panel.keymap: 'modle' is no action; did you mean model?"),
        ("panel = 3\n", "written [panel]"),
        ("[panel\n", "not valid TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as error:
        load_panel_settings(file, {})
    assert words in str(error.value)
    assert "config.toml" in str(error.value)


def test_an_unknown_variable_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean CCTUI_PANEL__THEME"):
        load_panel_settings(tmp_path / "config.toml", {"CCTUI_PANEL_THEME": "x"})
