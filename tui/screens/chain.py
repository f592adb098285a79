"""The chain of fallback: what follows the first target, in order, for all traffic or for a slot.

Every change is sent at once. Changes are sent one after another, and the list shows the last one until all are
answered; what the engine refuses is said and taken back.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from proxy import contract as c
from tui import actions
from tui.client import Door, DoorError
from tui.screens.chain_picker import ChainPicker
from tui.screens.entries import EntriesScreen
from tui.state import chain as words
from tui.state.lines import Line, Piece, first_that_fits, line, wrapped
from tui.state.panel import PanelState
from tui.work import begin


class ChainScreen(EntriesScreen[words.Entry, None]):
    """Edits the chains."""

    BINDINGS = [*actions.bindings("chain")]  # noqa: RUF012  the form that Textual's type asks for
    PLACES: ClassVar[tuple[actions.Place, ...]] = ("chain", "entries")

    def __init__(
        self,
        state: PanelState,
        keys: actions.Keys,
        door: Callable[[], Door],
        session: c.Session | None,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(keys)
        self._all_keys = keys
        self._state = state
        self._door = door
        self._session = session
        self._needs = words.session_of(session)
        self._clock = clock
        self._tab = 0
        self._models: tuple[c.Model, ...] = ()
        self._windows: words.Windows = {}
        self._draft: tuple[c.Slot | None, words.Chain] | None = None
        self._unanswered = 0
        self._turn = asyncio.Lock()

    @property
    def slot(self) -> c.Slot | None:
        return words.SLOTS[self._tab]

    @property
    def chain(self) -> words.Chain:
        """What is shown: the change on its way, else what is in force."""
        if self._draft is not None and self._draft[0] == self.slot:
            return self._draft[1]
        return words.chain_of(self._state.route, self.slot)

    def on_mount(self) -> None:
        begin(self, self._load_models, "models")

    def entries(self) -> Sequence[words.Entry]:
        asked = self._needs.asked_model
        return [words.explain(text, self._state, self._windows, asked) for text in self.chain]

    def entry_line(self, place: int, entry: words.Entry, width: int) -> Line:
        return words.entry_line(place, entry, width, self._clock(), self._needs)

    def title_line(self) -> Line:
        enabled = self._state.route.fallback_enabled
        switch = Piece("fallback on" if enabled else "fallback off", "good" if enabled else "warn", "screen.switch")
        pieces = [Piece(" ⇄ "), switch, Piece("   for", "dim")]
        short = line(*pieces, Piece(f" ‹{words.slot_label(self.slot)}›", "strong", "screen.slot"))
        for place, slot in enumerate(words.SLOTS):
            chosen = place == self._tab
            text = f" ‹{words.slot_label(slot)}›" if chosen else f"  {words.slot_label(slot)} "
            pieces.append(Piece(text, "strong" if chosen else "dim", f"screen.slot_at({place})"))
        return first_that_fits((tuple(pieces), short), self.size.width)

    def column_titles(self, width: int) -> Line:
        del width
        first = words.first_words(self._state, self.slot)
        return line(Piece(" first ", "dim"), Piece(first, "strong"), Piece(", then:", "dim"))

    def told_lines(self, width: int) -> list[Line]:
        lines = words.slot_note(self._state.route, self.slot, width)
        if not self.chain:
            key = self._keys["add"]
            return [*lines, *wrapped(f"Nothing follows. Press {key} to add a model, a provider or a group.", width)]
        return [*lines, *(words.entry_note(self.highlighted, self._needs, width) if self.highlighted else [])]

    def action_slot(self) -> None:
        self.action_slot_at((self._tab + 1) % len(words.SLOTS))

    def action_slot_back(self) -> None:
        self.action_slot_at((self._tab - 1) % len(words.SLOTS))

    def action_slot_at(self, place: int) -> None:
        self._tab = place
        self._note = ("", "plain")
        self.renew(0)

    def action_add(self) -> None:
        label = words.slot_label(self.slot)
        self.app.push_screen(ChainPicker(self._state, self._all_keys, label, self._session, self._models), self._add)

    def action_earlier(self) -> None:
        self._move(-1)

    def action_later(self) -> None:
        self._move(1)

    def action_remove(self) -> None:
        place = self.choices.cursor
        if place is None or place >= len(self.chain):
            self.say("Nothing follows, so there is no entry to remove.")
            return
        shorter = self.chain[:place] + self.chain[place + 1 :]
        if not shorter and self.slot is not None and not words.has_own(self._state.route, self.slot):
            self.say("This is the chain of all traffic: remove the entry there, or turn fallback off.", "warn")
        else:
            self._change(shorter, place)

    def action_common(self) -> None:
        if self.slot is None:
            self.say("This is the common chain.")
        elif words.has_own(self._state.route, self.slot):
            self._send(c.SetFallback(chain=(), slot=self.slot))
        else:
            self.say(f"{words.slot_label(self.slot)} has no chain of its own to give up.")

    def action_switch(self) -> None:
        self._send(c.SetFallback(enabled=not self._state.route.fallback_enabled))

    def _add(self, target: str | None) -> None:
        if target is not None:
            place = len(self.chain) if self.choices.cursor is None else self.choices.cursor + 1
            longer = words.with_added(self.chain, place, target)
            self._change(longer, longer.index(target))

    def _move(self, by: int) -> None:
        place = self.choices.cursor
        if place is None or place >= len(self.chain):
            return
        there = min(max(0, place + by), len(self.chain) - 1)
        if there != place:
            self._change(words.moved(self.chain, place, by), there)

    def _change(self, chain: words.Chain, place: int) -> None:
        self._draft = (self.slot, chain)
        self.renew(place)
        self._send(c.SetFallback(chain=chain, slot=self.slot))

    def _send(self, command: c.SetFallback) -> None:
        """Sent by the application: leaving the screen takes nothing back."""
        self._unanswered += 1
        begin(self.app, partial(self._sent, command), "chain", exclusive=False)

    async def _sent(self, command: c.SetFallback) -> None:
        async with self._turn:
            try:
                route = await self._door().set_fallback(command)
            except DoorError as error:
                self.say(str(error), "bad")
            else:
                self._state.apply(c.RouteChanged(route=route))
                self._note = ("", "plain")
            finally:
                self._unanswered -= 1
        if not self._unanswered:
            self._draft = None
        if self.is_mounted:
            self.renew()
            if command.enabled is not None:
                self.say(words.toggle_words(self._state, self._keys["add"]))

    async def _load_models(self) -> None:
        try:
            self._models = (await self._door().models()).models
        except DoorError as error:
            self.say(str(error), "bad")
            return
        self._windows = words.windows_of(self._models)
        self.renew()
        if isinstance(self.app.screen, ChainPicker):
            self.app.screen.show_models(self._models)
