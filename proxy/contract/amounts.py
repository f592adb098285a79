"""What a request used and what that cost: tokens and nano-dollars."""

from typing import Literal

from proxy.contract.frozen import Frozen

CostSource = Literal["reported", "listed", "settings", "genai-prices", "free", "unknown"]
"""Who says what it cost: the provider in its answer, its model list, the user, the bundled price list.
``free``: nothing was billed as far as anybody told (refused, a token count, nothing of the answer came).
``unknown``: no price known, never shown as zero."""


class Usage(Frozen, frozen=True):
    """Tokens of one request or a sum of many."""

    input_tokens: int = 0
    """Uncached input."""
    output_tokens: int = 0
    """All output, thinking included."""
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    web_searches: int = 0
    """Server-side searches, billed per request."""

    @property
    def prompt_tokens(self) -> int:
        """Everything that the model read: uncached, cached and written to the cache."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_5m_tokens=self.cache_write_5m_tokens + other.cache_write_5m_tokens,
            cache_write_1h_tokens=self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            web_searches=self.web_searches + other.web_searches,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        """By how much it is more; below zero where it is less."""
        return Usage(**{name: getattr(self, name) - getattr(other, name) for name in self.__struct_fields__})


class CostSplit(Frozen, frozen=True):
    """A fixed cost by what it was paid for, nano-dollars; the parts add up to it exactly."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    searches: int = 0
    divided: bool = False
    """Only the sum was told, by the provider: it was divided in the proportion of the price of that time."""

    @property
    def nano_usd(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write + self.searches


def dollars(nano_usd: int) -> float:
    """Nano-dollars as the number that JSON shows (exact to the nano-dollar below 9 million dollars)."""
    return round(nano_usd / 1e9, 9)
