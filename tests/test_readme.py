"""The README tells what the program does: its generated parts are up to date, its commands exist."""

import re

from tests.readme import README, generated, with_generated_parts


def test_the_generated_parts_of_the_readme_are_up_to_date() -> None:
    text = README.read_text()

    assert with_generated_parts(text) == text, "run: python -m tests.readme"


def test_every_generated_part_stands_in_the_readme() -> None:
    text = README.read_text()

    assert [name for name in generated() if f"<!-- {name} -->" not in text] == []


def test_pictures_and_links_of_the_readme_exist() -> None:
    text = README.read_text()
    targets = [link for link in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", text) for link in link if link]

    missing = [each for each in targets if "://" not in each and not (README.parent / each).exists()]

    assert missing == []
