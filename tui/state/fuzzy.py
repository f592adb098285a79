"""Fuzzy matching of short names: letters in order, better where they begin words and stand together."""

WORD_START = 8
TOGETHER = 5
PLAIN = 1
GAP = 0.05
WHOLE_WORD = 12

_BREAKS = frozenset(" -_./:@[]()")


def score(query: str, text: str) -> float | None:
    """How well ``text`` answers every word of ``query``; None where one is not in it. Higher is better."""
    total = 0.0
    lowered = text.lower()
    for word in query.lower().split():
        best = _score_word(word, lowered)
        if best is None:
            return None
        total += best
    return total - len(text) * 0.01


def _score_word(word: str, text: str) -> float | None:
    """The best match among those that begin at each place of the word's first letter."""
    best: float | None = None
    start = text.find(word[0])
    while start != -1:
        found = _score_from(word, text, start)
        if found is None:
            break
        best = found if best is None else max(best, found)
        start = text.find(word[0], start + 1)
    return best


def _score_from(word: str, text: str, start: int) -> float | None:
    total, previous = 0.0, start - 1
    for letter in word:
        place = text.find(letter, previous + 1)
        if place == -1:
            return None
        total += _worth(text, place, together=place == previous + 1 and place != start)
        total -= (place - previous - 1) * GAP
        previous = place
    return total + (WHOLE_WORD if previous - start + 1 == len(word) else 0)


def _worth(text: str, place: int, *, together: bool) -> float:
    if place == 0 or text[place - 1] in _BREAKS:
        return WORD_START
    return TOGETHER if together else PLAIN
