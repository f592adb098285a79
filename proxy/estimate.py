"""Token counts that nobody gives us, learned from the counts that providers do give.

For each model the engine remembers how many bytes of a request's text went to a prompt token; an estimate is
the text's size by that ratio. Without experience the ratio is low, so that the estimate is rather too high:
a client that believes too little would run into the window. The text of answers has a ratio of its own.
"""

from collections.abc import Mapping

from proxy.protocol import answer_text
from proxy.protocol.naming import canonical

BYTES_PER_TOKEN = 3.3
"""Before anything was learned. Claude Code's bodies were seen between 3.4 and 4.6."""
RATIO_MAX = 6.0
"""Text has fewer bytes to a token: what has more had pictures in it."""
SIZE_BYTES_MIN = 200
"""Of a smaller request the few tokens around its text count too much."""
_WEIGHT = 0.2
"""Of a new count against what was learned before."""
ANSWER_TOKENS_MIN = 50
"""Of a shorter answer the few tokens around its text count too much."""
_ANSWER_RATIOS = (1.5, 8.0)
"""Bytes of text for a token, from Chinese to plain English: beyond it, tokens were billed for what was not shown."""


class Estimator:
    """Bytes per prompt token, by the name that a model is asked by."""

    def __init__(self, learned: Mapping[str, float]) -> None:
        self._ratios = {canonical(model): _sane(ratio) for model, ratio in learned.items()}
        self._answers: dict[str, float] = {}

    def learn(self, model: str, size_bytes: int, tokens: int) -> None:
        """Take in what a provider counted for a request of that size."""
        if tokens and size_bytes >= SIZE_BYTES_MIN:
            _take_in(self._ratios, model, _sane(size_bytes / tokens))

    def learn_answer(self, model: str, text_bytes: int, tokens: int) -> None:
        """Take in what a provider counted for an answer all the text of which was shown."""
        least, most = _ANSWER_RATIOS
        if tokens >= ANSWER_TOKENS_MIN and least <= text_bytes / tokens <= most:
            _take_in(self._answers, model, text_bytes / tokens)

    def answer_ratio(self, model: str) -> float:
        """Bytes of an answer's text for each token."""
        return self._answers.get(canonical(model), answer_text.BYTES_PER_TOKEN)

    def tokens(self, model: str, size_bytes: int) -> int:
        """Input tokens of a body of that size."""
        return max(1, round(size_bytes / self.ratio(model)))

    def ratio(self, model: str) -> float:
        """Bytes of a body for each token; without experience a cautious guess."""
        return self._ratios.get(canonical(model), BYTES_PER_TOKEN)

    def relation(self, counted_by: str, model: str) -> float:
        """Tokens of ``model`` for each token that ``counted_by`` counted; 1 while either is unknown."""
        one, other = self._ratios.get(canonical(counted_by)), self._ratios.get(canonical(model))
        return one / other if one is not None and other is not None else 1.0


def _take_in(ratios: dict[str, float], model: str, ratio: float) -> None:
    key = canonical(model)
    known = ratios.get(key)
    ratios[key] = ratio if known is None else known + _WEIGHT * (ratio - known)


def _sane(ratio: float) -> float:
    return min(RATIO_MAX, max(1.0, ratio))
