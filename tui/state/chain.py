"""Fallback in words: what follows the first target, for whom, and what each entry of a chain means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proxy import contract as c
from tui.state import formats as f
from tui.state.choices import SLOT_NAMES
from tui.state.lines import Line, Piece, cut, line, wrapped
from tui.state.panel import PanelState
from tui.state.route import chosen, entries_after, followers, serves, siblings
from tui.state.text import cells, clean_line, fit, left
from tui.state.trouble import health_words, provider_in_force, target_in_force
from tui.state.who import session_name

BESIDE_NAME = 39
"""Cells beside the name of an entry: its number, ``same model there``, and its health."""
Chain = tuple[str, ...]
SLOTS: tuple[c.Slot | None, ...] = (None, *c.SLOTS)
"""The kinds of requests that can have a chain; None: all that have none of their own."""


@dataclass(frozen=True, slots=True)
class Session:
    """What an entry has to be able to take: the session at hand."""

    name: str = ""
    context_tokens: int = 0
    asked_model: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A target that an entry leads to; without a model it keeps the one that was asked."""

    provider: str
    model: str | None
    window: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a chain, explained."""

    text: str
    """As it stands in the chain."""
    meaning: str
    members: tuple[Member, ...]
    provider: c.Provider | None
    """Whose health stands beside it; None for a group and for what nobody knows."""
    known: bool = True
    idle: bool = False
    """It lists no model for anything that is asked for."""

    def window_too_small(self, session: Session) -> int | None:
        """The largest window there is behind the entry, where the session does not fit into it."""
        windows = [member.window for member in self.members]
        told = [window for window in windows if window is not None]
        if not told or len(told) < len(windows) or max(told) >= session.context_tokens:
            return None
        return max(told)


Windows = Mapping[tuple[str, str], int]
"""Context windows by provider and comparable name of the model."""


def windows_of(models: Iterable[c.Model]) -> Windows:
    return {(one.provider, _comparable(one.id)): one.context_window for one in models if one.context_window}


def _comparable(model: str) -> str:
    """A model's name as every provider would write it."""
    return f.short_model(model).replace(".", "-").split("[")[0]


def session_of(session: c.Session | None) -> Session:
    if session is None:
        return Session()
    return Session(session_name(session), session.context_tokens, session.asked_model)


def slot_label(slot: c.Slot | None) -> str:
    return "all traffic" if slot is None else SLOT_NAMES[slot]


def chain_of(route: c.Route, slot: c.Slot | None) -> Chain:
    """The chain that serves ``slot``: its own, else the common one."""
    return route.slot_chains.get(slot, route.chain) if slot is not None else route.chain


def has_own(route: c.Route, slot: c.Slot | None) -> bool:
    return slot is None or slot in route.slot_chains


def with_added(chain: Chain, place: int, target: str) -> Chain:
    """``chain`` with ``target`` at ``place``, moved there where it stood elsewhere."""
    before = tuple(one for one in chain[:place] if one != target)
    return (*before, target, *(one for one in chain[place:] if one != target))


def moved(chain: Chain, place: int, by: int) -> Chain:
    """``chain`` with the entry at ``place`` moved by ``by``, as far as the chain goes."""
    rest = chain[:place] + chain[place + 1 :]
    there = min(max(0, place + by), len(rest))
    return (*rest[:there], chain[place], *rest[there:])


def explain(text: str, state: PanelState, windows: Windows, asked: str | None) -> Entry:
    """What an entry of a chain means. ``asked``: the model of the session at hand."""
    if text in state.route.groups:
        names = state.route.groups[text]
        members = tuple(member for name in names if (member := _member(name, state, windows, asked)) is not None)
        idle = not serves(text, state.route, state.providers)
        meaning = f"one of the group: {clean_line(', '.join(names))}" if members else "nobody in the group is known"
        return Entry(text, meaning, members, None, known=bool(members), idle=idle)
    member = _member(text, state, windows, asked)
    if member is None:
        return Entry(text, "nothing of this name is known", (), None, known=False)
    provider = state.provider(member.provider)
    if not serves(text, state.route, state.providers):
        return Entry(text, "lists no such model", (member,), provider, idle=True)
    meaning = "same model there" if member.model is None else f"always {f.short_model(member.model)}"
    return Entry(text, meaning, (member,), provider)


