"""Where a request goes: one pure decision from the route, what was asked and what providers list.

The most specific rule wins: an override for this session and slot, for this session, for this slot, for all
traffic; then an id that names its target (one that we published in the client's own picker); then the default.
A decision says why in words. The chain are the targets that follow it when fallback is on.

A group stands for several providers or targets: by order, and within an order spread by weight, the same way for
a session each time, so that its prompt cache stays where it is.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from proxy.contract import AS_ASKED, Override, Route, Slot
from proxy.protocol import naming
from proxy.protocol.rendezvous import draw


@dataclass(frozen=True, slots=True)
class Target:
    """A provider and the name of a model there."""

    provider: str
    model: str
    unlisted: bool = field(default=False, compare=False)
    """Nothing can be sent there: it stands in a chain or a group, but lists no model for what was asked."""

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of itself, as far as routing cares."""

    model: str
    session: str | None = None
    agent: str | None = None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots that it belongs to, the most specific first."""
        family = naming.family_of(self.model)
        agent: tuple[Slot, ...] = ("subagent",) if self.agent else ()
        return agent + ((family,) if family else ())


@dataclass(frozen=True, slots=True)
class Decision:
    target: Target
    why: str
    siblings: tuple[Target, ...] = ()
    """The rest of the group that the target was taken from."""


@dataclass(frozen=True, slots=True)
class Member:
    """A part of a group."""

    target: str
    """``provider`` or ``provider/model``."""
    order: int = 1
    """Lower ones come first."""
    weight: float = 1.0
    """Share of sessions among those of the same order."""


class Catalog(Protocol):
    """What is known of providers and their models."""

    def provider_names(self) -> Sequence[str]: ...

    def model_ids(self, provider: str) -> Sequence[str]:
        """The ids that ``provider`` lists; empty where its list is not known."""
        ...

    def groups(self) -> Mapping[str, Sequence[Member]]: ...

    def simulated(self, provider: str) -> bool:
        """Its answers are made up: it serves only where it is named."""
        ...

    def background_model(self, provider: str) -> str | None:
        """What the user set for the client's background calls there."""
        ...

    def cheapest(self, provider: str) -> str | None:
        """The cheapest model that ``provider`` lists with a price and a window for such calls."""
        ...


class NoTarget(ValueError):
    """No target can be named. ``str()`` tells the user what to do."""


class Unknown(NoTarget):
    """Nothing is called so. What the user may have meant is looked for when somebody reads it: of a chain's entry that
    leads nowhere no request has to wait for that."""

    def __init__(self, text: str, catalog: "Catalog") -> None:
        super().__init__(text)
        self._text, self._catalog = text, catalog

    def __str__(self) -> str:
        names = self._catalog.provider_names()
        known = [f"{name}/{each}" for name in names for each in self._catalog.model_ids(name)]
        near = naming.closest(self._text, [*names, *self._catalog.groups(), *known])
        hint = f" Did you mean {' or '.join(near)}?" if near else " `cctui models` lists what there is."
        return f"no provider or model is called {self._text!r}.{hint}"


class Unlisted(NoTarget):
    """A provider lists no model for what was asked."""

    def __init__(self, provider: str, asked: str) -> None:
        super().__init__(
            f"{provider} lists no model for {asked!r}. Choose one of its models: `cctui use {provider}/MODEL`"
            f" (`cctui models` shows them)."
        )


def decide(route: Route, asked: Asked, catalog: Catalog) -> Decision:
    """The target of a request. Raises ``NoTarget``."""
    override = _strongest(route.overrides, asked, catalog)
    if override is not None:
        return _decision(_targets(override, asked, catalog), f"{_scope(override)} set to {show_override(override)}")
    if published := naming.published_target(asked.model, catalog.provider_names()):
        return Decision(Target(*published), "picked in the client's own /model")
    default = parse_target(route.default, catalog)
    if default.model or default.provider in catalog.groups():
        return _decision(_targets(default, asked, catalog), f"default target {route.default}")
    name = _as_default(default.provider, asked.model, catalog)
    return Decision(Target(default.provider, name), "as asked")


def chain_after(route: Route, decision: Decision, asked: Asked, catalog: Catalog) -> tuple[Target, ...]:
    """The targets after the decided one, in order, each once; empty while fallback is off. Those that cannot be tried
    are among them, with the reason: they were expected to follow."""
    if not route.fallback_enabled:
        return ()
    targets = dict.fromkeys(decision.siblings)
    for entry in chain_for(route, asked):
        with contextlib.suppress(NoTarget):
            targets |= dict.fromkeys(_targets(parse_target(entry, catalog), asked, catalog))
    targets.pop(decision.target, None)
    return tuple(targets)


