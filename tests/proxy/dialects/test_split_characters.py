"""Characters cut in two by a server are put together, and nothing else is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.split_characters import SplitCharacters

TEXTS = st.text(st.sampled_from('a"\\u\n😀🐟é'), max_size=12)


@given(TEXTS)
def test_a_text_cut_at_every_unit_is_whole_again(text: str) -> None:
    raw = text.encode("utf-16-be", "surrogatepass")
    units = [raw[at : at + 2].decode("utf-16-be", "surrogatepass") for at in range(0, len(raw), 2)]
    joiner = SplitCharacters()
    said = [json.loads(joiner.joined(json.dumps({"say": unit}).encode()))["say"] for unit in units]
    assert "".join(said) == text


@given(TEXTS, st.booleans())
def test_whole_characters_stay_as_they_are(text: str, ascii_only: bool) -> None:
    data = json.dumps({"say": text}, ensure_ascii=ascii_only).encode()
    assert SplitCharacters().joined(data) == data


def test_a_text_told_twice_in_one_event_is_whole_twice() -> None:
    joiner = SplitCharacters()
    joiner.joined(rb'{"a":"x\ud83d","b":"x\ud83d"}')
    assert json.loads(joiner.joined(rb'{"a":"\ude00","b":"\ude00!"}')) == {"a": "😀", "b": "😀!"}


def test_events_between_the_halves_change_nothing() -> None:
    joiner = SplitCharacters()
    joiner.joined(rb'{"a":"\uD83D"}')
    joiner.joined(b'{"usage":1}')
    assert json.loads(joiner.joined(rb'{"a":"\uDE00"}')) == {"a": "😀"}


@pytest.mark.parametrize("data", [rb'{"a":"x\ude00"}', rb'{"a":"\ud83dx"}', rb'{"a":"\\ud83d"}', rb'{"a":"\ude00"}'])
def test_other_halves_are_left_to_the_decoder(data: bytes) -> None:
    assert SplitCharacters().joined(data) == data
