"""Detours: traffic that another target serves than the one that would have, since when and why."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from proxy.contract import Attempt, Provider, Request, Route
from tui.state.text import clean_line

LOOK_BACK = 1_000
"""Requests looked at to say since when."""
STALE_S = 600.0
"""A provider that takes requests is not said to be passed by when the last one that passed it is older."""


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
    """Those that last, in the order in which the route names the first choices. None while fallback is off."""
    wanted = first_choices(route, providers) if route.fallback_enabled else []
    rows: dict[str, tuple[Request, float]] = {}
    settled: set[str] = set()
    for request in islice(newest_first, LOOK_BACK):
        first = request.first_choice
        if first is None or first in settled or first not in wanted or not _answered(request):
            continue
        if is_detour(request):
            rows[first] = (rows.get(first, (request, 0.0))[0], request.started_at)
        else:
            settled.add(first)
            if len(settled) == len(wanted):
                break
    known = {provider.name: provider for provider in providers}
    found = (_detour(*rows[name], known.get(name), now) for name in wanted if name in rows)
    return [detour for detour in found if detour is not None]


def first_choices(route: Route, providers: Collection[Provider]) -> list[str]:
    """The providers that some traffic goes to first."""
    names = {provider.name for provider in providers}
    default = route.default if route.default in names else route.default.split("/", 1)[0]
    general = [one.provider for one in route.overrides if one.session is None and one.slot is None]
    special = [one.provider for one in route.overrides if one.session is not None or one.slot is not None]
    return list(dict.fromkeys([*(general[:1] or [default]), *special]))


def is_detour(request: Request) -> bool:
    """Another target serves than the first of its chain."""
    if len(request.attempts) < 2:
        return False
    first, last = request.attempts[0], request.attempts[-1]
    return (first.provider, first.model) != (last.provider, last.model)


def takes_requests(provider: Provider) -> bool:
    """Nothing is known that keeps requests from it."""
    return provider.enabled and not provider.resting and not provider.key_error and provider.health in ("ok", "unused")


def _answered(request: Request) -> bool:
    return request.kind == "messages" and (request.phase == "streaming" or request.outcome == "served")


def _detour(latest: Request, since: float, provider: Provider | None, now: float) -> Detour | None:
    first, last = latest.attempts[0], latest.attempts[-1]
    fit = provider is not None and takes_requests(provider)
    if fit and (not first.skipped or now - latest.started_at > STALE_S):
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
    return without_name(text, first.provider).split("; next try in ")[0].rstrip(".")


def without_name(text: str, provider: str) -> str:
    """``text`` without the provider's name before it, however often it stands there."""
    head = f"{clean_line(provider)}: "
    while text.startswith(head):
        text = text.removeprefix(head)
    return text
