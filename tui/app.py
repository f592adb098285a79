"""The panel: an application that shows an engine and sends it the user's wishes.

Owns the tie to the engine, the one repaint timer and the screens. What is shown is worded in ``tui.state``; the
engine's events go into the state without a message each, and the timer paints what moved.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, Protocol, runtime_checkable

from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

from proxy import contract as c
from tui import actions, themes
from tui.attachment import Address, Attachment, Find, Start
from tui.client import Door, DoorError
from tui.commands import ActionCommands
from tui.screens.main import MainScreen
from tui.state.chain import toggle_words
from tui.state.choices import SessionChoice
from tui.state.empty import BY_HAND
from tui.state.lines import Tone
from tui.state.panel import Dirty, PanelState, next_notice
from tui.state.text import clean_line
from tui.state.who import told_apart
from tui.terminal import hung_up, outliving, own_terminal
from tui.work import begin

SCREENS = Path(__file__).parent / "screens"
TICKS_PER_S = 12
SLOW_TICK = 3
"""Ticks between two repaints of what only time moves: ages, marks in motion."""
WATCH_AFTER_S = 0.1
"""A selection that stands for so long is watched: running through the list asks for nothing."""

NOTICE_TONES: dict[str, Tone] = {"info": "plain", "warning": "warn", "error": "bad"}

Left = Literal["kept", "stopped"]
"""What became of the engine when the panel was left."""


@runtime_checkable
class LiveScreen(Protocol):
    """A screen that shows the state and wants to hear when it moved."""

    def repaint(self, dirty: Dirty, now: float, frame: int) -> None: ...


class PanelApp(App[Left]):
    """The panel on an engine."""

    TITLE = "cctui"
    CSS_PATH: ClassVar = [SCREENS / "look.tcss", SCREENS / "main.tcss"]
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS: ClassVar = {ActionCommands}
    BINDINGS: ClassVar = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+c", "leave", show=False),
        Binding("question_mark", "help", show=False, id="help"),
    ]

    def __init__(
        self,
        address: Address,
        *,
        find: Find,
        start: Start,
        keymap: Mapping[str, str] | None = None,
        theme: str | None = None,
        clock: Callable[[], float] = time.time,
        state: PanelState | None = None,
        ends_after_s: float | None = None,
        asks_to_leave: bool = True,
        heeds_signals: bool = False,
    ) -> None:
        super().__init__(ansi_color=True if themes.without_colour(os.environ) else None)
        self.driver_class = outliving(self.driver_class)
        self._ends_after_s = ends_after_s
        self._heeds_signals = heeds_signals
        self._terminal: int | None = None
        """Looked after once a second, where there is one."""
        self._asks_to_leave = asks_to_leave
        self.state = state or PanelState(address.url)
        self.keys = actions.effective_keys(keymap)
        self.clock = clock
        self.attachment = Attachment(address, self.state, find, start)
        self.main = MainScreen(self.state, self.keys)
        self._frame = 0
        self._behind = Dirty.NOTHING
        """What moved since the main screen was painted last."""
        self._watched: tuple[int, str | None] = (0, None)
        self.set_keymap(actions.textual_keymap(keymap))
        for own in themes.OWN:
            self.register_theme(own)
        self.theme = themes.theme_name(theme, os.environ, self.available_themes)

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.role_defaults(self.current_theme)

    def on_mount(self) -> None:
        begin(self, self.attachment.run, "feed", exclusive=False)
        self.set_interval(1 / TICKS_PER_S, self.tick)
        if self._heeds_signals:
            self._leave_on_signals()
            self._terminal = own_terminal()
        if self._ends_after_s is not None:
            self.set_timer(self._ends_after_s, lambda: self.exit("kept"))

    def _leave_on_signals(self) -> None:
        """Leave as with the key when told to end, so that the terminal is as it was before.

        A terminal that is gone needs nothing and ends the process at once, unless the caller listens to that too.
        """
        numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        for number in numbers:
            if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_DFL:
                with contextlib.suppress(NotImplementedError, RuntimeError):  # where the loop knows no signals
                    asyncio.get_running_loop().add_signal_handler(number, self.exit, "kept")

    def tick(self) -> None:
        """Paint what moved since the last tick; called by the timer, which may come once more while the app ends."""
        if self._exit or not self.screen_stack:
            return
        self._frame += 1
        if self._frame % TICKS_PER_S == 0 and self._terminal is not None and hung_up(self._terminal):
            self.exit("kept")
            return
        self._tell_notices()
        self._follow_watch()
        dirty, self.state.dirty = self.state.dirty, Dirty.NOTHING
        if dirty or self._frame % SLOW_TICK == 0:
            self._repaint(dirty)

    def _repaint(self, dirty: Dirty) -> None:
        now, step = self.clock(), self._frame // SLOW_TICK
        self._behind |= dirty
        seen = self.screen is self.main
        with self.batch_update():
            if not seen and isinstance(self.screen, LiveScreen):
                self.screen.repaint(dirty, now, step)
            if seen or (self.screen.is_modal and self._frame % SLOW_TICK == 0):  # under a box all is blended anew
                behind, self._behind = self._behind, Dirty.NOTHING
                self.main.repaint(behind, now, step)

    def _tell_notices(self) -> None:
        """Tell one where the user sees it: a screen over the whole panel has no place for it.

        It waits while another sentence stands: what the user did is answered first.
        """
        if self.state.unread and self.main.says(self.clock()):
            return
        if not all(screen.is_modal for screen in self.screen_stack[1:]):
            return
        if (notice := next_notice(self.state.unread)) is not None:
            self.state.unread.remove(notice)
            self.main.say(clean_line(notice.text), NOTICE_TONES[notice.level], self.clock(), news=True)
            self.state.dirty |= Dirty.ENGINE

    def _follow_watch(self) -> None:
        """Have the engine send the text of the request that is to be shown."""
        if self.state.link != "up":
            return
        wanted = (self.attachment.attached, self.main.wanted_watch())
        if wanted[0] != self._watched[0]:
            begin(self, self._load_history, "history")
        if wanted != self._watched:
            self._watched = wanted
            self.state.watch(wanted[1])
            begin(self, partial(self._watch, wanted[1]), "watch")

    async def _watch(self, request_id: str | None) -> None:
        await asyncio.sleep(WATCH_AFTER_S)
        request = self.state.requests.get(request_id) if request_id else None
        with contextlib.suppress(DoorError):
            if request is None or request.live:
                await self.attachment.door.watch(c.Watch(panel=self.attachment.panel, request_id=request_id))
            elif self.state.stream.empty:
                self.state.show_answer(await self.attachment.door.detail(request.id))

    async def _load_history(self) -> None:
        with contextlib.suppress(DoorError):
            await self.attachment.load_history()

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Tell the user a sentence in the footer's place."""
        self.main.say(text, tone, self.clock())
        self.state.dirty |= Dirty.ENGINE

    def ask_engine(self, asked: Callable[[], Coroutine[None, None, str]]) -> None:
        """Run a call to the engine in the background and tell its sentence or why it failed."""
        begin(self, partial(self._asked, asked), "ask", exclusive=False)

    async def _asked(self, asked: Callable[[], Coroutine[None, None, str]]) -> None:
        try:
            self.say(await asked(), "good")
        except DoorError as error:
            self.say(clean_line(str(error)), "bad")

    def action_fallback(self) -> None:
        self.ask_engine(self._toggle_fallback)

    async def _toggle_fallback(self) -> str:
        wanted = not self.state.route.fallback_enabled
        route = await self.attachment.door.set_fallback(c.SetFallback(enabled=wanted))
        self.state.apply(c.RouteChanged(route=route))
        return toggle_words(self.state, actions.first_keys(self.keys)["chain"])

    def action_chain(self) -> None:
        from tui.screens.chain import ChainScreen

        session = self._session_at_hand()
        self.push_screen(ChainScreen(self.state, self.keys, self._door, session, self.clock))

    def action_model(self) -> None:
        from tui.screens.model_picker import ModelPicker

        session = self._session_at_hand()
        self.push_screen(ModelPicker(self.state, self.keys, self._door, session, self.clock), self._routed)

    def action_provider(self) -> None:
        from tui.screens.providers import ProvidersScreen

        self.push_screen(ProvidersScreen(self.state, self.keys, self._door, self.clock), self._routed)

    def action_sessions(self) -> None:
        from tui.screens.sessions import SessionsScreen

        self.push_screen(SessionsScreen(self.state, self.keys, self._door, self.clock), self._looked_at)

    def action_budget(self) -> None:
        from tui.screens.budget import BudgetScreen

        self.push_screen(BudgetScreen(self.keys, self._door, self._session_at_hand(), self.state.sessions))

    def action_spend(self) -> None:
        from tui.screens.spend import SpendScreen

        self.push_screen(SpendScreen(self.state, self.keys, self._door, self.clock))

    def action_whatif(self) -> None:
        from tui.screens.whatif import WhatIfScreen

        session = self._session_at_hand()
        name = told_apart(session, self.state.sessions)
        self.push_screen(WhatIfScreen(self.keys, self._door, self.clock, session, name=name))

    def action_context(self) -> None:
        from tui.screens.context import ContextScreen

        session, chosen = self._session_at_hand(), self.main.rows.selected
        if chosen is not None and (request := self.main.selected) is not None:
            session = self.state.sessions.get(request.session_id or "", session)
        self.push_screen(ContextScreen(self.state, self.keys, self._door, session, chosen, self.clock))

    def action_cache(self) -> None:
        from tui.screens.cache_health import CacheScreen

        self.push_screen(CacheScreen(self.state, self.keys, self._door, self._session_at_hand(), self.clock))

    def action_inspect(self) -> None:
        from tui.screens.detail import DetailScreen

        if (request := self.main.selected) is not None:
            self.push_screen(DetailScreen(self.state, self.keys, self._door, request, self.clock))

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.keys, getattr(self.screen, "PLACES", ("panel", "list"))))

    def action_palette(self) -> None:
        self.action_command_palette()

    def action_copy(self) -> None:
        self.copy_to_clipboard(BY_HAND)
        self.say(f"Copied: {BY_HAND}", "good")

    def action_theme(self) -> None:
        if themes.without_colour(os.environ):
            self.say("NO_COLOR is set: the panel uses the terminal's own colours only")
            return
        self.theme = themes.next_theme(self.theme)
        self.say(f"Colours: {self.theme}")

    def action_restart(self) -> None:
        if self.state.link == "gone":
            self.say("Starting the engine …")
            begin(self, self._restart, "restart")
        else:
            self.say("The engine runs already.")

    async def _restart(self) -> None:
        try:
            await self.attachment.start_engine()
        except Exception as error:  # whatever starting an engine may raise, its text is for the user
            self.say(f"The engine did not start: {clean_line(str(error))}", "bad")

    def action_leave(self) -> None:
        if not self._asks_to_leave or self.state.link != "up" or not self.state.in_flight:
            self.exit("kept")
            return
        from tui.screens.leave import LeaveScreen

        if not isinstance(self.screen, LeaveScreen):
            self.push_screen(LeaveScreen(self.state.in_flight), self._leave)

    def _leave(self, choice: Left | None) -> None:
        if choice == "kept":
            self.exit("kept")
        elif choice == "stopped":
            begin(self, self._stop_and_leave, "leave")

    async def _stop_and_leave(self) -> None:
        try:
            await self.attachment.door.stop(c.Stop())
        except DoorError as error:
            self.say(clean_line(str(error)), "bad")
        else:
            self.exit("stopped")

    def _door(self) -> Door:
        return self.attachment.door

    def _session_at_hand(self) -> c.Session | None:
        """The session in view, else the one that the selected request belongs to."""
        if (session := self.state.session_in_view(self.clock())) is not None:
            return session
        request = self.main.selected
        if request is None or (request.session_id or "").startswith(c.CHECK_SESSION):
            return None
        return self.state.sessions.get(request.session_id or "")

    def _routed(self, sentence: str | None) -> None:
        if sentence:
            self.say(sentence, "good")

    def _looked_at(self, choice: SessionChoice | None) -> None:
        if choice is not None:
            self.state.look_at(choice.session)


def run_panel(
    address: tuple[str, str],
    *,
    find: Find,
    start: Start,
    keymap: Mapping[str, str] | None = None,
    theme: str | None = None,
    ends_after_s: float | None = None,
    asks_to_leave: bool = True,
) -> Left:
    """Show the panel on the engine at ``address`` (URL, token) until the user leaves; says what became of the engine.

    ``find`` and ``start`` are blocking and run in a thread: the first looks for a running engine, the second
    starts one because the user asked for it. ``keymap`` maps action ids to keys, ``theme`` is a word of
    ``themes.NAMES``, the name of a theme, or ``auto``. ``ends_after_s`` leaves it without the user. Without
    ``asks_to_leave`` nobody is asked what becomes of the engine while requests are answered.
    """
    app = PanelApp(
        Address(*address),
        find=find,
        start=start,
        keymap=keymap,
        theme=theme,
        ends_after_s=ends_after_s,
        asks_to_leave=asks_to_leave,
        heeds_signals=True,
    )
    return app.run() or "kept"
