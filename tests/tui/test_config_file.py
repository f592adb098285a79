"""Edits of ``config.toml``: what is asked for changes, and not a byte beside it."""

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config_file import (
    CannotEdit,
    difference,
    read_config,
    with_default,
    with_provider,
    without_provider,
    write_config,
)

SECRET = "sk-canary-0123456789"
FILE = f"""# mine
[engine]  # the engine
port = 8787

# the team's gateway
[providers.team]   # ask Ann
base_url = 'https://gateway.example.com'
api_key = "{SECRET}" # a key
models = [ "a",
  "b", # second
]
# models = ["c"]

# where requests go
[route]
default = 'team'   # for now
fallback = ["anthropic"]

# the end
"""
GROQ = {"preset": "groq", "api_key": "env:GROQ_API_KEY", "quirks": {"images": False}}

WAYS = (
    "",
    "# only words\n",
    "[route]\ndefault = 'x'\n",
    "[providers.a]\npreset = 'groq'",
    "providers.a.preset = 'groq'\n[route]\n",
    "providers = { a = { preset = 'groq' } } # inline\n[route]\nfallback = []\n",
    "[providers]\n[providers.a]\npreset = 'groq'\n[engine]\nport = 1\n[providers.b]\npreset = 'zai'\n",
    "[engine]\r\nport = 1\r\n\r\n# by hand\r\n[route]\r\ndefault = 'x'\r\n",
    FILE,
)


@pytest.mark.parametrize("text", WAYS)
def test_a_provider_is_added_to_any_way_of_writing(text: str) -> None:
    made = with_provider(text, "groq", GROQ)
    before = tomllib.loads(text)
    assert tomllib.loads(made) == before | {"providers": before.get("providers", {}) | {"groq": GROQ}}


def test_what_stood_in_the_file_stays_byte_for_byte() -> None:
    assert with_provider(FILE, "groq", GROQ).startswith(FILE)


@pytest.mark.parametrize("text", [each for each in WAYS if each and "inline" not in each and each.endswith("\n")])
def test_what_was_added_and_taken_out_leaves_the_file_as_it_was(text: str) -> None:
    assert without_provider(with_provider(text, "groq", GROQ), "groq") == text


@given(
    st.lists(
        st.sampled_from(
            ["# words", "", "[engine]\nport = 1", "[route]\nfallback = []", "[panel]\ntheme = 'x' # t", "[history]"]
        ),
        unique_by=lambda line: line or object(),
        max_size=8,
    )
)
def test_no_comment_and_no_blank_line_is_lost_whatever_stands_around(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    made = with_provider(text, "groq", GROQ)
    assert made.startswith(text)
    assert tomllib.loads(without_provider(made, "groq")) == tomllib.loads(text)


def test_a_name_with_a_dot_is_one_name() -> None:
    made = with_provider("", "team.eu", {"preset": "groq"})
    assert tomllib.loads(made)["providers"] == {"team.eu": {"preset": "groq"}}
    assert without_provider(made, "team.eu").strip() == ""


def test_lines_of_a_file_from_windows_end_as_the_others_do() -> None:
    made = with_provider("[engine]\r\nport = 1\r\n", "groq", GROQ)
    assert made.count("\n") == made.count("\r\n")


def test_the_default_changes_in_its_place_and_keeps_its_comment() -> None:
    assert with_default(FILE, "groq/x") == FILE.replace("default = 'team'   #", 'default = "groq/x"   #')


def test_a_default_is_put_below_the_header_where_there_was_none() -> None:
    text = "# a\n[route] # b\nfallback = ['x'] # c\n\n# d\n[engine]\n"
    assert with_default(text, "groq") == text.replace("# b\n", '# b\ndefault = "groq"\n')


@pytest.mark.parametrize("text", WAYS)
def test_a_default_is_set_in_any_way_of_writing(text: str) -> None:
    before = tomllib.loads(text)
    made = tomllib.loads(with_default(text, "groq"))
    assert made == before | {"route": before.get("route", {}) | {"default": "groq"}}


def test_a_provider_goes_and_the_comments_around_it_stay() -> None:
    begin, end = FILE.index("[providers.team]"), FILE.index("# where requests go")
    assert without_provider(FILE, "team") == FILE[:begin].rstrip("\n") + "\n\n" + FILE[end:]


def test_the_tables_below_a_provider_go_with_it() -> None:
    text = "[providers.a]\npreset = 'groq'\n[providers.a.quirks]\nimages = false\n[providers.ab]\npreset = 'zai'\n"
    assert without_provider(text, "a") == "[providers.ab]\npreset = 'zai'\n"


def test_a_header_inside_a_text_is_no_header() -> None:
    text = '[prices."x"]\ninput = 1\noutput = 2\n[providers.a]\nbase_url = """\n[providers.b]\n"""\n[providers.b]\n'
    assert tomllib.loads(without_provider(text, "b"))["providers"] == {"a": {"base_url": "[providers.b]\n"}}


def test_no_key_is_in_the_difference_that_is_shown() -> None:
    before = FILE + '[providers.other]\nheaders = { "x-key" = "header-secret" }\napi_key = ["env:A", "one-more-key"]\n'
    after = with_provider(without_provider(before, "other"), "new", {"api_key": 'with"quote'})
    shown = "\n".join([*difference(before, after), *difference(FILE, without_provider(FILE, "team"))])
    assert [each for each in (SECRET, "header-secret", "one-more-key", "quote") if each in shown] == []
    assert ('+ api_key = "•••"' in shown, "env:A" in shown) == (True, True)


def test_a_file_that_is_no_toml_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[engine]\nport = \n")
    with pytest.raises(CannotEdit, match="line 2"):
        read_config(file)


def test_the_file_is_private_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "cctui.toml", tmp_path / "config.toml"
    real.parent.mkdir()
    real.write_bytes(b"[engine]\r\n")
    link.symlink_to(real)
    write_config(link, read_config(link) + "port = 1\r\n")
    assert link.is_symlink()
    assert real.read_bytes() == b"[engine]\r\nport = 1\r\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_no_file_is_an_empty_one(tmp_path: Path) -> None:
    assert read_config(tmp_path / "config.toml") == ""
