"""When a prompt cache failed to serve what it had, why, and what that cost. Pure.

Judged by the provider's own counts: what one request left in the cache, and what the next one of its thread read.
"""

from dataclasses import dataclass

from proxy.contract import Usage
from proxy.protocol.divergence import COMPACTED, common, first_difference
from proxy.protocol.prefix import DIGEST_BYTES, Prefix
from proxy.protocol.pricing import MILLION, Price

LOST_MIN = 1000
"""Fewer tokens are not worth a word: the least that Anthropic caches is about as much."""
READ_ENOUGH = 0.8
"""From this share on of what could have been read the cache did its work."""
LIFE_5M_S, LIFE_1H_S = 300.0, 3600.0
LOOKBACK_BLOCKS = 20
"""So far back from a mark Anthropic looks for what it has cached."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request of a thread: its chain, and what the provider counted."""

    prefix: Prefix
    usage: Usage
    at: float
    """When its answer began, Unix seconds: from then on the cache holds it."""

    @property
    def cached_tokens(self) -> int:
        """What the cache holds after it."""
        usage = self.usage
        return usage.cache_read_tokens + usage.cache_write_5m_tokens + usage.cache_write_1h_tokens

    @property
    def read_share(self) -> float:
        prompt = self.usage.prompt_tokens
        return self.usage.cache_read_tokens / prompt if prompt else 0.0

    @property
    def life_s(self) -> float:
        """How long the cache keeps it, at most."""
        return LIFE_1H_S if self.prefix.hour or self.usage.cache_write_1h_tokens else LIFE_5M_S

    @property
    def mixed(self) -> bool:
        """The cache keeps a part for an hour, and what follows it for five minutes."""
        return self.prefix.hour and self.prefix.minutes


@dataclass(frozen=True, slots=True)
class Broken:
    """A cache that was not read as it could have been."""

    reason: str
    lost_tokens: int


def judge(before: Seen, after: Seen, began: float) -> Broken | None:
    """What ``after``, which arrived at ``began`` (Unix seconds), lost of the cache of ``before``; None: nothing."""
    could = min(before.cached_tokens, after.usage.prompt_tokens)
    lost = could - after.usage.cache_read_tokens
    if lost < LOST_MIN:
        return None
    reason = _reason(before, after, began)
    if reason != COMPACTED and after.usage.cache_read_tokens >= READ_ENOUGH * could:
        return None
    return Broken(reason, lost)


def _reason(before: Seen, after: Seen, began: float) -> str:
    difference = first_difference(before.prefix, after.prefix)
    same_cache = (before.prefix.provider, before.prefix.model) == (after.prefix.provider, after.prefix.model)
    idle_s = began - before.at
    if same_cache and difference != COMPACTED:
        if idle_s > before.life_s:
            return _expired(before.life_s, idle_s)
        if idle_s > LIFE_5M_S and _read_the_hour_part(before, after):
            return _expired(LIFE_5M_S, idle_s)
    return difference or _unexplained(before, after)


def _read_the_hour_part(before: Seen, after: Seen) -> bool:
    """What was to be kept for an hour is unchanged and was there, so what was lost was kept for five minutes."""
    unchanged = before.mixed and first_difference(before.prefix.hour_part, after.prefix) is None
    return unchanged and after.usage.cache_read_tokens > 0


def _expired(life_s: float, idle_s: float) -> str:
    life = "1 hour" if life_s == LIFE_1H_S else "5 minutes"
    pause = f"{idle_s / 60:.0f} minutes" if idle_s < 2 * LIFE_1H_S else f"{idle_s / 3600:.0f} hours"
    return f"the cache's {life} had passed: {pause} since the last request"


def _unexplained(before: Seen, after: Seen) -> str:
    """The prompt began as before: it lies with the provider, or with how far it looks back."""
    new = len(after.prefix.blocks) // DIGEST_BYTES - common(before.prefix.cached_blocks, after.prefix.blocks)
    if after.prefix.marked is not None and new > LOOKBACK_BLOCKS:
        return f"{new} blocks came at once: the provider looks back {LOOKBACK_BLOCKS} from a cache mark"
    return "the prompt began as before; the provider no longer had it"


def saved(usage: Usage, price: Price) -> int:
    """Nano-dollars that the cache saved: what reading costs less than sending, minus what writing costs more."""
    return _whole(_saved(usage, price.at(usage.prompt_tokens)))


def lost(tokens: int, usage: Usage, price: Price) -> int:
    """Nano-dollars that ``tokens`` cost more than reading them would have, in a request that used ``usage``.

    What was not read was sent or written: the lost tokens cost what these did on average.
    """
    rate = price.at(usage.prompt_tokens)
    written, hour = usage.cache_write_5m_tokens, usage.cache_write_1h_tokens
    anew = usage.input_tokens + written + hour
    if anew == 0:
        return 0
    paid = usage.input_tokens * rate.input + written * rate.write_5m + hour * rate.write_1h
    return _whole(tokens * (paid - anew * rate.read) // anew)


def _saved(usage: Usage, rate: Price) -> int:
    read = usage.cache_read_tokens * (rate.input - rate.read)
    written = usage.cache_write_5m_tokens * (rate.write_5m - rate.input)
    return read - written - usage.cache_write_1h_tokens * (rate.write_1h - rate.input)


def _whole(millionths: int) -> int:
    return (millionths + MILLION // 2) // MILLION
