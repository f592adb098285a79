"""Where requests go by the route: who comes first, who follows, and what of it leads nowhere."""

from collections.abc import Collection, Iterable, Iterator

from proxy.contract import Override, Provider, Route


def behind(text: str, route: Route, providers: Collection[Provider]) -> tuple[str, ...]:
    """The providers that a provider, a target or a group stands for, in its order; empty where nothing is called so."""
    names = {provider.name for provider in providers}
    found = (_provider_of(member, names) for member in route.groups.get(text, (text,)))
    return tuple(dict.fromkeys(name for name in found if name))


def chosen(route: Route, providers: Collection[Provider]) -> list[Override]:
    """The user's choices that have an effect: what is no longer set up is passed over."""
    return [one for one in route.overrides if one.provider in route.groups or behind(one.provider, route, providers)]


def in_force(route: Route, providers: Collection[Provider]) -> Override:
    """What all traffic goes to that nothing more specific sends elsewhere: a provider or a group, perhaps a model."""
    for override in chosen(route, providers):
        if override.session is None and override.slot is None:
            return override
    default = route.default
    if default in route.groups or any(provider.name == default for provider in providers):
        return Override(provider=default)
    provider, _, model = default.partition("/")
    return Override(provider=provider, model=model or None)


def first_providers(route: Route, providers: Collection[Provider]) -> tuple[str, ...]:
    """Of what is in force; of a group every one, for any may be the first of a session."""
    return behind(in_force(route, providers).provider, route, providers)


def first_choices(route: Route, providers: Collection[Provider]) -> list[str]:
    """The providers that some traffic goes to first."""
    special = [one.provider for one in chosen(route, providers) if one.session is not None or one.slot is not None]
    return _each_once([first_providers(route, providers), *(behind(name, route, providers) for name in special)])


def entries_after(route: Route, providers: Collection[Provider]) -> list[str]:
    """The entries of the common chain after what is in force, as they are written."""
    first = in_force(route, providers)
    target = f"{first.provider}/{first.model}" if first.model else first.provider
    return list(dict.fromkeys(entry for entry in route.chain if entry != target))


def followers(route: Route, providers: Collection[Provider]) -> list[str]:
    """Those of them that can serve."""
    return [entry for entry in entries_after(route, providers) if serves(entry, route, providers)]


def following(route: Route, providers: Collection[Provider]) -> list[str]:
    """Their providers."""
    return _each_once(behind(entry, route, providers) for entry in followers(route, providers))


def in_turn(route: Route, providers: Collection[Provider]) -> list[str]:
    """The providers that can serve, those of what is in force before those that follow: of a group one after another
    is tried, and then the chain."""
    entries = (in_force(route, providers).provider, *followers(route, providers))
    able = (member for entry in entries for member in _serving(entry, route, providers))
    return _each_once(behind(member, route, providers) for member in able)


def siblings(route: Route, providers: Collection[Provider]) -> bool:
    """Whether a group is in force, of which another one serves where one fails."""
    return len(_serving(in_force(route, providers).provider, route, providers)) > 1


def serves(entry: str, route: Route, providers: Collection[Provider]) -> bool:
    """Whether an entry of a chain stands for somebody who lists what is asked for, or a model of its own."""
    return bool(_serving(entry, route, providers))


def _serving(entry: str, route: Route, providers: Collection[Provider]) -> list[str]:
    """The members of a group that do; of another entry itself."""
    idle = {provider.name for provider in providers if provider.serves_nothing}
    members = route.groups.get(entry, (entry,))
    return [member for member in members if member not in idle and behind(member, route, providers)]


def _provider_of(target: str, names: Collection[str]) -> str | None:
    if target in names:
        return target
    provider = target.partition("/")[0]
    return provider if provider in names else None


def _each_once(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(_joined(lists)))


def _joined(lists: Iterable[Iterable[str]]) -> Iterator[str]:
    for each in lists:
        yield from each
