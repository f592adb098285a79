"""Names of models: what is the same model under another provider's spelling, and which slot a name belongs to.

Providers spell one model in many ways: ``claude-opus-4-8``, ``anthropic/claude-opus-4.8``,
``us.anthropic.claude-opus-4-8-v1:0``, ``claude-opus-4-8@20260101``. ``canonical`` folds them together; ids that
differ in what they name (``:free``, ``-mini``) stay apart.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from proxy.contract import Slot

WINDOW_SUFFIX = "[1m]"
"""The client appends it to ask for a window of a million tokens; it is not part of the name upstream."""

PUBLISHED_PREFIX = "anthropic/"
"""Ids that we publish for foreign models begin with it, or the client's picker drops them."""

USUALLY_ASKED = ("claude-opus-4-8", "claude-sonnet-4-5", "claude-haiku-4-5")
"""By the client, before any request told: one of each family."""

FAMILIES: tuple[Slot, ...] = ("opus", "sonnet", "haiku")

_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "mythos": ("mythos", "fable", "opus", "sonnet"),
    "fable": ("fable", "opus", "mythos", "sonnet"),
    "opus": ("opus", "sonnet", "haiku"),
    "sonnet": ("sonnet", "opus", "haiku"),
    "haiku": ("haiku", "sonnet", "opus"),
}
"""Which of Claude's tiers stand in, nearest first, where a provider lacks the one that was asked."""

_DATE = re.compile(r"[-@](20\d{6})$")
_REVISION = re.compile(r"-v\d+:\d+$")
_CLAUDE_REVISION = re.compile(r"^(claude-.+)-v\d+$")
"""Only Claude's ids end in a bare revision; elsewhere a ``-v4`` names the model."""
_REGION = re.compile(r"^(us|us-gov|eu|apac|jp|au|ca|global)\.")
_NUMBERS = re.compile(r"\d+")
_CLAUDE_NUMBERS = re.compile(r"claude-(?:[a-z]+-)?(\d)(?:[-.](\d{1,2}))?(?!\d)")

Version = tuple[int, int]


LOOKUPS_KEPT = 1024
"""Lookups in providers' lists that are remembered: each request makes some, and a list may have thousands of ids."""


def strip_window_suffix(model: str) -> str:
    return model.removesuffix(WINDOW_SUFFIX)


def family_of(model: str | None) -> Slot | None:
    """The Claude family that ``model`` names; None for other models."""
    name = (model or "").lower()
    tier = tier_of(name)
    return next((family for family in FAMILIES if tier == family), None)


def claude_version(model: str) -> Version | None:
    """``(4, 8)`` of ``us.anthropic.claude-opus-4-8-v1:0``; None where the id tells none, as an ARN does."""
    found = _CLAUDE_NUMBERS.search(model.lower())
    return (int(found[1]), int(found[2] or 0)) if found else None


def tier_of(model: str | None) -> str | None:
    """Which of Claude's tiers ``model`` is of; None for other models."""
    name = (model or "").lower()
    return next((tier for tier in _NEIGHBOURS if (tier in name and "claude" in name) or name == tier), None)


def is_claude_as_asked(asked: str | None, model: str) -> bool:
    """``model`` is the Claude that the client asked for: the client knows its window, and it is its own judge."""
    name = strip_window_suffix(asked or "")
    return model == name and tier_of(name) is not None


@lru_cache(maxsize=4096)
def canonical(model: str) -> str:
    """The spelling under which equal models are equal."""
    return _DATE.sub("", _without_revision(model))


def match(asked: str, listed: Collection[str]) -> str | None:
    """The id in ``listed`` that names the model ``asked``; None where there is none.

    An exact id wins, then the same canonical name, then among those the date that was asked, the undated one, the
    latest one.
    """
    return _matched(strip_window_suffix(asked), tuple(listed))


@lru_cache(maxsize=LOOKUPS_KEPT)
def _matched(name: str, listed: tuple[str, ...]) -> str | None:
    if name in listed:
        return name
    wanted = canonical(name)
    candidates = [each for each in listed if canonical(each) == wanted]
    date = _date(name)
    same_date = [each for each in candidates if date and _date(each) == date]
    return max(same_date or candidates, key=_recency, default=None)


def stand_in(asked: str, listed: Iterable[str]) -> str | None:
    """The nearest Claude model in ``listed`` for a Claude model that is not there; None where there is none."""
    tier = tier_of(asked)
    if tier is None:
        return None
    ids = list(listed)
    return next((found for neighbour in _NEIGHBOURS[tier] if (found := newest(neighbour, ids))), None)


def is_tier(word: str) -> bool:
    """``word`` is a tier's name alone, such as ``opus``."""
    return word in _NEIGHBOURS


def newest(tier: str, listed: Iterable[str]) -> str | None:
    """The latest model of ``tier`` in ``listed``; None where there is none, or ``tier`` is no tier's name."""
    return _newest(tier, tuple(listed)) if is_tier(tier) else None


@lru_cache(maxsize=LOOKUPS_KEPT)
def _newest(tier: str, listed: tuple[str, ...]) -> str | None:
    same = [each for each in listed if tier_of(each) == tier and ":" not in each]
    return max(same, key=lambda each: (_version(each), _recency(each)), default=None)


def published_id(provider: str, model: str) -> str:
    """The id under which the client's own picker shows ``model`` of ``provider``."""
    return f"{PUBLISHED_PREFIX}{provider}/{model}"


def published_target(asked: str, providers: Iterable[str]) -> tuple[str, str] | None:
    """Provider and model of an id that we published; None for any other id."""
    name = strip_window_suffix(asked)
    if not name.startswith(PUBLISHED_PREFIX):
        return None
    provider, slash, model = name.removeprefix(PUBLISHED_PREFIX).partition("/")
    return (provider, model) if slash and model and provider in set(providers) else None


def closest(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Names that the user may have meant by ``word``: those that contain it, then those that look like it, with or
    without what stands before their last slash."""
    return list(_closest(word, tuple(known), limit))


@lru_cache(maxsize=64)
def _closest(word: str, names: tuple[str, ...], limit: int) -> tuple[str, ...]:
    import difflib  # noqa: PLC0415  needed only when something is already wrong

    low = word.lower()
    inside = [name for name in names if low in name.lower()]
    whole = {name.rsplit("/", 1)[-1]: name for name in names} | {name: name for name in names}
    alike = [whole[each] for each in difflib.get_close_matches(word, whole, n=limit, cutoff=0.5)]
    return tuple(dict.fromkeys(inside + alike))[:limit]


@lru_cache(maxsize=4096)
def _without_revision(model: str) -> str:
    """``model`` without window, maker, region and revision, in one spelling; its date is still there."""
    name = strip_window_suffix(model).lower().rsplit("/", 1)[-1]
    name = _REGION.sub("", name).removeprefix("anthropic.").replace(".", "-")
    return _CLAUDE_REVISION.sub(r"\1", _REVISION.sub("", name))


def _date(model: str) -> str:
    """The date in ``model``, empty where it has none."""
    dated = _DATE.search(_without_revision(model))
    return dated.group(1) if dated else ""


def _recency(model: str) -> tuple[bool, str]:
    """Sort key: an undated id is the provider's own latest."""
    date = _date(model)
    return not date, date


def _version(model: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBERS.findall(canonical(model)))
