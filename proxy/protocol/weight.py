"""What a request's body weighs: text by its bytes, pictures and documents by what a model sees of them. Pure.

A picture's Base64 is a hundred times as long as its tokens are many. It is found without decoding the body: a
``data`` string beside ``"type":"base64"`` in one object, whatever their order.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.protocol.images import DOCUMENT_TOKENS, HEAD_CHARACTERS, image_tokens

_BASE64 = b'"base64"'
_DATA = re.compile(rb'"data"[ \t\n\r]*:[ \t\n\r]*"')
_MEDIA_TYPE = re.compile(rb'"media_type"[ \t\n\r]*:[ \t\n\r]*"([^"]*)"')
_BESIDE = 300
"""Bytes before and behind a payload in which the rest of its object stands."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Of a body, or what one has more than another."""

    text_bytes: int
    media_tokens: int = 0
    """Of pictures and documents, estimated."""

    def __sub__(self, other: "Weight") -> "Weight":
        return Weight(self.text_bytes - other.text_bytes, self.media_tokens - other.media_tokens)


def weight_of(raw: bytes) -> Weight:
    """Of a body as it goes over the wire."""
    media = list(_media(raw))
    return Weight(len(raw) - sum(size for size, _ in media), sum(tokens for _, tokens in media))


def _media(raw: bytes) -> Iterator[tuple[int, int]]:
    """Size and tokens of each payload."""
    if raw.rfind(_BASE64) < 0:  # from behind: a third of the time in megabytes
        return
    at = 0
    while (found := _DATA.search(raw, at)) is not None:
        start = found.end()
        end = at = raw.find(b'"', start)
        if end < 0:
            return
        beside = _rest_of_object(raw, found.start(), end + 1)
        if _BASE64 in beside:
            kind = _MEDIA_TYPE.search(beside)
            yield end - start, _tokens(kind[1] if kind else b"", raw, start, end)


def _rest_of_object(raw: bytes, start: int, end: int) -> bytes:
    """What stands before ``start`` and behind ``end`` in the innermost object, as far as it has no other in it."""
    before, behind = raw[max(0, start - _BESIDE) : start], raw[end : end + _BESIDE]
    return before[before.rfind(b"{") + 1 :] + behind.partition(b"}")[0]


def _tokens(media_type: bytes, raw: bytes, start: int, end: int) -> int:
    if not media_type.startswith(b"image/"):
        return DOCUMENT_TOKENS
    head = raw[start : min(end, start + HEAD_CHARACTERS)]
    return image_tokens({"data": head.decode("ascii", errors="replace")})
