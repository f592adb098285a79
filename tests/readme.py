"""The generated parts of the README: ``python -m tests.readme`` writes them, a test compares them.

Each stands between ``<!-- NAME -->`` and ``<!-- /NAME -->`` and comes from the registry that the program itself
uses, so it cannot tell anything else than the program does.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from proxy.presets import PRESETS, Preset
from proxy.protocol.outcome import TABLE
from proxy.settings import (
    BudgetSettings,
    EngineSettings,
    HistorySettings,
    PriceSettings,
    ProviderSettings,
    RouteSettings,
    SearchSettings,
    SimulatorSettings,
)
from tui.actions import ACTIONS, PLACES
from tui.cli import cctui
from tui.settings import PanelSettings

README = Path(__file__).parents[1] / "README.md"

TABLES: Mapping[str, type[BaseModel]] = {
    "[engine]": EngineSettings,
    "[route]": RouteSettings,
    "[providers.NAME]": ProviderSettings,
    "[providers.NAME.simulator]": SimulatorSettings,
    "[budget]": BudgetSettings,
    '[prices."MODEL"]': PriceSettings,
    "[history]": HistorySettings,
    "[search]": SearchSettings,
    "[panel]": PanelSettings,
}


def generated() -> dict[str, str]:
    """Every generated part by its name."""
    makers: dict[str, Callable[[], str]] = {
        "providers": _providers,
        "settings": _settings,
        "keys": _keys,
        "commands": _commands,
        "outcomes": _outcomes,
    }
    return {name: make() for name, make in makers.items()}


def with_generated_parts(text: str) -> str:
    """``text`` with every generated part as it has to be."""
    for name, part in generated().items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(rf"\g<1>{part.replace(chr(92), chr(92) * 2)}\n\g<2>", text)
    return text


def _providers() -> str:
    """The presets in short; ``docs/providers.md`` has them whole."""
    rows = [(f"`{preset.name}`", preset.title, preset.dialect, _key_of(preset)) for preset in PRESETS]
    return _table(("preset", "provider", "format", "key"), rows)


def _key_of(preset: Preset) -> str:
    """Where a provider's key comes from, in words."""
    variables = " or ".join(f"`{name}`" for name in preset.key_variables)
    match preset.auth:
        case "passthrough":
            return f"your Claude Code login, or {variables}"
        case "aws" | "google":
            login = f"your {'AWS' if preset.auth == 'aws' else 'Google'} login"
            return f"{login}, or {variables}" if variables else login
        case "none":
            return "none needed"
        case _:
            return variables or "`api_key`"


def _settings() -> str:
    parts = []
    for title, model in TABLES.items():
        rows = [(f"`{name}`", _default(field), field.description or "") for name, field in model.model_fields.items()]
        parts.append(f"**`{title}`**\n\n{_table(('key', 'default', 'meaning'), rows)}")
    return "\n\n".join(parts)


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ([], {}):
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _keys() -> str:
    parts = []
    for place, title in PLACES.items():
        rows = [
            (" ".join(f"`{key}`" for key in action.keys), action.help, f"`{action.id}`")
            for action in ACTIONS
            if action.place == place
        ]
        parts.append(f"**{title}**\n\n{_table(('key', 'what it does', 'name in the key map'), rows)}")
    return "\n\n".join(parts)


def _commands() -> str:
    context = click.Context(cctui, info_name="cctui")
    rows = [("`cctui`", "Open the panel; an engine is started if none runs.")]
    for name in cctui.list_commands(context):
        command = cctui.get_command(context, name)
        assert command is not None
        rows.append((f"`cctui {_usage(name, command)}`", command.get_short_help_str(200)))
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                below = command.get_command(context, inner)
                assert below is not None
                rows.append((f"`cctui {_usage(f'{name} {inner}', below)}`", below.get_short_help_str(200)))
    return _table(("command", "what it does"), rows)


def _usage(name: str, command: click.Command) -> str:
    words = [name]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            words.append(parameter.make_metavar(click.Context(command)))
        elif isinstance(parameter, click.Option) and not parameter.hidden and "--help" not in parameter.opts:
            longest = max(parameter.opts, key=len)
            words.append(f"[{longest}]" if parameter.is_flag else f"[{longest} …]")
    return " ".join(words)


def _outcomes() -> str:
    rows = [
        (
            f"`{row.name}`",
            row.meaning,
            "yes" if row.next_target else "no",
            row.health or "unchanged",
            f"the {row.scope}" if row.scope else "nothing",
            "" if row.name in ("served", "client_left") else f"{row.status} `{row.error_type}`",
        )
        for row in TABLE.values()
    ]
    head = ("outcome", "seen", "next target tried", "provider becomes", "rests for a while", "own answer, if none came")
    return _table(head, rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(tuple(head))]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    README.write_text(with_generated_parts(README.read_text()))


if __name__ == "__main__":
    main()
