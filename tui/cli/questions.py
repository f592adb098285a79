"""What ``cctui providers add`` asks where a flag does not say it. Prompts stand on stderr; keys are typed unseen.

Without a terminal nothing is asked: what is missing is an error that names its flag.
"""

import difflib
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from proxy import contract as c
from tui.cli.engine_access import say
from tui.cli.printing import width
from tui.cli.tables import Column, table
from tui.state import formats, fuzzy
from tui.state.lines import shown_of

PRESET_COLUMNS = (Column("name"), Column("provider", shrinks=True), Column("key", shrinks=True))
MODEL_COLUMNS = (
    Column("model", shrinks=True),
    Column("window", numeric=True),
    Column("in $/M", numeric=True),
    Column("out $/M", numeric=True),
)
MODELS_SHOWN = 15
REFERENCES = ("env:", "cmd:")
KEYED = ("bearer", "x-api-key", "api-key", "x-goog-api-key")
"""Ways of authentication that cannot do without a key."""
NEED_WORDS: Mapping[c.Need, str] = {"base_url": "Address", "project": "Project", "region": "Region"}
NEED_FLAGS: Mapping[c.Need, str] = {"base_url": "--base-url URL", "project": "--set project=NAME", "region": ""}


def has_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def missing(flag: str, why: str) -> click.UsageError:
    return click.UsageError(f"{flag} is missing: {why}")


def which_preset(given: str | None, presets: Sequence[c.PresetInfo]) -> c.PresetInfo:
    """Raises ``click.UsageError``."""
    by_name = {each.name: each for each in presets}

    def known(text: str) -> c.PresetInfo:
        if text in by_name:
            return by_name[text]
        near = [name for name in by_name if text.lower() in name] or difflib.get_close_matches(text, list(by_name))
        hint = f"did you mean {' or '.join(near[:3])}?" if text and near else f"there are {', '.join(by_name)}"
        raise click.UsageError(f"no provider is known as {text!r}; {hint}")

    if given is not None:
        return known(given)
    if not has_terminal():
        raise missing("PRESET", f"there are {', '.join(by_name)}")
    click.echo("\n".join(table(PRESET_COLUMNS, [_preset_row(each) for each in presets], width())), err=True)
    chosen: c.PresetInfo = click.prompt("Provider", value_proc=known, err=True)
    if chosen.hint:
        say(chosen.hint)
    return chosen


def which_name(given: str | None, preset: c.PresetInfo, taken: Sequence[str]) -> str:
    """The table's name. Raises ``click.UsageError`` where it is taken."""

    def free(text: str) -> str:
        if not re.fullmatch(c.PROVIDER_NAME, text):
            raise click.UsageError(f"{text!r} is no name: letters, digits, '.', '_' and '-' only")
        if text in taken:
            raise click.UsageError(f"[providers.{text}] is there already; `cctui providers remove {text}` takes it out")
        return text

    if given is not None:
        return free(given)
    if preset.name not in taken and preset.base_url is not None:
        return preset.name
    if not has_terminal():
        if preset.name in taken:
            raise missing("--name", f"[providers.{preset.name}] is there already")
        return preset.name
    unused = (f"{preset.name}-{number}" for number in range(2, len(taken) + 3))
    offered = preset.name if preset.name not in taken else next(each for each in unused if each not in taken)
    chosen: str = click.prompt("Name for it", default=offered, value_proc=free, err=True)
    return chosen


def what_it_needs(preset: c.PresetInfo, said: Mapping[str, object]) -> dict[str, str]:
    """What the preset's address lacks and ``said`` does not say. Raises ``click.UsageError``."""
    answers: dict[str, str] = {}
    for need in preset.needs:
        if need in said or "base_url" in said:
            continue
        default = preset.region if need == "region" else None
        if has_terminal():
            answer = _asked_need(need, default)
            answers |= {need: answer} if answer != default else {}
        elif default is None:
            raise missing(NEED_FLAGS[need], preset.hint)
    return answers


def anew(preset: c.PresetInfo, table: Mapping[str, Any], auth: str, file: Path) -> dict[str, Any]:
    """``table`` with its address and its key asked again; Enter keeps what it has."""
    again = dict(table)
    if "base_url" in table or "{" not in (preset.base_url or "{"):
        places: tuple[c.Need, ...] = ("base_url",)
    else:
        places = tuple(need for need in ("project", "region") if f"{{{need}}}" in (preset.base_url or ""))
    before = {"base_url": preset.base_url, "region": preset.region}
    for place in places:
        present = table.get(place, before.get(place))
        answer = _asked_need(place, present)
        again |= {place: answer} if answer != present else {}
    if auth in KEYED or "api_key" in table:
        key = _agreed_key(lambda: _asked_key_again(preset, table), file)
        again |= {"api_key": key} if key is not None else {}
        if key is not None and table.get("auth") == "none":
            del again["auth"]
    return again


def _asked_need(need: c.Need, default: object) -> str:
    def valid(text: str) -> str:
        if need == "base_url" and not re.match(r"(?i)https?://\S+$", text.strip()):
            raise click.UsageError(f"{text!r} is no address; those begin with https:// or http://")
        return text.strip()

    return str(click.prompt(NEED_WORDS[need], default=default, value_proc=valid, err=True))


