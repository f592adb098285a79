"""A request body: the head is read, the model is swapped, and no other byte moves."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.messages import BadBody, Body

BLANKS = st.text(" \t\r\n", max_size=3)
KEYS = st.one_of(st.sampled_from(["model", "messages", "mode", "models", "Model", ""]), st.text(max_size=6))
STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS.filter(str.isprintable), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def texts_of(draw: st.DrawFn, value: Any) -> str:
    """A value as one of the ways in which JSON can be written."""
    if isinstance(value, str):
        return draw(spellings(value))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 2])))
    return json.dumps(value)


@st.composite
def spellings(draw: st.DrawFn, text: str) -> str:
    """A string with some of its characters escaped."""
    pieces = []
    for character in text:
        if draw(st.booleans()) or character in '"\\' or ord(character) < 32:
            units = character.encode("utf-16-be")
            pieces.append("".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2)))
        else:
            pieces.append(character)
    return '"' + "".join(pieces) + '"'


@st.composite
def bodies(draw: st.DrawFn) -> list[tuple[str, str]]:
    """The pieces of an object: fixed text, and model values apart, in order."""
    entries = draw(st.lists(st.tuples(KEYS.filter(lambda key: key != "model"), VALUES), max_size=6))
    models = draw(st.lists(STRINGS.filter(bool), min_size=1, max_size=3))
    order = draw(st.permutations([*entries, *(("model", name) for name in models)]))
    pieces = [("text", draw(BLANKS) + "{")]
    for number, (key, value) in enumerate(order):
        comma = "," if number else ""
        head = f"{comma}{draw(BLANKS)}{draw(spellings(key))}{draw(BLANKS)}:{draw(BLANKS)}"
        pieces += [
            ("text", head),
            ("model" if key == "model" else "text", draw(texts_of(value))),
            ("text", draw(BLANKS)),
        ]
    return [*pieces, ("text", "}" + draw(BLANKS))]


def with_model(body: bytes, model: str) -> bytes:
    return b"".join(Body(body).pieces_with_model(model))


@given(bodies(), STRINGS)
def test_a_swapped_model_differs_in_its_value_and_in_no_other_byte(pieces: list[tuple[str, str]], new: str) -> None:
    body = "".join(text for _, text in pieces).encode()
    swapped = with_model(body, new)
    kept = [text.encode() for kind, text in pieces if kind == "text"]
    gaps = _between(swapped, pieces, kept)
    assert [json.loads(gap) for gap in gaps] == [new] * len(gaps)


def _between(swapped: bytes, pieces: list[tuple[str, str]], kept: list[bytes]) -> list[bytes]:
    """What stands in ``swapped`` where the model values were; every other piece must stand there unaltered."""
    position, gaps, length = 0, [], len(swapped) - sum(map(len, kept))
    models = sum(kind == "model" for kind, _ in pieces)
    for kind, text in pieces:
        size = length // models if kind == "model" else len(text.encode())
        if kind == "model":
            gaps.append(swapped[position : position + size])
        else:
            assert swapped[position : position + size] == text.encode()
        position += size
    assert position == len(swapped)
    return gaps


@given(bodies(), STRINGS)
def test_another_reader_sees_the_new_model_and_the_old_rest(pieces: list[tuple[str, str]], new: str) -> None:
    body = "".join(text for _, text in pieces).encode()
    before = json.loads(body, object_pairs_hook=list)
    after = json.loads(with_model(body, new), object_pairs_hook=list)
    assert after == [(key, new if key == "model" else value) for key, value in before]


@given(bodies())
def test_the_model_that_is_read_is_the_last_one_as_for_other_readers(pieces: list[tuple[str, str]]) -> None:
    body = "".join(text for _, text in pieces).encode()
    assert Body(body).model == json.loads(body)["model"]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_body_or_a_bad_body(raw: bytes) -> None:
    with contextlib.suppress(BadBody):
        body = Body(raw)
        body.outline()
        body.pieces_with_model("x")
        _ = (body.streaming, body.has_tools, body.wants_structure, body.metadata_session, body.model)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"model":"a"}', b'{"model":"NEW"}'),
        (b'{"metadata":{"model":"in"},"model":"a"}', b'{"metadata":{"model":"in"},"model":"NEW"}'),
        (b'{"x":"\\"model\\":\\"a\\"","model":"a"}', b'{"x":"\\"model\\":\\"a\\"","model":"NEW"}'),
        (
            b'{"x":"}","y":["]",{"model":"{"}],"model":"a","z":"{"}',
            b'{"x":"}","y":["]",{"model":"{"}],"model":"NEW","z":"{"}',
        ),
        (b'{"mod\\u0065l":"a"}', b'{"mod\\u0065l":"NEW"}'),
        (b'{"model":"a","model":"b"}', b'{"model":"NEW","model":"NEW"}'),
        (b'{"model":"a","x":1,"model":"a"}', b'{"model":"NEW","x":1,"model":"NEW"}'),
        (b'{"x":[1],"model":"a","x":[2]}', b'{"x":[1],"model":"NEW","x":[2]}'),
        (b'{"x":1.50e+3,"model":"a","n":-0}', b'{"x":1.50e+3,"model":"NEW","n":-0}'),
        (b'{"model":null}', b'{"model":"NEW"}'),
        (b"{}", b"{}"),
        (b" { } ", b" { } "),
    ],
)
def test_only_the_value_of_the_top_level_model_is_replaced(before: bytes, after: bytes) -> None:
    assert with_model(before, "NEW") == after


@pytest.mark.parametrize(
    "text", [rb"\ud83d", rb"x \uDC00 y", rb"\ud83d\ud83d\ude00", rb"\\ud83d \ud83d", rb"\ud83dx\ude00"]
)
def test_half_of_a_surrogate_pair_is_the_provider_s_business_and_passes(text: bytes) -> None:
    body = b'{"' + text + b'":1,"messages":["' + text + b'"],"model":"a","system":"' + text + b'"}'
    assert Body(body).model == "a"
    assert with_model(body, "b") == body.replace(b'"model":"a"', b'"model":"b"')
    assert Body(body).outline()


def test_a_body_of_four_megabytes_keeps_its_bytes() -> None:
    text = ('line\\n\\t\\u00e9 \\"model\\": ' * 160_000).encode()
    body = b'{"messages":[{"role":"user","content":"' + text + b'"}],"model":"a","tail":"' + text[:-1] + b'"}'
    assert with_model(body, "b") == body.replace(b'"model":"a"', b'"model":"b"')


def test_repeated_keys_in_a_body_of_megabytes_keep_their_bytes() -> None:
    text = b"\\n" * 1_000_000
    body = b'{"model":"a","x":"' + text + b'","model":"a"}'
    assert with_model(body, "b") == body.replace(b'"model":"a"', b'"model":"b"')


def test_a_name_with_quotes_is_escaped() -> None:
    assert json.loads(with_model(b'{"model":"a"}', 'o"\\\n'))["model"] == 'o"\\\n'


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"null", b"5", b'"text"', b"[]", b'[{"model":"a"}]', b"{", b'{"model":"a"', b'{"model":"a"} x',
        b'{"model":"a",}', b"{'model':'a'}", b'{"model" "a"}', b'{"a":NaN}', b'{"a":01}', b'{"a":"\n"}',
        b"\xff\xfe{\x00",
        b"\xef\xbb\xbf{}", b'{"mod\xff":"a"}', b"<html>", b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(BadBody, match=r"The request body is not a JSON object: ."):
        Body(raw)


@pytest.mark.parametrize("model", [b"null", b"5", b'""', b'["a"]', b"{}", b"true", rb'"\ud800"'])
def test_a_model_that_is_no_name_is_refused_in_words(model: bytes) -> None:
    with pytest.raises(BadBody, match="model: a non-empty string is required"):
        _ = Body(b'{"model":' + model + b"}").model


def test_a_missing_model_is_refused_in_words() -> None:
    with pytest.raises(BadBody, match="model: a non-empty string is required"):
        _ = Body(b'{"messages":[]}').model


def test_a_model_in_broken_utf_8_is_refused_in_words() -> None:
    with pytest.raises(BadBody, match="model: it is not valid UTF-8"):
        _ = Body(b'{"model":"\xff"}').model


@pytest.mark.parametrize(
    ("user_id", "session"),
    [
        (json.dumps({"device_id": "d", "account_uuid": "", "session_id": "s-1"}), "s-1"),
        ("user_abc_account_def_session_0a1b-2c", "0a1b-2c"),
        ("user_abc_session_", None),
        ("user_abc", None),
        (json.dumps({"session_id": 5}), None),
        (json.dumps({"session_id": ""}), None),
        (json.dumps({"other": "x"}), None),
        (json.dumps(["session_id"]), None),
        ("12", None),
        ("null", None),
        ("", None),
        ("[" * 100_000, None),
    ],
)
def test_the_session_in_the_metadata_of_old_and_new_clients(user_id: str, session: str | None) -> None:
    assert Body(json.dumps({"metadata": {"user_id": user_id}}).encode()).metadata_session == session


@pytest.mark.parametrize("metadata", [None, 5, "x", [], {}, {"user_id": None}, {"user_id": {}}])
def test_metadata_without_a_session_is_no_fault(metadata: object) -> None:
    assert Body(json.dumps({"metadata": metadata}).encode()).metadata_session is None


@pytest.mark.parametrize(
    ("tools", "some"),
    [("null", False), ("[]", False), ("[ ]", False), ("[\n]", False), ('[{"name":"a"}]', True), ("{}", False)],
)
def test_an_empty_list_of_tools_is_none(tools: str, some: bool) -> None:
    assert Body(f'{{"tools": {tools}}}'.encode()).has_tools is some


def test_a_body_without_tools_has_none() -> None:
    assert not Body(b"{}").has_tools


@pytest.mark.parametrize(
    ("stream", "is_one"), [("true", True), ("false", False), ("1", False), ("null", False), ('"true"', False)]
)
def test_only_true_asks_for_a_stream(stream: str, is_one: bool) -> None:
    assert Body(f'{{"stream":{stream}}}'.encode()).streaming is is_one


def test_the_outline_shows_sizes_and_no_texts() -> None:
    secret = "the user's words " * 10
    body = {
        "model": "a",
        "system": secret,
        "messages": [{"role": "user", "content": secret}],
        "thinking": {"type": "x"},
    }
    outline = dict(Body(json.dumps(body).encode()).outline())
    assert "words" not in str(outline)
    assert outline["model"] == '"a"'
    assert outline["messages"].startswith("1, ")


def test_the_outline_of_a_broken_text_is_still_shown() -> None:
    assert dict(Body(b'{"a":"\xff","b":{"\xff":1}}').outline()) == {"a": '"\ufffd"', "b": "it is not valid UTF-8"}
