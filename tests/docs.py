"""The generated parts of ``docs/providers.md``: ``python -m tests.docs`` writes them, a test compares them.

They come from the registries that the program itself uses: presets, quirks with the reasons that stand beside them.
"""

import ast
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from proxy.dialects import quirks
from proxy.presets import PRESETS, Preset
from tests.readme import _table

DOCUMENT = Path(__file__).parents[1] / "docs" / "providers.md"


def generated() -> Mapping[str, str]:
    """Every generated part by its name."""
    makers: Mapping[str, Callable[[], str]] = {"presets": _presets, "quirks": _quirks, "own quirks": _own_quirks}
    return {name: make() for name, make in makers.items()}


def with_generated_parts(text: str) -> str:
    """``text`` with every generated part as it has to be."""
    for name, part in generated().items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, part=part: f"{found.group(1)}{part}\n{found.group(2)}", text)  # type: ignore[misc]
    return text


def quirk_reasons() -> dict[str, str]:
    """The docstring below each quirk, on one line."""
    [body] = [each.body for each in ast.parse(inspect.getsource(quirks)).body if isinstance(each, ast.ClassDef)]
    pairs = itertools.pairwise(body)
    return {
        name.target.id: " ".join(str(words.value.value).split()).replace("``", "`")
        for name, words in pairs
        if isinstance(name, ast.AnnAssign) and isinstance(name.target, ast.Name)
        if isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant)
    }


def _presets() -> str:
    rows = [
        (
            f"`{each.name}`",
            each.title,
            each.dialect,
            _address(each),
            " or ".join(f"`{name}`" for name in each.key_variables) or "–",
            _hint(each),
        )
        for each in PRESETS
    ]
    return _table(("preset", "provider", "format", "address", "key variable", "remarks"), rows)


def _address(preset: Preset) -> str:
    if preset.name == "simulator":
        return "inside the engine"
    address = (preset.base_url or "yours").replace("{host}", "{region}-aiplatform.googleapis.com")
    return f"{address}, or `{preset.base_url_variable}`" if preset.base_url_variable else address


def _hint(preset: Preset) -> str:
    known = f"Lists no models; known are {', '.join(f'`{each}`' for each in preset.models)}." if preset.models else ""
    unlisted = "" if preset.lists_models or preset.models else "Lists no models."
    return " ".join(filter(None, (preset.hint, known, unlisted)))


def _quirks() -> str:
    reasons = quirk_reasons()
    rows = [(f"`{each.name}`", _shown(each.default), reasons[each.name]) for each in fields(quirks.Quirks)]
    return _table(("quirk", "default", "why"), rows)


def _own_quirks() -> str:
    return _table(
        ("preset", "quirks"), [(f"`{each.name}`", ", ".join(_own(each))) for each in PRESETS if any(_own(each))]
    )


def _own(preset: Preset) -> Iterator[str]:
    for each in fields(quirks.Quirks):
        if (value := getattr(preset.quirks, each.name)) != each.default:
            yield f"`{each.name} = {_toml(value)}`"


def _shown(value: object) -> str:
    return "–" if value is None else f"`{_toml(value)}`"


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def main() -> None:
    DOCUMENT.write_text(with_generated_parts(DOCUMENT.read_text()))


if __name__ == "__main__":
    main()
