"""Detours: traffic that another target serves than the one that would have, since when and why."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from proxy.contract import Attempt, Provider, Request, Route
from tui.state.route import first_choices
from tui.state.text import clean_line

LOOK_BACK = 1_000
"""Requests looked at to say since when."""
STALE_S = 600.0
"""A provider that takes requests is not said to be passed by when the last one that passed it is older."""


_COUNTDOWN = re.compile(r"(; next try|, try again) in [^;,]*$")


@dataclass(frozen=True, slots=True)
class Detour:
    """One provider's traffic on its way around it."""

    first_choice: str
    """The provider that would serve."""
    serving: str
    """The provider that does, with the model where only that is another."""
    since: float
    """When the first of the unbroken row of such requests began, Unix seconds."""
    why: str
    """What its latest request met at the first choice, in words."""
    retry_at: float | None
    """When the first choice is tried next; None where nobody knows or it is up to the user."""
    passed_by: bool
    """The first choice takes requests, but not this one (its window is too small …)."""


def detours(newest_first: Iterable[Request], providers: Collection[Provider], route: Route, now: float) -> list[Detour]:
    """Those that last, in the order in which the route names the first choices, then those that the client named
    lately. None while fallback is off."""
    if not route.fallback_enabled:
        return []
    wanted = dict.fromkeys(first_choices(route, providers))
    rows: dict[str, tuple[Request, float]] = {}
    settled: set[str] = set()
    for request in islice(newest_first, LOOK_BACK):
        lately = now - request.started_at <= STALE_S
        if len(settled) == len(wanted) and not lately:
            break
        first = request.first_choice
        if first is None or first in settled or not _answered(request):
            continue
        if first not in wanted and not (lately and _named_by_client(request, first)):
            continue
        wanted[first] = None
        if is_detour(request):
            rows[first] = (rows.get(first, (request, 0.0))[0], request.started_at)
        else:
            settled.add(first)
    known = {provider.name: provider for provider in providers}
    found = (_detour(*rows[name], known.get(name), now) for name in wanted if name in rows)
    return [detour for detour in found if detour is not None]


def is_detour(request: Request) -> bool:
    """Another target serves than the first of its chain."""
    if len(request.attempts) < 2:
        return False
    first, last = request.attempts[0], request.attempts[-1]
    return (first.provider, first.model) != (last.provider, last.model)


def takes_requests(provider: Provider) -> bool:
    """Nothing is known that keeps requests from it."""
    return provider.enabled and not provider.resting and not provider.key_error and provider.health in ("ok", "unused")


def _named_by_client(request: Request, provider: str) -> bool:
    """The model was picked in the client's own ``/model``, whose ids name their providers behind the first slash."""
    return (request.asked_model or "").partition("/")[2].startswith(f"{provider}/")


def _answered(request: Request) -> bool:
    return request.kind == "messages" and (request.phase == "streaming" or request.outcome == "served")


def _detour(latest: Request, since: float, provider: Provider | None, now: float) -> Detour | None:
    first, last = latest.attempts[0], latest.attempts[-1]
    fit = first.unfit or (provider is not None and takes_requests(provider))
    over = not first.skipped and last.provider != first.provider  # a provider's health tells nothing of one model's
    if fit and (over or now - latest.started_at > STALE_S):
        return None
    retry_at = provider.retry_at if provider is not None and not provider.resting else None
    return Detour(
        first_choice=first.provider,
        serving=last.provider if last.provider != first.provider else f"{last.provider}/{last.model}",
        since=since,
        why=_why(first),
        retry_at=retry_at if retry_at is not None and retry_at > now else None,
        passed_by=fit,
    )


def fallback_words(first: Attempt) -> str:
    """Who did not serve and why: ``anthropic: overloaded (529)``."""
    return f"{clean_line(first.provider)}: {_why(first)}"


def _why(first: Attempt) -> str:
    """The reason without the provider's name before it and without a countdown that has gone on since."""
    text = clean_line(first.reason or first.outcome.replace("_", " "))
    return _COUNTDOWN.sub("", without_name(text, first.provider)).rstrip(".")


def without_name(text: str, provider: str) -> str:
    """``text`` without the provider's name before it, however often it stands there."""
    head = f"{clean_line(provider)}: "
    while text.startswith(head):
        text = text.removeprefix(head)
    return text
