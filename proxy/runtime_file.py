"""The file in which a running engine says where it listens, for whoever looks for one: it is there while it serves."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from proxy.paths import write_private


@contextlib.contextmanager
def runtime_file(file: Path, facts: Mapping[str, object]) -> Iterator[None]:
    """``file`` tells ``facts`` and this process's id inside, and is gone afterwards, unless another engine wrote it
    anew."""
    write_private(file, msgspec.json.encode({"pid": os.getpid(), **facts}))
    try:
        yield
    finally:
        if _written_by_us(file):
            file.unlink(missing_ok=True)


def _written_by_us(file: Path) -> bool:
    try:
        return bool(msgspec.json.decode(file.read_bytes())["pid"] == os.getpid())
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return False
