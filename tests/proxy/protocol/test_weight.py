"""Text weighs its bytes, a picture what a model sees of it."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.images import DOCUMENT_TOKENS, IMAGE_TOKENS
from proxy.protocol.messages import Body
from proxy.protocol.weight import Weight, weight_of
from tests.proxy.protocol.test_images import jpeg, png

BYTES = bytes(range(256)) * 4000


def picture(data: bytes = BYTES, media_type: str = "image/png", kind: str = "image") -> dict[str, Any]:
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    return {"type": kind, "source": source}


def body(*blocks: dict[str, Any], **dumped: Any) -> bytes:
    message = {"role": "user", "content": [*blocks, {"type": "text", "text": 'a "data" of type "base64"'}]}
    return json.dumps({"model": "m", "messages": [message]}, **dumped).encode()


def bare(raw: bytes) -> int:
    """Bytes of a body without its payloads."""
    found = json.loads(raw)
    blocks = found["messages"][0]["content"]
    return len(raw) - sum(len(block["source"]["data"]) for block in blocks if "source" in block)


@pytest.mark.parametrize("dumped", [{}, {"separators": (",", ":")}, {"indent": 2}, {"sort_keys": True}])
def test_a_picture_weighs_its_tokens_and_not_its_bytes(dumped: dict[str, Any]) -> None:
    raw = body(picture(png(750, 1000) + BYTES), picture(), **dumped)

    assert weight_of(raw) == Weight(bare(raw), 1000 + IMAGE_TOKENS)


def test_a_photograph_s_size_may_stand_far_behind_its_beginning() -> None:
    raw = body(picture(jpeg(750, 1000, 60_000), "image/jpeg"))

    assert weight_of(raw) == Weight(bare(raw), 1000)


def test_a_document_weighs_a_page_or_two() -> None:
    raw = body(picture(kind="document", media_type="application/pdf"))

    assert weight_of(raw) == Weight(bare(raw), DOCUMENT_TOKENS)


def test_a_picture_within_a_tool_s_result_is_one_too() -> None:
    raw = body({"type": "tool_result", "tool_use_id": "t", "content": [picture()]})

    assert weight_of(raw).media_tokens == IMAGE_TOKENS


def test_sealed_thinking_weighs_its_bytes() -> None:
    raw = body(picture(b"x"), {"type": "redacted_thinking", "data": "x" * 5000})

    assert weight_of(raw).text_bytes > 5000


@pytest.mark.parametrize("text", ['{"type":"base64","data":"AAAA"}', '"source":{"type":"base64","data":"AAAA"}'])
def test_what_stands_in_a_text_is_text(text: str) -> None:
    raw = body({"type": "text", "text": text})

    assert weight_of(raw) == Weight(len(raw))


def test_a_body_is_weighed_once() -> None:
    given = Body(body(picture()))

    assert given.weight is given.weight


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_rubbish_is_weighed_too(before: bytes, behind: bytes) -> None:
    raw = before + b'{"type":"base64","data":"' + behind

    assert 0 <= weight_of(raw).text_bytes <= len(raw)