def chain_for(route: Route, asked: Asked) -> tuple[str, ...]:
    """The chain of the most specific slot that has one of its own, else the general one."""
    if not route.slot_chains:
        return route.chain
    own = (route.slot_chains.get(slot) for slot in asked.slots)
    return next((chain for chain in own if chain), route.chain)


def ordered_members(members: Sequence[Member], session: str) -> tuple[Member, ...]:
    """The members of a group in the order in which ``session`` tries them."""

    return tuple(sorted(members, key=lambda each: (each.order, draw(session, each.target, each.weight))))


def apply_use(
    route: Route,
    text: str,
    session: str | None,
    slot: Slot | None,
    catalog: Catalog,
    probes: Sequence[str] = (),
) -> Route:
    """The route after the user set ``text`` (a target, or ``as-asked``) for a session, a slot or all traffic.

    ``probes`` are models that clients ask for: a provider that has none of them is refused. Raises ``NoTarget``.
    """
    others = tuple(each for each in route.overrides if (each.session, each.slot) != (session, slot))
    if text.strip().lower() in (AS_ASKED, "asked", "as asked"):
        return _with_overrides(route, others)
    parsed = parse_target(text, catalog, route.default)
    if parsed.model is None and probes and parsed.provider not in catalog.groups():
        _translated_any(parsed.provider, probes, catalog)
    override = Override(provider=parsed.provider, model=parsed.model, session=session, slot=slot)
    return _with_overrides(route, (*others, override))


CLAUDE = "claude-"
"""What people leave out of a Claude model's name."""


def parse_target(text: str, catalog: Catalog, default: str = "") -> Override:
    """``provider/model``, ``provider`` or the id of a listed model, as an override for all. Raises ``NoTarget``.

    A tier's name (``opus``) stands for the latest model of it. A Claude model that nobody lists is taken for one of the
    ``default`` provider, where that has told no list yet.
    """
    text = naming.strip_window_suffix(text.strip())
    providers = catalog.provider_names()
    if text in providers or text in catalog.groups():
        return Override(provider=text)
    head, slash, rest = text.partition("/")
    if slash and rest and head in providers:
        ids = catalog.model_ids(head)
        if found := naming.match(rest, ids) or naming.newest(rest, ids):
            return Override(provider=head, model=found)
        if not ids and not naming.is_tier(rest):
            return Override(provider=head, model=rest)
    real = [name for name in providers if not catalog.simulated(name)]
    if naming.is_tier(text):
        return _latest_of(text, real, catalog, default)
    listing = {name: found for name in real if (found := _listed_as(text, catalog.model_ids(name)))}
    match list(listing.items()):
        case [(provider, model)]:
            return Override(provider=provider, model=model)
        case [] if not slash and not text.startswith(CLAUDE) and naming.tier_of(CLAUDE + text):
            return parse_target(CLAUDE + text, catalog, default)
        case [] if default in real and naming.tier_of(text) and not slash and not catalog.model_ids(default):
            return Override(provider=default, model=text)
        case []:
            raise Unknown(text, catalog)
        case several:
            spelled = ", ".join(f"{provider}/{model}" for provider, model in several)
            raise NoTarget(f"{text!r} is offered by several providers; say which: {spelled}")


def _latest_of(tier: str, providers: Sequence[str], catalog: Catalog, default: str) -> Override:
    """The latest model of ``tier``: the default provider's, or the only one there is. Raises ``NoTarget``."""
    latest = {name: found for name in providers if (found := naming.newest(tier, catalog.model_ids(name)))}
    names = [default] if default in latest else list(latest)
    match names:
        case [name]:
            return Override(provider=name, model=latest[name])
        case []:
            raise NoTarget(f"no provider lists a model of {tier!r} yet; name one in full: cctui use PROVIDER/MODEL")
        case _:
            spelled = ", ".join(f"{name}/{latest[name]}" for name in names)
            raise NoTarget(f"{tier!r} is offered by several providers; say which: {spelled}")


def provider_of(text: str, catalog: Catalog) -> str:
    """The provider that ``text`` stands for: of a group, the one that comes first for no session in particular.
    Raises ``NoTarget``."""
    name = parse_target(text, catalog).provider
    members = catalog.groups().get(name)
    return name if members is None else parse_target(ordered_members(members, "")[0].target, catalog).provider