def _member(text: str, state: PanelState, windows: Windows, asked: str | None) -> Member | None:
    if state.provider(text) is not None:
        return Member(text, None, windows.get((text, _comparable(asked))) if asked else None)
    provider, slash, model = text.partition("/")
    if not slash or state.provider(provider) is None:
        return None
    return Member(provider, model, windows.get((provider, _comparable(model))))


def entry_line(place: int, entry: Entry, width: int, now: float, session: Session) -> Line:
    """An entry in ``width`` cells."""
    small = entry.window_too_small(session)
    bad = small is not None or not entry.known or entry.idle
    name_width = max(16, min(40, width * 2 // 5 - 1, width - BESIDE_NAME))
    name = Piece(left(fit(clean_line(entry.text), name_width - 1), name_width), "strong")
    end = _health(entry, now, width)
    room = max(8, width - 8 - name_width - cells(end.text))
    meaning = entry.meaning if small is None else _small_words(small, room)
    mark = Piece("▲ " if bad else "  ", "warn")
    number = Piece(f" {place + 1:>2}  ", "dim")
    return cut(line(number, mark, name, Piece(left(meaning, room), "warn" if bad else "dim"), " ", end), width)


def _small_words(window: int, room: int) -> str:
    words = f"window of {f.window(window)} is too small"
    return words if cells(words) <= room else f"too small: {f.window(window)}"


def _health(entry: Entry, now: float, width: int) -> Piece:
    if entry.provider is None:
        return Piece("")
    glyph, word, tone = health_words(entry.provider, now)
    return Piece(left(f"{glyph} {word}", 18 if width >= 90 else 15), tone)


def entry_note(entry: Entry, session: Session, width: int) -> list[Line]:
    """What is told of the highlighted entry."""
    if not entry.known:
        text = f"▲ {clean_line(entry.text)}: {entry.meaning}; the entry serves nothing."
        return wrapped(text, width, "warn")
    if entry.idle:
        text = f"▲ {clean_line(entry.text)} lists no model for what is asked for; the entry serves nothing."
        return wrapped(text, width, "warn")
    small = entry.window_too_small(session)
    if small is None:
        return wrapped(clean_line(f"{entry.text}: {entry.meaning}."), width, "dim")
    held = f.count(session.context_tokens)
    text = f"▲ Session {session.name} holds {held} tokens, more than {f.window(small)}: the entry is skipped for it."
    return wrapped(text, width, "warn")


def slot_note(route: c.Route, slot: c.Slot | None, width: int) -> list[Line]:
    """Whose chain is shown."""
    if slot is None:
        own = [SLOT_NAMES[one] for one in c.SLOTS if one in route.slot_chains]
        if not own:
            return []
        verb = "has a chain of its own" if len(own) == 1 else "have chains of their own"
        return wrapped(f"{', '.join(own)} {verb}.", width, "dim")
    if has_own(route, slot):
        return []
    text = f"{SLOT_NAMES[slot]} follows the chain of all traffic. A change here gives it a chain of its own."
    return wrapped(text, width, "dim")


def first_words(state: PanelState, slot: c.Slot | None) -> str:
    """The target that is tried before the chain."""
    for override in chosen(state.route, state.providers):
        if slot is not None and override.slot == slot and override.session is None:
            return clean_line(f"{override.provider}, {f.short_model(override.model) if override.model else 'as asked'}")
    model, provider = target_in_force(state)
    return clean_line(f"{provider}, {'as asked' if model == c.AS_ASKED else f.short_model(model)}")


def toggle_words(state: PanelState, chain_key: str) -> str:
    """What fallback, on or off, means now."""
    provider = provider_in_force(state)
    if not state.route.fallback_enabled:
        return clean_line(f"Fallback off: errors of {provider} reach Claude Code.")
    entries = followers(state.route, state.providers)
    if siblings(state.route, state.providers):
        then = f", then {', '.join(entries)}" if entries else ""
        return clean_line(f"Fallback on: if one of {provider} fails, another of it serves{then}.")
    if not entries:
        idle = entries_after(state.route, state.providers)
        why = "nothing that follows lists what is asked for" if idle else "no target follows"
        return f"Fallback on, but {why}: press {chain_key} to choose."
    first, *others = entries
    then = f", then {', '.join(others)}" if others else ""
    return clean_line(f"Fallback on: if {provider} fails, {first} serves{then}.")
