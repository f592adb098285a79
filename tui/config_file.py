"""``config.toml``, edited for the user: a provider put in or taken out, a default set. All else stays byte for byte.

Tables go to the end of the file as text, so that no comment changes its neighbour. What an edit makes is read again
and compared with what it should be before anybody writes it; ``tomlkit`` edits the files that this way cannot.
"""

import copy
import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from proxy.paths import write_private

HIDDEN = "•••"
REFERENCES = ("env:", "cmd:")
"""How a key begins that stands for one elsewhere."""

Document = dict[str, Any]

_ROUTE = re.compile(r"(?m)^([ \t]*\[[ \t]*route[ \t]*\][^\r\n]*)")


class CannotEdit(ValueError):
    """The file cannot be edited. ``str()`` says what to do."""


def read_config(file: Path) -> str:
    """The file's text as it is, empty where there is none. Raises ``CannotEdit`` for what is no TOML."""
    try:
        text = file.read_bytes().decode()
        tomllib.loads(text)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise CannotEdit(f"{file}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(f"{file}: not valid TOML: {error}. Correct it first.") from None
    return text


def write_config(file: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner alone; a link stays one."""
    write_private(file.resolve(), text.encode())


def provider_tables(text: str) -> Mapping[str, Any]:
    """``[providers.NAME]`` by name."""
    tables = tomllib.loads(text).get("providers", {})
    return tables if isinstance(tables, dict) else {}


def with_provider(text: str, name: str, table: Mapping[str, Any]) -> str:
    """``text`` with ``[providers.NAME]`` at its end. Raises ``CannotEdit``."""
    wanted = _changed(text, lambda document: document.setdefault("providers", {}).update({name: dict(table)}))
    block = _text_of({"providers": {name: table}})

    def in_place() -> str:
        document = tomlkit.parse(text)
        providers = document.setdefault("providers", tomlkit.table())
        providers[name] = _inline(table) if isinstance(providers, InlineTable) else _item(table)
        return tomlkit.dumps(document)

    return _first_right(wanted, (lambda: _appended(text, block), in_place), f"add this yourself:\n{block}")


def with_default(text: str, target: str) -> str:
    """``text`` with ``default`` of ``[route]`` set. Raises ``CannotEdit``."""
    wanted = _changed(text, lambda document: document.setdefault("route", {}).update({"default": target}))
    line = tomlkit.dumps({"default": target}).strip()
    ways: tuple[Callable[[], str], ...]

    def in_place() -> str:
        document = tomlkit.parse(text)
        document.setdefault("route", tomlkit.table())["default"] = target
        return tomlkit.dumps(document)

    def below_header() -> str:
        return _ROUTE.sub(lambda found: f"{found.group(1)}{_newline(text)}{line}", text, count=1)

    present = tomllib.loads(text).get("route")
    if present is None:
        ways = (lambda: _appended(text, _text_of({"route": {"default": target}})), in_place)
    else:
        ways = (in_place,) if "default" in present else (below_header, in_place)
    return _first_right(wanted, ways, f"write {line} below [route] yourself")


def without_provider(text: str, name: str) -> str:
    """``text`` without ``[providers.NAME]`` and what is below it; comments around it stay. Raises ``CannotEdit``."""

    def drop(document: Document) -> None:
        del document["providers"][name]

    def in_place() -> str:
        document = tomlkit.parse(text)
        del document["providers"][name]
        return tomlkit.dumps(document)

    def lines_away() -> str:
        kept, last = list(_lines_without(text, name)), text.splitlines()[-1]
        while kept and last.strip() and not kept[-1].strip():
            kept.pop()
        return "".join(kept)

    ways = (lines_away, in_place)
    return _first_right(_changed(text, drop), ways, f"take [providers.{name}] out yourself")


def difference(before: str, after: str) -> list[str]:
    """The lines that go (``-``) and come (``+``), with keys hidden."""
    hidden = _secrets(before) | _secrets(after)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    shown = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    return [f"{line[0]} {_without(line[1:], hidden)}".rstrip() for line in shown if line[1:].strip()]


def _first_right(wanted: Document, ways: tuple[Callable[[], str], ...], otherwise: str) -> str:
    """What the first of ``ways`` makes that reads as ``wanted``."""
    for way in ways:
        try:
            made = way()
            if _same(tomllib.loads(made), wanted):
                return made
        except (ValueError, TOMLKitError, KeyError, TypeError, AttributeError):
            continue
    raise CannotEdit(f"the settings file is written in a way that cannot be edited here; {otherwise}")


def _same(one: Document, other: Document) -> bool:
    """An empty table of providers is none."""
    empty: Document = {"providers": {}}
    return empty | one == empty | other


def _changed(text: str, change: Callable[[Document], object]) -> Document:
    document = copy.deepcopy(tomllib.loads(text))
    change(document)
    return document


def _appended(text: str, block: str) -> str:
    newline = _newline(text)
    gap = "" if not text.strip() else newline if text.endswith("\n") else newline * 2
    return text + gap + block.replace("\n", newline)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _text_of(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """``tables`` as TOML: two levels of headers, inline tables below."""
    document = tomlkit.document()
    for head, content in tables.items():
        nested = all(isinstance(each, Mapping) for each in content.values())
        table = tomlkit.table(is_super_table=nested)
        for key, value in content.items():
            table[key] = _item(value) if nested else value
        document[head] = table
    return tomlkit.dumps(document)


def _item(table: Mapping[str, Any]) -> Any:
    made = tomlkit.table()
    for key, value in table.items():
        made[key] = _inline(value) if isinstance(value, Mapping) else value
    return made


def _inline(table: Mapping[str, Any]) -> Any:
    made = tomlkit.inline_table()
    made.update({key: _inline(value) if isinstance(value, Mapping) else value for key, value in table.items()})
    return made


def _lines_without(text: str, name: str) -> Iterator[str]:
    """The lines of ``text`` without the tables of a provider. Comments behind a blank line, or right above the next
    header, belong to what follows."""
    spelled = "|".join(re.escape(each) for each in (name, f'"{name}"', f"'{name}'"))
    ours = re.compile(rf"\s*\[+\s*providers\s*\.\s*({spelled})\s*[.\]]")
    last = ""
    for section in _sections(text.splitlines(keepends=True)):
        kept = section[_end_of_keys(section) :] if ours.match(section[0]) else section
        if not last.strip() and kept and not kept[0].strip():
            kept = kept[1:]
        yield from kept
        last = kept[-1] if kept else last


def _sections(lines: list[str]) -> Iterator[list[str]]:
    """``lines`` cut before each header; what stands before the first is one too."""
    section: list[str] = []
    for line in lines:
        if line.lstrip().startswith("[") and section:
            yield section
            section = []
        section.append(line)
    if section:
        yield section


def _end_of_keys(section: list[str]) -> int:
    """Where in a section that begins with its header the lines begin that belong to the next one."""
    end = len(section)
    while end > 1 and (not section[end - 1].strip() or section[end - 1].lstrip().startswith("#")):
        end -= 1
    return next((place for place in range(end, len(section)) if not section[place].strip()), end)


def _secrets(text: str) -> set[str]:
    """Keys that stand in the file themselves, and values of headers."""
    found: set[str] = set()
    for table in provider_tables(text).values():
        if isinstance(table, dict):
            keys, headers = table.get("api_key"), table.get("headers")
            values = [
                *(keys if isinstance(keys, list) else [keys]),
                *(headers.values() if isinstance(headers, dict) else ()),
            ]
            found.update(each for each in values if isinstance(each, str))
    return {each for each in found if each and not each.startswith(REFERENCES)}


def _without(line: str, secrets: set[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        written = tomlkit.item(secret).as_string()[1:-1]
        line = line.replace(written, HIDDEN).replace(secret, HIDDEN)
    return line
