"""``docs/providers.md`` tells what the program knows: its tables are up to date, its examples can be used."""

import re
import tomllib
from dataclasses import fields

from proxy.dialects.quirks import Quirks
from proxy.providers import provider_from
from proxy.settings import Settings, provider_settings
from tests.docs import DOCUMENT, generated, quirk_reasons, with_generated_parts


def test_the_generated_parts_are_up_to_date() -> None:
    text = DOCUMENT.read_text()
    assert with_generated_parts(text) == text, "run: python -m tests.docs"


def test_every_generated_part_stands_in_the_document() -> None:
    text = DOCUMENT.read_text()
    assert [name for name in generated() if f"<!-- {name} -->" not in text] == []


def test_every_quirk_has_its_reason() -> None:
    assert [each.name for each in fields(Quirks) if not quirk_reasons().get(each.name)] == []


def test_every_example_of_settings_can_be_used() -> None:
    examples = [tomllib.loads(each) for each in re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)]
    tables = [(name, table) for each in examples for name, table in each.get("providers", {}).items()]
    resolved = [provider_from(name, provider_settings(name, table), Settings(), {}) for name, table in tables]
    assert len(resolved) >= 2
