"""The panel's own settings: the table ``[panel]`` of ``config.toml`` and ``CCTUI_PANEL__KEY`` variables.

The environment beats the file. The other tables are the engine's and are not looked at.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

ENVIRONMENT_PREFIX = "CCTUI_PANEL__"


class SettingsError(ValueError):
    """Settings that cannot be used. ``str()`` has a line for each mistake."""


class PanelSettings(BaseSettings):
    """``[panel]``"""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENVIRONMENT_PREFIX, use_attribute_docstrings=True
    )

    theme: str | None = None
    """Name of a theme; without it the panel's own."""
    keymap: dict[str, str] = {}
    """Keys of actions: the action's name → a key, or several with commas."""

    @field_validator("theme")
    @classmethod
    def _is_known(cls, theme: str | None) -> str | None:
        from textual.theme import BUILTIN_THEMES  # noqa: PLC0415  the status line and --help read no themes

        from tui import themes  # noqa: PLC0415

        known = [*themes.NAMES, *(each.name for each in themes.OWN), *BUILTIN_THEMES]
        if theme and theme not in known:
            raise ValueError(f"{theme!r} is no theme{_nearest(theme, known)}")
        return theme

    @field_validator("keymap")
    @classmethod
    def _names_actions(cls, keymap: dict[str, str]) -> dict[str, str]:
        from tui import actions  # noqa: PLC0415  imports Textual

        for name in actions.unknown_actions(keymap):
            raise ValueError(f"{name!r} is no action{_nearest(name, list(actions.effective_keys()))}")
        return keymap


def load_panel_settings(config_file: Path, environ: Mapping[str, str] | None = None) -> PanelSettings:
    """The panel's settings in force. Raises ``SettingsError`` with the place and the nearest known name."""
    _refuse_unknown_variables(os.environ if environ is None else environ)
    table = _table(config_file)

    class Loaded(PanelSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, InitSettingsSource(settings_cls, init_kwargs=table)

    try:
        return Loaded()
    except ValidationError as error:
        lines = [_explain(each["loc"], each["msg"], each["type"]) for each in error.errors()]
        raise SettingsError("\n".join(f"{config_file} or environment: {line}" for line in lines)) from None
    except ValueError as error:
        raise SettingsError(f"{config_file} or environment: {error}") from None


def _table(config_file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(config_file.read_text(encoding="utf-8")).get("panel", {})
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config_file}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config_file}: not valid TOML: {error}") from None
    if not isinstance(table, dict):
        raise SettingsError(f"{config_file}: panel: a table is needed, written [panel]")
    return table


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = [ENVIRONMENT_PREFIX + name.upper() for name in PanelSettings.model_fields]
    for name in environ:
        if name.startswith("CCTUI_PANEL") and name not in known:
            raise SettingsError(f"environment: {name} is no setting{_nearest(name, known)}")


def _explain(where: tuple[int | str, ...], message: str, kind: str) -> str:
    dotted = ".".join(["panel", *map(str, where)])
    if kind == "extra_forbidden":
        return f"{dotted} is no setting{_nearest(str(where[-1]), PanelSettings.model_fields)}"
    return f"{dotted}: {message.removeprefix('Value error, ')}"


def _nearest(name: str, known: Mapping[str, object] | list[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
