"""Which of several places somebody goes to: the same one each time, nobody has to remember which, and all get a share.

Where a place comes or goes, only those move that are drawn to it or had been there.
"""

import hashlib
import math


def draw(who: str, place: str, weight: float = 1.0) -> float:
    """How far ``place`` is from ``who``: the nearest of several is theirs, by its weight's share of all."""
    digest = hashlib.sha256(f"{who}\0{place}".encode()).digest()
    share = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -math.log(share) / weight
