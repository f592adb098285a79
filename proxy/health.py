"""How providers, targets and keys are doing, and so which of them a request may go to.

Breakers decide admission, pools spread sessions over a provider's keys, and each provider's last word is kept
for the panel. Times that a provider named and what the user put aside survive a restart; nothing here is secret:
keys go by a fingerprint.
"""

import logging
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import msgspec
from pydantic import SecretStr

from proxy import contract as c
from proxy.keptfile import KeptFile
from proxy.protocol import breaker as br
from proxy.protocol.breaker import CLOSED, Breaker
from proxy.protocol.limits import read_limits
from proxy.protocol.outcome import TABLE, Outcome, in_words
from proxy.protocol.pool import KeyPool
from proxy.protocol.redact import fingerprint
from proxy.providers import ProviderConfig

log = logging.getLogger(__name__)

KEPT_FROM_S = 5.0
"""What opens again sooner is over when an engine has restarted."""
LATENCIES_KEPT = 400
LATENCY_WINDOW_S = 3600.0
LOGINS_KEPT = 50
"""Limits are remembered of so many credentials of a provider: a login renews its token every few hours."""
LOGIN = "login"
"""Stands for the client's own credential among the keys."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request may be sent, with that key (number in the provider's list; None: it has none of its own)."""

    key: int | None
    number: int = 0
    """Admissions are counted; 0: it tells nothing of health."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A request may not be sent now."""

    reason: str
    outcome: str
    """Name in the table of outcomes of what closed it."""
    wait_s: float
    """Infinite: until the user takes it back."""
    guessed: bool = False
    """The time is of the engine's own making: no provider named it."""


@dataclass(slots=True)
class _Provider:
    """What is known of one provider."""

    pool: KeyPool
    trouble: str | None = None
    """The place whose breaker is the last word on it; None: all was well."""
    failed_at: int = 0
    """So many requests were admitted when something last failed here."""
    answering: int | None = None
    """The request that was admitted since and whose answer has begun where the trouble was."""
    served: int = 0
    limits: dict[str, tuple[c.Limit, ...]] = field(default_factory=dict)
    """By key, the one that told last at the end."""
    latencies: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    """When, and milliseconds to the first event."""


class _Kept(msgspec.Struct):
    """What survives a restart."""

    breakers: dict[str, Breaker] = {}
    resting: list[str] = []
    """Names of the providers that the user put aside."""
    seen: float = 0.0
    """What the clock said when that came to be, or when the engine stopped."""


