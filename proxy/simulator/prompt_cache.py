"""A provider's prompt cache: the prefix seen before is read, the rest up to the last mark is written.

State without clock or I/O; bounded. Prefixes are known by a digest over their pieces, apart for each session.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from proxy.contract import Usage
from proxy.simulator.request import Piece

MIN_TOKENS = 1024
"""Shorter prefixes are not cached, as at the real API."""

LIFE_S = {"5m": 300.0, "1h": 3600.0}

CAPACITY = 8192
"""Prefixes remembered; the least recently used one is forgotten first."""


class PromptCache:
    """What one provider remembers of the prompts that it read."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._known: OrderedDict[bytes, float] = OrderedDict()
        """Prefix → the time at which it is forgotten."""

    def __len__(self) -> int:
        return len(self._known)

    def read(self, session: str, pieces: Sequence[Piece], now: float) -> Usage:
        """What the prompt costs at ``now`` (seconds), output not counted; remembers it for the next one."""
        prefixes = _prefixes(session, pieces)
        marked = [index for index, piece in enumerate(pieces) if piece.ttl]
        last = marked[-1] + 1 if marked else 0
        if sum(piece.tokens for piece in pieces[:last]) < MIN_TOKENS:
            return Usage(input_tokens=_tokens(pieces))
        hit = self._longest_known(prefixes[:last], now)
        hour = max((index + 1 for index in marked if pieces[index].ttl == "1h"), default=0)
        self._remember(prefixes[:last], hour, now)
        return Usage(
            input_tokens=_tokens(pieces[last:]),
            cache_read_tokens=_tokens(pieces[:hit]),
            cache_write_1h_tokens=_tokens(pieces[hit:hour]),
            cache_write_5m_tokens=_tokens(pieces[max(hit, hour) : last]),
        )

    def _longest_known(self, prefixes: Sequence[bytes], now: float) -> int:
        for length in range(len(prefixes), 0, -1):
            if self._known.get(prefixes[length - 1], 0.0) > now:
                return length
        return 0

    def _remember(self, prefixes: Sequence[bytes], hour: int, now: float) -> None:
        for index, prefix in enumerate(prefixes):
            self._known[prefix] = now + LIFE_S["1h" if index < hour else "5m"]
            self._known.move_to_end(prefix)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)


def _prefixes(session: str, pieces: Sequence[Piece]) -> list[bytes]:
    """For each piece the digest of everything up to and with it."""
    running = hashlib.blake2b(session.encode(), digest_size=16)
    digests = []
    for piece in pieces:
        running.update(piece.digest)
        digests.append(running.digest())
    return digests


def _tokens(pieces: Sequence[Piece]) -> int:
    return sum(piece.tokens for piece in pieces)
