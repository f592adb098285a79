"""What the start of an engine leaves in memory, and how often garbage is looked for."""

import gc

from proxy.prices import list_price, today

GARBAGE_OBJECTS = 20_000
"""So many new objects make the collector look; Python's own 700 are not even a request's worth."""


def settle() -> None:
    """What the start built stays for good: a garbage collection that walks it would hold up streams by 30 ms.

    A request makes and drops about a thousand objects, none of them in cycles: looking for those comes less often.
    """
    list_price("anthropic", "claude-sonnet-4-5", today())
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)
