"""Names and ids of tools that every server takes, and the way back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.tool_names import NAME_MAX, ToolNames, own_id, sent_id
from tests.proxy.dialects.conversations import TEXTS, TOOL_NAMES

LEGAL = re.compile(r"[A-Za-z0-9_-]{1,64}")


@given(st.lists(TOOL_NAMES | TEXTS, unique=True, max_size=8), st.booleans())
def test_names_are_legal_different_and_come_back(own: list[str], letter: bool) -> None:
    names = ToolNames(own, begins_with_letter=letter)
    sent = [names.sent(name) for name in own]
    assert all(LEGAL.fullmatch(name) for name in sent)
    assert len(set(sent)) == len(own)
    assert [names.own(name) for name in sent] == own
    if letter:
        assert not any(name[0].isdigit() or name[0] == "-" for name in sent)


def test_a_legal_name_stays_as_it_is() -> None:
    assert ToolNames(["mcp__files__read-all"]).sent("mcp__files__read-all") == "mcp__files__read-all"


@pytest.mark.parametrize(
    "said",
    [
        "functions.Read",
        "Read<|channel|>commentary",
        "functions.Read<|channel|>json",
        "default_api:Read",
        "a.b/Read",
        " Read ",
    ],
)
def test_a_name_is_known_in_the_words_of_other_formats(said: str) -> None:
    assert ToolNames(["Read", "Bash"]).own(said) == "Read"


@pytest.mark.parametrize("said", ["functions.Write", "Write", "<|channel|>", "", "Read.", "Reader", "files.Read.all"])
def test_a_name_that_no_tool_has_stays_for_the_client_to_refuse(said: str) -> None:
    assert ToolNames(["Read", "Bash"]).own(said) == said


def test_a_tools_own_name_is_never_taken_for_another() -> None:
    names = ToolNames(["files.Read", "Read"])
    assert names.own("files.Read") == "files.Read"
    assert names.own(names.sent("files.Read")) == "files.Read"


def test_a_name_is_the_same_in_every_request() -> None:
    long_name = "mcp__" + "x" * 80
    assert ToolNames([long_name]).sent(long_name) == ToolNames(["Bash", long_name, "Read"]).sent(long_name)


def test_long_names_with_one_beginning_stay_apart() -> None:
    names = ToolNames(["x" * NAME_MAX + "a", "x" * NAME_MAX + "b"])
    assert names.sent("x" * NAME_MAX + "a") != names.sent("x" * NAME_MAX + "b")


def test_a_dotted_name_and_its_legal_twin_stay_apart() -> None:
    names = ToolNames(["files_read", "files.read"])
    assert names.own(names.sent("files.read")) == "files.read"
    assert names.own("files_read") == "files_read"


def test_a_name_that_no_tool_has_stays_as_it_is() -> None:
    assert ToolNames(["Bash"]).own("bash") == "bash"


@pytest.mark.parametrize(("tool_id", "same"), [("toolu_1", True), ("x" * 64, True), ("x" * 65, False), ("", False)])
def test_an_id_beyond_64_characters_is_shortened(tool_id: str, same: bool) -> None:
    sent = sent_id(tool_id, "any")
    assert (sent == tool_id) == same
    assert 0 < len(sent) <= 64


@pytest.mark.parametrize("tool_id", ["toolu_01ABC", "abcDEF123", "", "abcDEF12_"])
def test_nine_letters_and_digits_where_a_server_takes_nothing_else(tool_id: str) -> None:
    assert re.fullmatch("[A-Za-z0-9]{9}", sent_id(tool_id, "nine"))


def test_an_id_that_is_nine_letters_already_stays() -> None:
    assert sent_id("abcDEF123", "nine") == "abcDEF123"


def test_a_legal_id_of_the_servers_stays() -> None:
    assert own_id("call_abcdefghijklmnop", "msg_1", 0) == "call_abcdefghijklmnop"


@pytest.mark.parametrize(
    "given_id", [None, "", "call_1", "functions.Bash:0", "call_" + "x" * 80, "naïve_abcdefghijklmnop"]
)
def test_any_other_id_is_made_from_message_and_number(given_id: str | None) -> None:
    made = own_id(given_id, "msg_1", 0)
    assert re.fullmatch(r"toolu_[0-9a-f]{24}", made)
    assert made not in (own_id(given_id, "msg_1", 1), own_id(given_id, "msg_2", 0))
