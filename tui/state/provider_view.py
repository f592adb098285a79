"""The providers as a list and one of them in full: health, limits, keys, share of traffic, time to first token."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proxy import contract as c
from tui.state import formats as f
from tui.state.check import mark_sentence, mark_word
from tui.state.limits import all_limits, has_reset, limit_tone, limit_warning, listed, nearest, reset_clock, reset_words
from tui.state.lines import EMPTY, Line, Piece, Tone, cut, first_that_fits, line, wrapped
from tui.state.panel import PanelState
from tui.state.text import clean_line, fit, left, right, wrap
from tui.state.trouble import HEALTH, health_words, trouble_words

TRAFFIC_S = 3600.0
"""What the share of traffic is taken of, before now."""
LABEL = 13
BAR, SHORT_BAR = 20, 8
"""Cells of a gauge, and on a narrow screen."""
ROOMY = 80
CHECKS = 4
"""Models whose checks are told, the newest ones."""


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """A provider, or "as asked" (none)."""

    provider: c.Provider | None

    @property
    def target(self) -> str:
        return c.AS_ASKED if self.provider is None else self.provider.name


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests answered lately, by provider."""

    by_provider: Counter[str]

    @property
    def total(self) -> int:
        return self.by_provider.total()

    def share(self, provider: str) -> float | None:
        """None while nothing was answered by anybody."""
        return self.by_provider[provider] / self.total if self.total else None


def traffic(newest_first: Iterable[c.Request], now: float) -> Traffic:
    """Who answered the requests that began in the ``TRAFFIC_S`` before ``now``: as in what is served, those that
    are still being answered do not count."""
    found: Counter[str] = Counter()
    for request in newest_first:
        if request.started_at < now - TRAFFIC_S:
            break
        if request.provider and request.kind == "messages" and request.outcome == "served":
            found[request.provider] += 1
    return Traffic(found)


def choices(providers: Iterable[c.Provider]) -> list[ProviderChoice]:
    """ "As asked", then every provider."""
    return [ProviderChoice(None), *(ProviderChoice(one) for one in providers)]


def provider_titles(width: int) -> Line:
    """The titles over the entries."""
    names = [left("", 3), left("provider", 16), left("health", 22)]
    names += [right("traffic", 8), *([f"{right('first p50', 11)}{right('p95', 6)}"] if width >= 68 else [])]
    names += [f"  {left('nearest limit', 16)}"] if width >= 84 else []
    names += [right("served", 8)] if width >= 96 else []
    return cut(line(Piece("".join(names), "dim")), width)


def provider_row(choice: ProviderChoice, width: int, now: float, known: Traffic, *, present: bool) -> Line:
    """An entry in ``width`` cells."""
    mark = Piece(" ● " if present else "   ", "accent")
    if choice.provider is None:
        told = Piece("  the settings' default provider", "dim")
        return cut(line(mark, Piece("As asked", "strong"), told), width)
    provider = choice.provider
    glyph, word, tone = health_words(provider, now)
    share = known.share(provider.name)
    pieces = [mark, Piece(left(fit(clean_line(provider.name), 15), 16)), Piece(f"{glyph} {left(word, 20)}", tone)]
    pieces.append(Piece(right(f.percent(share) if share is not None else "", 8)))
    if width >= 68:
        pieces.append(Piece(_ttft(provider), "dim"))
    if width >= 84:
        pieces += [Piece("  "), _nearest(provider, now)]
    if width >= 96:
        pieces.append(Piece(right(f.count(provider.requests) if provider.requests else "", 8), "dim"))
    return cut(tuple(pieces), width)


def _ttft(provider: c.Provider) -> str:
    """To the first token, in the middle and at the slow end."""
    middle, slow = ("" if each is None else f.duration(each) for each in (provider.ttft_p50_ms, provider.ttft_p95_ms))
    return f"{right(middle, 11)}{right(slow, 6)}"


def _nearest(provider: c.Provider, now: float) -> Piece:
    limit = nearest(all_limits(provider), now)
    if limit is None:
        return Piece(left("", 16))
    tone = limit_tone(limit)
    text = f"{'▲ ' if tone != 'accent' else ''}{clean_line(limit.name)} {f.percent(limit.used)}"
    return Piece(left(text, 16), "dim" if tone == "accent" else tone)


def default_detail(state: PanelState, width: int) -> list[Line]:
    """What "as asked" means now."""
    text = f"Removes the choice of a provider: requests go to {clean_line(state.route.default)}, as the settings say."
    return wrapped(text, width, "dim")


def provider_detail(provider: c.Provider, known: Traffic, width: int, now: float) -> list[Line]:
    """Everything known of one provider, the most important first."""
    told = (provider.base_url, f"{provider.dialect} format", provider.origin)
    pieces = [Piece(f"   {clean_line(text)}", "dim") for text in told]
    name = line(" ", Piece(clean_line(provider.name), "strong"))
    lines = [
        first_that_fits([line(*name, *pieces[:some]) for some in (3, 2, 1)], width),
        EMPTY,
        *_health(provider, width, now),
        *_limits(provider, width, now),
        *_keys(provider, width, now),
        *_figures(provider, known, width),
        *_models(provider, width, now),
    ]
    return [cut(row, width) for row in lines]