class HealthBook:
    """The health of everything that requests go to."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._file = KeptFile(file, "the providers' health")
        self._clock = clock
        self._kept = kept = self._file.content(_Kept)
        self._breakers = {place: br.restored(each) for place, each in kept.breakers.items()}
        self._resting = set(kept.resting)
        self._providers: dict[str, _Provider] = {}
        self._seen = kept.seen
        """What the clock said last."""
        self._admitted = 0
        """So many requests were, since the engine started."""
        self._breakers = dict(self.open_places())

    def admit(
        self,
        provider: ProviderConfig,
        model: str,
        session: str,
        *,
        login: str | None = None,
        tried: Sequence[int] = (),
        only: bool = False,
    ) -> Admitted | Closed:
        """Whether and with which key a request may go to a target.

        The ``only`` target is never closed by failures: whoever has no other choice gets the provider's own answer.
        ``login`` names the client's own credential where that goes along instead of a key.
        """
        now, known = self._now(), self._of(provider)
        if provider.name in self._resting:
            return _resting(provider)
        places = ([_provider_place(provider), _target_place(provider, model)]) if not only else []
        for place in places:
            closed = self._breakers.get(place, CLOSED)
            if not closed.admits(now):
                return self._closed(closed, now)
        number: int | None = None
        if login is None and provider.keys:
            number = known.pool.choose(session, lambda key: self._key_admits(provider, key, now), tried)
            if number is None and only:
                number = known.pool.choose(session, lambda _: True, tried)
            if number is None:
                return self._closed_keys(provider, now, tried)
        elif not only and not (own := self._breakers.get(_key_place(provider, None, login), CLOSED)).admits(now):
            return self._closed(own, now)
        self._admitted += 1
        for place in (*places, _key_place(provider, number, login)):
            if place in self._breakers:
                self._breakers[place] = br.sent(self._breakers[place], self._admitted, now)
        return Admitted(number, self._admitted)

    def began(self, provider: ProviderConfig, model: str, key: int | None, login: str | None, number: int) -> bool:
        """The answer to an admitted request has begun: whoever waits for what becomes of it need not.

        True: it comes from where there was trouble, which is over unless the answer breaks off.
        """
        known, places = self._of(provider), _places(provider, model, key, login)
        for place in places.values():
            self._set(place, br.began(self._breakers.get(place, CLOSED), number))
        recovers = known.trouble in places.values() and number > known.failed_at and known.answering is None
        known.answering = number if recovers else known.answering
        return recovers

    def beside(self, provider: ProviderConfig, session: str, login: str | None = None) -> Admitted | Closed:
        """The key for a request that is no message (a token count, another path): no failure holds it up, and it
        is no probe."""
        known, now = self._of(provider), self._now()
        if provider.name in self._resting:
            return _resting(provider)
        if login is not None or not provider.keys:
            return Admitted(None)
        open_keys = known.pool.choose(session, lambda key: self._key_admits(provider, key, now))
        return Admitted(open_keys if open_keys is not None else known.pool.choose(session, lambda _: True))

    def note(
        self,
        provider: ProviderConfig,
        model: str,
        key: int | None,
        outcome: Outcome,
        headers: Mapping[str, str],
        login: str | None = None,
        number: int = 0,
    ) -> tuple[c.Limit, ...]:
        """How the attempt ended that was admitted as ``number``; ``headers`` are the answer's, names in lower case.

        Returns the limits that they tell.
        """
        known, places = self._of(provider), _places(provider, model, key, login)
        self._note_end(known, provider, places, outcome, number)
        if outcome.row.scope == "key" and key is not None:
            known.pool.limited(key, self._admitted)
        if limits := read_limits(headers, self._now()):
            self._keep_limits(known, _key_name(provider, key, login), limits)
        return limits

    def _note_end(
        self, known: _Provider, provider: ProviderConfig, places: Mapping[str, str], outcome: Outcome, number: int
    ) -> None:
        known.answering = None if known.answering == number else known.answering
        scope = outcome.row.scope
        if outcome.name == "served":
            for place in places.values():
                self._set(place, br.succeeded(self._breakers.get(place, CLOSED), number))
            known.served += 1
            known.trouble = self._worst(places.values())
            return
        for kind, place in places.items():
            if kind != scope:
                self._set(place, br.undecided(self._breakers.get(place, CLOSED), number))
        if scope is not None:
            self._note_failure(provider, places[scope], outcome)

    def unsent(self, provider: ProviderConfig, model: str, key: int | None, login: str | None, number: int) -> None:
        """The request that was admitted as ``number`` was not sent after all: it tells nothing."""
        known = self._of(provider)
        known.answering = None if known.answering == number else known.answering
        for place in _places(provider, model, key, login).values():
            self._set(place, br.undecided(self._breakers.get(place, CLOSED), number))

    def note_latency(self, provider: ProviderConfig, ttft_ms: float) -> None:
        """To the first event, from when the attempt began."""
        self._of(provider).latencies.append((self._now(), ttft_ms))

    def rest(self, provider: ProviderConfig, resting: bool) -> None:
        """Put a provider aside, or take it back and forget its failures."""
        if resting:
            self._resting.add(provider.name)
        else:
            self._resting.discard(provider.name)
            for place in [place for place in self._breakers if _belongs(place, provider)]:
                self._set(place, CLOSED)

    def forget(self, name: str) -> None:
        """A provider is set up otherwise, or no longer: it begins anew. What the user put aside stays so."""
        self._providers.pop(name, None)
        for place in [place for place in self._breakers if _owner(place) == name]:
            self._set(place, CLOSED)

    def other_key(self, provider: ProviderConfig, tried: Sequence[int]) -> bool:
        """Whether a key is left that was not ``tried`` and is not closed."""
        now = self._now()
        return any(
            self._key_admits(provider, number, now) for number in range(len(provider.keys)) if number not in tried
        )

    def open_places(self) -> Iterator[tuple[str, Breaker]]:
        """Everything that is closed to requests at this moment."""
        now = self._now()
        return ((place, each) for place, each in self._breakers.items() if each.state(now) == "open")

    def view(self, provider: ProviderConfig) -> "HealthView":
        now, known = self._now(), self._of(provider)
        recent = sorted(ms for when, ms in known.latencies if now - when < LATENCY_WINDOW_S)
        keys = [self._breakers.get(_key_place(provider, number), CLOSED) for number in range(len(provider.keys))]
        resting = provider.name in self._resting
        trouble = self._breakers.get(known.trouble or "", CLOSED)
        if (state := _health_of(trouble)) is None or known.answering is not None:
            state, trouble = "ok" if known.served or known.answering is not None else "unused", CLOSED
        return HealthView(
            at=now,
            state="limited" if resting else state,
            text=f"{provider.name} rests until you take it back" if resting else trouble.reason,
            retry_at=trouble.open_until if trouble.state(now) == "open" else None,
            served=known.served,
            resting=resting,
            limits=next(reversed(known.limits.values()), ()),
            key_limits=tuple(known.limits.get(_key_name(provider, number), ()) for number in range(len(provider.keys))),
            keys=tuple(keys),
            p50_ms=_quantile(recent, 0.5),
            p95_ms=_quantile(recent, 0.95),
        )

    async def save(self) -> None:
        """Keep what is closed for longer than a restart takes, and what rests."""
        await self._file.keep(self._to_keep())

    def save_now(self) -> None:
        self._to_keep()
        self._kept.seen = self._now()
        self._file.keep_now(msgspec.json.encode(self._kept))

    def _to_keep(self) -> bytes:
        """The same bytes until something else is closed or rests, however late it became meanwhile."""
        now = self._now()
        closed = {place: each for place, each in self._breakers.items() if each.wait_s(now) > KEPT_FROM_S}
        resting = sorted(self._resting)
        if (closed, resting) != (self._kept.breakers, self._kept.resting):
            self._kept = _Kept(closed, resting, now)
        return msgspec.json.encode(self._kept)

    def _now(self) -> float:
        """The time. Where the clock was set back since, all that is closed goes back with it and lasts no longer."""
        now = self._clock()
        if now < self._seen:
            self._breakers = {place: br.shifted(each, now - self._seen) for place, each in self._breakers.items()}
        self._seen = now
        return now

    def _of(self, provider: ProviderConfig) -> _Provider:
        known = self._providers.get(provider.name)
        if known is None:
            known = self._providers[provider.name] = _Provider(_pool(provider))
            self._restore(provider, known)
        elif len(known.pool.names) != len(provider.keys):
            known.pool = _pool(provider)
        return known

    def _restore(self, provider: ProviderConfig, known: _Provider) -> None:
        """Take up what the last run left."""
        known.trouble = self._worst(place for place in self._breakers if _belongs(place, provider))

    def _worst(self, places: Iterable[str]) -> str | None:
        """The place that is closed for the longest, of those where something failed."""
        failed = [place for place in places if place in self._breakers]
        return max(failed, key=lambda place: self._breakers[place].open_until or 0.0, default=None)

    def _note_failure(self, provider: ProviderConfig, place: str, outcome: Outcome) -> None:
        opened = br.failed(
            self._breakers.get(place, CLOSED),
            self._now(),
            outcome=outcome.name,
            reason=outcome.trouble(provider.name),
            retry_after_s=outcome.retry_after_s,
            jitter=random.random(),  # noqa: S311  spreads retries, guards nothing
            admitted=self._admitted,
        )
        self._set(place, opened)
        known = self._of(provider)
        known.failed_at, known.answering = self._admitted, None
        if outcome.row.health is not None:
            known.trouble = place

    def _keep_limits(self, known: _Provider, key: str, limits: tuple[c.Limit, ...]) -> None:
        known.limits.pop(key, None)
        known.limits[key] = limits
        while len(known.limits) > LOGINS_KEPT:
            del known.limits[next(iter(known.limits))]

    def _key_admits(self, provider: ProviderConfig, number: int, now: float) -> bool:
        return self._breakers.get(_key_place(provider, number), CLOSED).admits(now)

    def _closed_keys(self, provider: ProviderConfig, now: float, tried: Sequence[int]) -> Closed:
        """Every key is closed: the one that opens first tells why and when."""
        numbers = [number for number in range(max(1, len(provider.keys))) if number not in tried]
        closed = [self._breakers.get(_key_place(provider, number), CLOSED) for number in numbers]
        if not closed:
            return Closed(f"{provider.name}: every key was tried", "key_refused", 0.0)
        return self._closed(min(closed, key=lambda each: each.wait_s(now)), now)

    def _closed(self, breaker: Breaker, now: float) -> Closed:
        wait = breaker.wait_s(now)
        when = f"next try in {in_words(wait)}" if wait else "one request is trying it now"
        outcome, guessed = breaker.outcome or "overloaded", breaker.told_after is None
        return Closed(f"{breaker.reason}; {when}", outcome, wait, guessed)

    def _set(self, place: str, breaker: Breaker) -> None:
        if breaker is CLOSED or breaker == CLOSED:
            self._breakers.pop(place, None)
        else:
            self._breakers[place] = breaker


def _health_of(breaker: Breaker) -> c.HealthState | None:
    """What the failure that a breaker remembers makes of its provider."""
    row = TABLE.get(breaker.outcome or "")
    return row.health if row is not None else None


def _resting(provider: ProviderConfig) -> Closed:
    return Closed(f"{provider.name} rests (you put it aside)", "resting", math.inf)


@dataclass(frozen=True, slots=True)
class HealthView:
    """A provider's health, for the panel."""

    at: float
    """By the book's clock."""
    state: c.HealthState
    text: str | None
    retry_at: float | None
    served: int
    resting: bool
    limits: tuple[c.Limit, ...]
    key_limits: tuple[tuple[c.Limit, ...], ...]
    keys: tuple[Breaker, ...]
    p50_ms: float | None
    p95_ms: float | None


