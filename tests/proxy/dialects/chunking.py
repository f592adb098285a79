"""The ways in which a network cuts a body; an answer means the same in each."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import strategies as st

from proxy.dialects.reading import AnswerReader

Chunking = Callable[[bytes], Sequence[bytes]]


def whole(body: bytes) -> Sequence[bytes]:
    return [body]


def lines(body: bytes) -> Sequence[bytes]:
    return body.splitlines(keepends=True)


def single_bytes(body: bytes) -> Sequence[bytes]:
    return [body[at : at + 1] for at in range(len(body))]


CHUNKINGS: tuple[Chunking, ...] = (whole, lines, single_bytes)
EVERY_CHUNKING = pytest.mark.parametrize("chunked", CHUNKINGS, ids=lambda chunking: chunking.__name__)
"""Runs a test with each; its argument is ``chunked: Chunking``."""


@st.composite
def cuts(draw: st.DrawFn, body: bytes) -> Sequence[bytes]:
    """``body`` cut at random places."""
    ends = sorted(draw(st.lists(st.integers(0, len(body)), max_size=12)))
    return [body[start:end] for start, end in zip([0, *ends], [*ends, len(body)], strict=True)]


def read(reader: AnswerReader, chunks: Sequence[bytes]) -> bytes:
    """All that ``reader`` says to an upstream that sends ``chunks`` and closes."""
    return b"".join([*(reader.feed(chunk) for chunk in chunks), reader.end()])
