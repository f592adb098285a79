"""Tokens of images, by the size that their first bytes tell."""

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.images import IMAGE_TOKENS, image_size, image_tokens


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0"


def jpeg(width: int, height: int, before: int = 40) -> bytes:
    comment = b"\xff\xe1" + struct.pack(">H", before + 2) + b"x" * before
    return b"\xff\xd8" + comment + b"\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + b"\x03" * 8


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"


def webp(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size


def tokens(data: bytes) -> int:
    return image_tokens({"type": "base64", "data": base64.b64encode(data).decode()})


@pytest.mark.parametrize("make", [png, jpeg, gif, webp])
def test_the_size_is_read_from_the_head(make: object) -> None:
    assert image_size(make(1234, 567)) == (1234, 567)  # type: ignore[operator]


def test_a_jpegs_size_is_found_behind_a_thumbnail() -> None:
    assert image_size(jpeg(640, 480, before=60_000)) == (640, 480)


def test_an_image_takes_a_token_for_each_750_pixels() -> None:
    assert tokens(png(1000, 1000)) == 1333


def test_a_huge_image_is_scaled_down_before_it_is_counted() -> None:
    assert tokens(png(8000, 8000)) == 5000
    assert tokens(png(8000, 100)) == round(2576 * 2576 * 100 / 8000 / 750)


@pytest.mark.parametrize(
    "source", [{}, {"type": "url", "url": "https://example.com/a.png"}, {"data": 7}, {"data": "é"}]
)
def test_an_image_whose_size_is_unknown_takes_what_a_common_one_does(source: dict[str, object]) -> None:
    assert image_tokens(source) == IMAGE_TOKENS


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF1234WEBPVP8L"]))
def test_no_bytes_make_it_fail(rest: bytes, head: bytes) -> None:
    size = image_size(head + rest)
    assert size is None or min(size) > 0
