"""How money reads of which a part is not known, for every place that shows some: ``?``, ``$4.12 + ?``. Pure.

It imports nothing, for the status line has no time.
"""

UNKNOWN = "?"
AT_MOST = "≤"


def told(amount: str, known: bool, unpriced: int, *, unit: str = "", tight: bool = False) -> str:
    """``amount`` with its ``unit``, and that it is not all where requests are ``unpriced``.

    ``known``: something is known of what was spent; else an amount of nothing would be a lie. ``tight``: for columns,
    where the mark takes the two cells beside cents.
    """
    if unpriced <= 0:
        return f"{amount}{unit}"
    if not known:
        return f"{UNKNOWN}{unit}"
    return f"{amount}{unit}+{UNKNOWN}" if tight else f"{amount}{unit} + {UNKNOWN}"


def left(amount: str, unpriced: int) -> str:
    """``amount`` that is left of a limit: no more than that where requests are ``unpriced``, which cost something."""
    return f"{AT_MOST}{amount}" if unpriced > 0 else amount
