"""All probes in the order in which they are tried, and which of them a check asks for. Pure."""

from collections.abc import Iterable, Sequence

from proxy import contract as c
from proxy.checkup.first_words import COST, COUNT, KEY, LIST, PLAIN, USAGE
from proxy.checkup.probe import Facts, Probe, Size
from proxy.checkup.prompts import CACHE, IMAGE, LONG
from proxy.checkup.streaming import CANCEL, STREAM
from proxy.checkup.tools import PARALLEL, RESULT, THINKING, TOOL
from proxy.checkup.wrong_requests import ERROR, FIELDS
from proxy.protocol.naming import closest
from proxy.protocol.pricing import MILLION, Price

PROBES: tuple[Probe, ...] = (
    *(KEY, LIST, PLAIN, STREAM, USAGE, COST, COUNT),
    *(TOOL, RESULT, PARALLEL, THINKING, IMAGE, LONG, CACHE),
    *(ERROR, FIELDS, CANCEL),
)
_BY_NAME = {probe.name: probe for probe in PROBES}


class NoSuchProbe(ValueError):
    """A name that no probe has. ``str()`` names those that there are."""


def chosen(only: Sequence[str], skip: Sequence[str]) -> tuple[Probe, ...]:
    """The probes of ``only`` (none: all) without those of ``skip``, with those that they build upon.

    Raises ``NoSuchProbe``.
    """
    for name in (*only, *skip):
        if name not in _BY_NAME:
            near = closest(name, list(_BY_NAME))
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_BY_NAME)}"
            raise NoSuchProbe(f"nothing that is checked is called {name!r}; {hint}")
    wanted = [name for name in (only or _BY_NAME) if name not in skip]
    if not wanted:
        raise NoSuchProbe("nothing is left to check")
    names = _with_needs(wanted)
    return tuple(probe for probe in PROBES if probe.name in names)


def _with_needs(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _BY_NAME[name].needs
    return found


def in_order(results: Iterable[c.CheckResult]) -> tuple[c.CheckResult, ...]:
    """``results`` as their points are tried; what is tried no more comes last."""
    places = {name: place for place, name in enumerate(_BY_NAME)}
    return tuple(sorted(results, key=lambda result: places.get(result.name, len(places))))


def size(probes: Iterable[Probe], facts: Facts) -> Size:
    """What the probes use together, as far as the target has to be asked."""
    total = Size()
    for probe in probes:
        if probe.left_out(facts) is None:
            total += probe.size
    return total


def costs(expected: Size, price: Price | None) -> tuple[int | None, int | None]:
    """What a check costs with usual answers, and with the longest that it allows, nano-dollars; None: no price."""
    if price is None:
        return None, None
    rate = price.at_mean(expected.prompt, expected.requests)
    prompt = expected.prompt * rate.input
    dearest = expected.prompt * max(rate.input, rate.cache_write_5m or 0)
    likely = (prompt + expected.output * rate.output) // MILLION
    return likely, (dearest + expected.output_most * rate.output) // MILLION