def which_key(given: str | None, preset: c.PresetInfo, auth: str, file: Path, *, sure: bool) -> str | None:
    """The key as it is to be written; None: it goes without one. Raises ``click.UsageError``."""
    found = [f"env:{name}" for name in preset.variables_set]
    if given is None and auth == "none":
        return None
    if not has_terminal():
        if given is None and auth in KEYED and not found:
            raise missing("--key", f"a key, {_example(preset)} or cmd:COMMAND")
        given = given or next(iter(found), None)
        if given is not None and not given.startswith(REFERENCES):
            say(_plain_words(file))
        return given
    if given is None:
        _say_what_the_engine_lacks(preset)
    offers = iter([given] if given is not None else [])
    return _agreed_key(lambda: next(offers, None) or _asked_key(preset, auth, found), file, sure=sure)


def _agreed_key(offer: Callable[[], str | None], file: Path, *, sure: bool = False) -> str | None:
    """The first key of ``offer`` that may stand in the file."""
    while True:
        key = offer()
        if key is None or key.startswith(REFERENCES):
            return key
        say(_plain_words(file))
        if sure or click.confirm("Write the key itself?", default=False, err=True):
            return key


def which_model(given: str | None, models: Sequence[c.Model]) -> str | None:
    """The model for the first requests; None: whatever Claude Code asks for. Raises ``click.UsageError``."""
    ids = [model.id for model in models]
    if given is not None or not has_terminal():
        if given is not None and ids and given not in ids:
            near = difflib.get_close_matches(given, ids, n=3, cutoff=0.4)
            raise click.UsageError(f"it lists no model {given!r}; near are {', '.join(near) or ', '.join(ids[:3])}")
        return given
    shown: Sequence[c.Model] = models
    while True:
        if ids:
            click.echo("\n".join(_model_lines(shown)), err=True)
        question = "First model, or a part of its name (Enter: as Claude Code asks)"
        answer = str(click.prompt(question, default="", show_default=False, err=True)).strip()
        if not answer or answer in ids or not ids:
            return answer or None
        shown = _matching(answer, models)
        if len(shown) == 1:
            return shown[0].id
        if not shown:
            say(f"none is called {answer!r}")
            shown = models


def agreed(question: str, *, sure: bool) -> bool:
    """Whether the user says yes. Raises ``click.UsageError`` where nobody can be asked."""
    if sure:
        return True
    if not has_terminal():
        raise missing("--yes", "without a terminal nothing is written unasked")
    return click.confirm(question, default=True, err=True)


def _asked_key(preset: c.PresetInfo, auth: str, found: Sequence[str]) -> str | None:
    default = next(iter(found), None if auth in KEYED and not _own_server(preset) else "")
    offer = f" (Enter: {default})" if default else "" if default is None else " (Enter: none)"
    question = f"Key, {_example(preset)} or cmd:COMMAND{offer}"
    answer = click.prompt(question, default=default, hide_input=True, show_default=False, err=True)
    return str(answer).strip() or None


def _asked_key_again(preset: c.PresetInfo, table: Mapping[str, Any]) -> str | None:
    kept = "the same" if table.get("api_key") else "none"
    question = f"Key, {_example(preset)} or cmd:COMMAND (Enter: {kept})"
    return str(click.prompt(question, default="", hide_input=True, show_default=False, err=True)).strip() or None


def _own_server(preset: c.PresetInfo) -> bool:
    """Whoever runs it says whether it wants a key."""
    return preset.base_url is None or preset.base_url.startswith("http://localhost")


def _example(preset: c.PresetInfo) -> str:
    return f"env:{next(iter(preset.key_variables), 'NAME')}"


def _plain_words(file: Path) -> str:
    return f"the key will stand in {file} as it is, readable by you alone; env:NAME or cmd:COMMAND keep it out of there"


def _say_what_the_engine_lacks(preset: c.PresetInfo) -> None:
    here = [name for name in preset.key_variables if os.environ.get(name)]
    if here and not preset.variables_set:
        say(f"{here[0]} is set here, but not where the engine was started; after `cctui stop` the next one has it")


def _matching(text: str, models: Sequence[c.Model]) -> list[c.Model]:
    plain = [model for model in models if text.lower() in model.id.lower()]
    if plain:
        return plain
    scored = [(found, model) for model in models if (found := fuzzy.score(text, model.id)) is not None]
    return [model for _, model in sorted(scored, key=lambda each: -each[0])]


def _preset_row(preset: c.PresetInfo) -> list[str]:
    if preset.variables_set:
        return [preset.name, preset.title, f"{preset.variables_set[0]} is set"]
    return [preset.name, preset.title, next(iter(preset.key_variables), "")]


def _model_lines(models: Sequence[c.Model]) -> list[str]:
    rows = [
        [
            model.id,
            formats.window(model.context_window) if model.context_window else formats.UNKNOWN,
            formats.price(model.input_nano_usd),
            formats.price(model.output_nano_usd),
        ]
        for model in models[: shown_of(len(models), MODELS_SHOWN)]
    ]
    more = len(models) - len(rows)
    return [*table(MODEL_COLUMNS, rows, width()), *([f"and {more} more"] if more else [])]