def _places(provider: ProviderConfig, model: str, key: int | None, login: str | None) -> dict[str, str]:
    return {
        "provider": _provider_place(provider),
        "target": _target_place(provider, model),
        "key": _key_place(provider, key, login),
    }


def _provider_place(provider: ProviderConfig) -> str:
    return f"provider {provider.name}"


def _target_place(provider: ProviderConfig, model: str) -> str:
    return f"target {provider.name}/{model}"


def _key_place(provider: ProviderConfig, number: int | None, login: str | None = None) -> str:
    return f"key {provider.name} {_key_name(provider, number, login)}"


def _belongs(place: str, provider: ProviderConfig) -> bool:
    return _owner(place) == provider.name


def _owner(place: str) -> str:
    """The name of the provider that a place belongs to."""
    kind, _, rest = place.partition(" ")
    return rest.split(" ")[0] if kind == "key" else rest.split("/")[0]


def _pool(provider: ProviderConfig) -> KeyPool:
    return KeyPool([_key_mark(key) for key in provider.keys])


def _key_name(provider: ProviderConfig, number: int | None, login: str | None = None) -> str:
    if number is None:
        return f"{LOGIN} {login}"
    return _key_mark(provider.keys[number])


@lru_cache(maxsize=256)
def _key_mark(key: SecretStr) -> str:
    return fingerprint(key.get_secret_value())[:8]


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
