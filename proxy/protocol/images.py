"""How many tokens an image takes: by its size, read from the first bytes of a PNG, JPEG, GIF or WebP. Pure."""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

IMAGE_TOKENS = 1600
"""An image whose size cannot be read: what one of 1092 by 1092 pixels takes."""
DOCUMENT_TOKENS = 3000
"""A document whose pages nobody counted: what one page or two take, as text and as a picture."""

PIXELS_PER_TOKEN = 750
"""Anthropic's manual on vision: a patch of 28 by 28 pixels, about."""
EDGE_MAX = 2576
PIXELS_MAX = 3_750_000
"""Larger images are scaled down before they are counted (models from Opus 4.7 on; earlier ones sooner)."""

HEAD_CHARACTERS = 128 * 1024
"""Of Base64 that is looked at: a JPEG may have a thumbnail before its size."""
_HEADS = (64, HEAD_CHARACTERS)
"""The first few tell most sizes."""
_JPEG_SIZES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
"""Markers of the frames that tell a JPEG's size."""


def image_tokens(source: Mapping[str, Any]) -> int:
    """Tokens of the image in a block's ``source``."""
    data = source.get("data")
    sizes = (image_size(_head(data, characters)) for characters in _HEADS) if isinstance(data, str) else iter(())
    size = next((each for each in sizes if each is not None), None)
    if size is None:
        return IMAGE_TOKENS
    width, height = size
    scale = min(1.0, EDGE_MAX / max(width, height), math.sqrt(PIXELS_MAX / (width * height)))
    return max(1, round(width * height * scale * scale / PIXELS_PER_TOKEN))


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, from an image's first bytes; None where they do not tell."""
    size = _png(head) or _gif(head) or _webp(head) or _jpeg(head)
    return size if size is not None and min(size) > 0 else None


def _head(data: str, characters: int) -> bytes:
    start = data[:characters]
    try:
        return base64.b64decode(start[: len(start) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _png(head: bytes) -> tuple[int, int] | None:
    if head[:8] != b"\x89PNG\r\n\x1a\n" or len(head) < 24:
        return None
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def _gif(head: bytes) -> tuple[int, int] | None:
    if head[:6] not in (b"GIF87a", b"GIF89a") or len(head) < 10:
        return None
    return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")


def _webp(head: bytes) -> tuple[int, int] | None:
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """Walks from segment to segment until the frame that tells the size."""
    if head[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _JPEG_SIZES:
            return int.from_bytes(head[at + 7 : at + 9]), int.from_bytes(head[at + 5 : at + 7])
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(head[at + 2 : at + 4])
        if length < 2:
            return None
        at += 2 + length
    return None