def _health(provider: c.Provider, width: int, now: float) -> Iterator[Line]:
    glyph, word, tone = health_words(provider, now)
    yield _field("health", Piece(f"{glyph} {word}", tone))
    trouble = ""
    if provider.resting:
        trouble = "You put it aside: nothing is sent there until you take it back."
    elif provider.key_error:
        trouble = provider.key_error
    elif provider.health not in ("ok", "unused"):
        trouble = trouble_words(provider, now)
        if provider.retry_at is not None and provider.retry_at > now:
            trouble = f"{trouble.rstrip('.')} (at {f.clock(provider.retry_at)})."
    if trouble:
        yield from _wrapped("last error" if not provider.resting else "", clean_line(trouble), width, "plain")


def _limits(provider: c.Provider, width: int, now: float) -> Iterator[Line]:
    limits = provider.limits if not provider.keys else ()
    yield from _gauges("limits", listed(limits, now), width, now)
    if warning := limit_warning(provider, now):
        yield _field("", Piece(f"▲ {warning}", "warn"))


def _gauges(label: str, limits: Iterable[c.Limit], width: int, now: float) -> Iterator[Line]:
    for place, limit in enumerate(limits):
        over = has_reset(limit, now)
        filled, rest = f.bar(0.0 if over else limit.used, _bar_cells(width))
        gauge = line(
            *_field("" if place else label, Piece(left(fit(clean_line(limit.name), 13), 14))),
            Piece(filled, limit_tone(limit)),
            Piece(rest, "dim"),
            right("" if over else f.percent(limit.used), 6),
        )
        words = [reset_clock(limit, now)] if over else [reset_words(limit, now), reset_clock(limit, now)]
        yield first_that_fits((line(*gauge, Piece(f"  {each}", "dim")) for each in words), width)


def _bar_cells(width: int) -> int:
    return BAR if width >= ROOMY else SHORT_BAR


def _keys(provider: c.Provider, width: int, now: float) -> Iterator[Line]:
    if not provider.keys:
        words = {"passthrough": "your own login", "none": "none needed"}.get(provider.auth, "none")
        origin = f"   from {clean_line(provider.key_origin)}" if provider.key_origin else ""
        yield _field("key", Piece(clean_line(provider.key or words)), Piece(origin, "dim"))
    for place, key in enumerate(provider.keys):
        yield _key("" if place else "keys", key, now)
        yield from _gauges("", listed(key.limits, now), width, now)


def _key(label: str, key: c.Key, now: float) -> Line:
    glyph, word, tone = HEALTH[key.state]
    when = f", {f.age(key.retry_at - now)}" if key.retry_at is not None and key.retry_at > now else ""
    name = Piece(left(clean_line(key.name), 18))
    return _field(label, name, Piece(f"{glyph} {word}{when}", tone), Piece(f"   {clean_line(key.text or '')}", "dim"))


def _figures(provider: c.Provider, known: Traffic, width: int) -> Iterator[Line]:
    share = known.share(provider.name)
    if share is not None:
        filled, rest = f.bar(share, _bar_cells(width))
        told = f"{known.by_provider[provider.name]:,} of {known.total:,} answers"
        gauge = line(*_field("traffic", Piece(filled, "accent")), Piece(rest, "dim"), right(f.percent(share), 6))
        words = (f"{told} of the last hour", told)
        yield first_that_fits((line(*gauge, Piece(f"  {each}", "dim")) for each in words), width)
    if provider.ttft_p50_ms is not None:
        slow = f", 19 of 20 within {f.duration(provider.ttft_p95_ms)}" if provider.ttft_p95_ms is not None else ""
        told = f"half within {f.duration(provider.ttft_p50_ms)}{slow}"
        words = (f"{told}, over the last hour", told)
        yield first_that_fits((_field("first token", Piece(each)) for each in words), width)
    yield _field("served", Piece(f"{provider.requests:,}"), Piece("   since the engine started", "dim"))


def _models(provider: c.Provider, width: int, now: float) -> Iterator[Line]:
    age = f"asked {f.age(now - provider.models_at)} ago" if provider.models_at else "never listed"
    yield _field("models", Piece(f"{provider.models:,}"), Piece(f"   {age}", "dim"))
    if provider.models_error:
        yield from _wrapped("", f"▲ {clean_line(provider.models_error)}", width, "warn")
    if provider.cannot:
        yield from _wrapped("takes no", clean_line(", ".join(provider.cannot)), width, "dim")
    for number, rejected in enumerate(provider.rejects):
        yield from _wrapped("" if number else "left out", clean_line(rejected), width, "dim")
    for number, mark in enumerate(provider.checks[:CHECKS]):
        tone = mark_word(mark)[1]
        yield from _wrapped("" if number else "checked", mark_sentence(mark, now), width, tone)


def _field(label: str, *pieces: Piece) -> Line:
    return line(Piece(f"   {left(label, LABEL)}", "dim"), *pieces)


def _wrapped(label: str, text: str, width: int, tone: Tone) -> Iterator[Line]:
    for place, row in enumerate(wrap(text, max(20, width - LABEL - 4))):
        yield _field("" if place else label, Piece(row, tone))