def _listed_as(text: str, ids: Sequence[str]) -> str | None:
    """The id in ``ids`` that ``text`` means. What stands before a slash must stand there too: ``team/MODEL`` is not
    another provider's ``MODEL``, even if that is the only one."""
    maker, slash, _ = text.rpartition("/")
    return naming.match(text, [each for each in ids if each.rpartition("/")[0] == maker] if slash else ids)


def show_override(override: Override) -> str:
    """A target as the user writes it."""
    return f"{override.provider}/{override.model}" if override.model else override.provider


def serves_any(text: str, models: Sequence[str], catalog: Catalog) -> bool:
    """Whether an entry of a chain stands for a target for one of ``models``. Raises ``NoTarget`` where nothing is
    called so."""
    chosen = parse_target(text, catalog)
    return any(not each.unlisted for model in models for each in _targets(chosen, Asked(model), catalog))


def _targets(chosen: Override, asked: Asked, catalog: Catalog) -> tuple[Target, ...]:
    """What a provider, a target or a group stands for. Raises ``NoTarget`` where nothing of a group is known."""
    members = catalog.groups().get(chosen.provider)
    if members is None:
        return (_target(chosen, asked, catalog),)
    targets: dict[Target, None] = {}
    trouble: NoTarget | None = None
    for member in ordered_members(members, asked.session or ""):
        try:
            targets[_target(parse_target(member.target, catalog), asked, catalog)] = None
        except NoTarget as error:
            trouble = error
    if not targets:
        raise trouble or NoTarget(f"the group {chosen.provider!r} has no members")
    return tuple(targets)


def _target(chosen: Override, asked: Asked, catalog: Catalog) -> Target:
    """Of a provider or a target."""
    if chosen.model:
        return Target(chosen.provider, chosen.model)
    try:
        return Target(chosen.provider, _translated(chosen.provider, asked.model, catalog))
    except Unlisted:
        return Target(chosen.provider, naming.strip_window_suffix(asked.model), unlisted=True)


def _decision(targets: Sequence[Target], why: str) -> Decision:
    """Raises ``Unlisted``."""
    first = next((each for each in targets if not each.unlisted), None)
    if first is None:
        raise Unlisted(targets[0].provider, targets[0].model)
    return Decision(first, why, tuple(each for each in targets if each is not first))


def _strongest(overrides: Sequence[Override], asked: Asked, catalog: Catalog) -> Override | None:
    if not overrides:
        return None
    slots = asked.slots
    known = (*catalog.provider_names(), *catalog.groups())

    def rank(override: Override) -> tuple[bool, int]:
        return override.session is not None, len(slots) - slots.index(override.slot) if override.slot else 0

    fitting = [
        each
        for each in overrides
        if each.provider in known
        and each.session in (None, asked.session)
        and (each.slot is None or each.slot in slots)
    ]
    return max(fitting, key=rank, default=None)


def _scope(override: Override) -> str:
    where = "this session" if override.session else "all traffic"
    match override.slot:
        case None:
            return where
        case "subagent":
            return f"sub-agents of {where}"
        case slot:
            return f"{slot} of {where}"


def _translated(provider: str, asked: str, catalog: Catalog) -> str:
    """The name at ``provider`` for the model that was asked, or the nearest Claude there. Raises ``Unlisted``."""
    ids = catalog.model_ids(provider)
    name = naming.strip_window_suffix(asked)
    if not ids:
        return name
    found = naming.match(name, ids)
    background = found is None and naming.family_of(name) == "haiku"
    if background:
        found = catalog.background_model(provider)
    found = found or naming.stand_in(name, ids) or (catalog.cheapest(provider) if background else None)
    if found is None:
        raise Unlisted(provider, name)
    return found


def _translated_any(provider: str, probes: Sequence[str], catalog: Catalog) -> None:
    for probe in probes:
        try:
            _translated(provider, probe, catalog)
        except NoTarget:
            continue
        return
    raise NoTarget(
        f"{provider} lists no model that matches what Claude Code asks for ({', '.join(probes)})."
        f" Choose one of its models: `cctui use {provider}/MODEL` (`cctui models` shows them)."
    )


def _as_default(provider: str, asked: str, catalog: Catalog) -> str:
    """The name for the default provider: one that does not know it is the best one to say so."""
    try:
        ids = catalog.model_ids(provider)
        if any(each.startswith("claude-") for each in ids):
            return naming.match(asked, ids) or naming.strip_window_suffix(asked)
        return _translated(provider, asked, catalog)
    except NoTarget:
        return naming.strip_window_suffix(asked)


def _with_overrides(route: Route, overrides: tuple[Override, ...]) -> Route:
    return msgspec.structs.replace(route, overrides=overrides)
