"""The registry of everything a key does: the one source of bindings, footer, palette, help and the README's table.

An action is named ``id`` in the settings' key map; the screen of its place has an ``action_<id>`` method.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

from tui.state.keys_line import KeyHint

Place = Literal[
    "panel",
    "list",
    "picker",
    "models",
    "entries",
    "providers",
    "chain",
    "sessions",
    "budget",
    "rows",
    "spend",
    "year",
    "whatif",
    "check",
    "reading",
]
"""Where an action works. ``panel`` and ``list`` are the main screen, ``reading`` every screen of text."""

PLACES: dict[Place, str] = {
    "panel": "The panel",
    "list": "Moving",
    "picker": "In a picker",
    "models": "In the model picker",
    "entries": "On the screens of providers, of fallback and of budgets",
    "providers": "On the screen of providers",
    "chain": "On the screen of fallback",
    "sessions": "On the screen of sessions",
    "budget": "On the screen of budgets",
    "rows": "On a screen of rows",
    "spend": "On the spend screen",
    "year": "On the map of the year",
    "whatif": "On the comparison with other models",
    "check": "On the check of a model",
    "reading": "On a screen of text",
}
SHARED: dict[Place, tuple[Place, ...]] = {
    "panel": ("panel", "list"),
    "list": ("panel", "list"),
    "picker": ("picker",),
    "models": ("picker", "models"),
    "entries": ("entries",),
    "providers": ("entries", "providers"),
    "chain": ("entries", "chain"),
    "sessions": ("sessions",),
    "budget": ("entries", "budget"),
    "rows": ("rows",),
    "spend": ("rows", "spend"),
    "year": ("rows", "year"),
    "whatif": ("rows", "whatif"),
    "check": ("rows", "check"),
    "reading": ("reading",),
}
"""Places whose actions are bound together, so that one key can have one meaning only."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a key does."""

    id: str
    keys: tuple[str, ...]
    label: str
    """A word or two, for the footer."""
    help: str
    """A sentence, for help, palette and README."""
    place: Place = "panel"
    footer: int | None = None
    """Place in the footer's order of importance; None: not in the footer."""

    @property
    def call(self) -> str:
        """What Textual runs."""
        return f"{'app' if self.id in OF_APP else 'screen'}.{self.id}"


ACTIONS: tuple[Action, ...] = (
    Action("model", ("m",), "model", "Pick the model that the next requests go to.", footer=1),
    Action("provider", ("p",), "provider", "Show the providers in full; choose, test or rest one.", footer=4),
    Action("fallback", ("f",), "fallback", "Turn fallback to the other providers on or off.", footer=2),
    Action("chain", ("F",), "chain", "Edit what follows when the first target fails.", footer=11),
    Action("inspect", ("enter",), "inspect", "Show everything known about the selected request.", footer=3),
    Action("filter", ("/",), "filter", "Show only requests that hold the words you type.", footer=7),
    Action("sessions", ("s",), "sessions", "Show the sessions, one in full and its agents; choose one.", footer=8),
    Action("budget", ("b",), "budgets", "Show what may still be spent; grant more or let the session pass.", footer=13),
    Action("spend", ("$",), "spend", "Show what was spent, by model, project, day and more.", footer=9),
    Action("whatif", ("w",), "what if", "Show what the same would have cost at other models.", footer=12),
    Action("context", ("x",), "context", "Show what fills the window of the conversation.", footer=14),
    Action("cache", ("h",), "cache", "Show how the prompt cache serves the session, and why it did not.", footer=15),
    Action("freeze", ("space",), "freeze", "Freeze the view or let it go on; traffic goes on either way.", footer=10),
    Action("drawer", ("d",), "drawer", "On a narrow screen, show stream, costs or providers below the list.", footer=5),
    Action("copy", ("c",), "copy", "Copy the line that starts Claude Code through the engine.", footer=2),
    Action("restart", ("r",), "restart", "Start the engine again when it is gone.", footer=0),
    Action("theme", ("t",), "theme", "Change between the dark, the light and the terminal's own colours."),
    Action("clear", ("escape",), "clear", "Clear the filter and return to the newest request."),
    Action("help", ("?",), "help", "Show all keys.", footer=6),
    Action("palette", ("ctrl+p",), "palette", "Find any of these by name."),
    Action("leave", ("q", "ctrl+q", "ctrl+c"), "leave", "Leave the panel; the engine can go on without it.", footer=0),
    Action("up", ("up", "k"), "up", "Select the request above.", "list"),
    Action("down", ("down", "j"), "down", "Select the request below.", "list"),
    Action("page_up", ("pageup",), "page up", "Move up by a page.", "list"),
    Action("page_down", ("pagedown",), "page down", "Move down by a page.", "list"),
    Action("newest", ("g", "home"), "newest", "Go to the newest request and follow it.", "list"),
    Action("oldest", ("G", "end"), "oldest", "Go to the oldest request.", "list"),
    Action("stream_up", ("[", "shift+up"), "text up", "Scroll the stream's text up.", "list"),
    Action("stream_down", ("]", "shift+down"), "text down", "Scroll the stream's text down.", "list"),
    Action("apply", ("enter",), "apply", "Take the highlighted entry.", "picker", footer=1),
    Action("cursor_up", ("up", "ctrl+k"), "up", "Highlight the entry above.", "picker"),
    Action("cursor_down", ("down", "ctrl+j"), "down", "Highlight the entry below.", "picker"),
    Action("cursor_page_up", ("pageup",), "page up", "Move up by a page.", "picker"),
    Action("cursor_page_down", ("pagedown",), "page down", "Move down by a page.", "picker"),
    Action("cancel", ("escape",), "cancel", "Close the picker and change nothing.", "picker", footer=9),
    Action("scope", ("tab",), "scope", "Choose what the model is for: all traffic, a session, a slot.", "models", 2),
    Action("scope_back", ("shift+tab",), "scope, back", "The same, backwards.", "models"),
    Action("favourite", ("ctrl+s",), "favourite", "Mark the highlighted model as a favourite, or not.", "models", 3),
    Action("check_model", ("ctrl+t",), "check", "Check the highlighted model; tells the price first.", "models", 4),
    Action("refresh", ("ctrl+r",), "ask again", "Ask every provider for its models again.", "models", 5),
    Action("entry_up", ("up", "k"), "up", "Highlight the entry above.", "entries"),
    Action("entry_down", ("down", "j"), "down", "Highlight the entry below.", "entries"),
    Action("done", ("escape", "q"), "back", "Go back to the panel.", "entries", 9),
    Action("send_here", ("enter",), "use", "Send all traffic to the provider.", "providers", 1),
    Action("test", ("t",), "test", "Ask the provider for its models now and say what came of it.", "providers", 2),
    Action("rest", ("r",), "rest/wake", "Send nothing to the provider, or take it back.", "providers", 3),
    Action("check", ("c",), "check", "Check its model point by point, with real requests; asks first.", "providers", 4),
    Action("add", ("a", "enter"), "add", "Add a model, a provider or a group below the entry.", "chain", 1),
    Action("earlier", ("K", "shift+up"), "earlier", "Move the entry up.", "chain", 3),
    Action("later", ("J", "shift+down"), "later", "Move the entry down.", "chain", 4),
    Action("remove", ("x", "delete"), "remove", "Take the entry out of the chain.", "chain", 2),
    Action("switch", ("f",), "on/off", "Turn fallback on or off.", "chain", 5),
    Action("slot", ("tab",), "scope", "Show the chain of another kind of request.", "chain", 6),
    Action("slot_back", ("shift+tab",), "scope, back", "The same, backwards.", "chain"),
    Action("look", ("enter",), "show", "Show this session's requests and costs on the panel, or all.", "sessions", 1),
    Action("side", ("tab",), "table/tree", "Move in the tree of agents, or in the table again.", "sessions", 2),
    Action("model_here", ("m",), "model", "Pick the model of this session, or of this kind of agent.", "sessions", 3),
    Action("fold", ("space",), "fold", "Close or open what the agent sent out.", "sessions", 4),
    Action("session_up", ("up", "k"), "up", "Highlight the session or the agent above.", "sessions"),
    Action("session_down", ("down", "j"), "down", "Highlight the session or the agent below.", "sessions"),
    Action("shut", ("left", "h"), "close", "Close the agent, or go to the one above it, or to the table.", "sessions"),
    Action("unfold", ("right", "l"), "open", "Go to the tree of agents; open the agent there.", "sessions"),
    Action("report_up", ("[", "pageup"), "text up", "Scroll the session's costs up.", "sessions"),
    Action("report_down", ("]", "pagedown"), "text down", "Scroll the session's costs down.", "sessions", 5),
    Action("leave_sessions", ("escape", "q"), "back", "Go back to the panel.", "sessions", 9),
    Action("grant", ("g", "enter"), "grant", "Grant more, once: asks for the amount.", "budget", 1),
    Action("let_pass", ("p",), "pass", "Let the session pass every budget, or no longer.", "budget", 2),
    Action("budget_amount", ("e",), "amount", "Set the amount of the budget from now on.", "budget", 3),
    Action("common", ("c",), "common chain", "Give up the chain that this kind has of its own.", "chain", 7),
    Action("open", ("enter",), "open", "Show what is inside the highlighted row.", "rows", 1),
    Action("row_up", ("up", "k"), "up", "Highlight the row above.", "rows"),
    Action("row_down", ("down", "j"), "down", "Highlight the row below.", "rows"),
    Action("rows_page_up", ("pageup",), "page up", "Move up by a page.", "rows"),
    Action("rows_page_down", ("pagedown",), "page down", "Move down by a page.", "rows"),
    Action("rows_first", ("g", "home"), "first", "Go to the first row.", "rows"),
    Action("rows_last", ("G", "end"), "last", "Go to the last row.", "rows"),
    Action("out", ("escape", "backspace"), "back", "Go one level up, at last back to the panel.", "rows", 9),
    Action("close", ("q",), "close", "Close the screen at once.", "rows"),
    Action("group", ("tab",), "by", "Sum up by something else: model, project, session, day and more.", "spend", 2),
    Action("group_back", ("shift+tab",), "by, back", "The same, backwards.", "spend"),
    Action("period", ("p",), "period", "Change the period: today, 7 days, 30 days, this month, year, all.", "spend", 3),
    Action("period_back", ("P",), "period, back", "The same, backwards.", "spend"),
    Action("served", ("r",), "requests", "List the requests of the highlighted row.", "spend", 4),
    Action("year", ("y",), "year", "Show a year as a map of its days.", "spend", 5),
    Action("latency", ("l",), "speed", "Compare how fast models and providers were.", "spend", 6),
    Action("compare", ("w",), "what if", "Show what these would have cost at other models.", "spend", 7),
    Action("week_before", ("left", "h"), "week before", "Go to the same day of the week before.", "year"),
    Action("week_after", ("right", "l"), "week after", "Go to the same day of the week after.", "year"),
    Action("over", ("tab",), "scope", "Compare the session, today, 7 days or 30 days.", "whatif", 2),
    Action("over_back", ("shift+tab",), "scope, back", "The same, backwards.", "whatif"),
    Action("run_check", ("r",), "try it", "Try everything out now, with real requests that cost money.", "check", 2),
    Action("stop_check", ("x",), "stop", "Ask nothing more.", "check", 3),
    Action("back", ("escape", "q"), "back", "Go back to the panel.", "reading", 9),
)

OF_APP = frozenset(
    (
        *("model", "provider", "fallback", "chain", "inspect", "sessions", "budget"),
        *("spend", "context", "cache", "whatif"),
        *("copy", "restart", "theme", "help", "palette", "leave"),
    )
)
"""Actions that the app carries out; the others belong to their screen."""

_BY_ID = {action.id: action for action in ACTIONS}

KEY_NAMES = {
    "enter": "⏎",
    "escape": "esc",
    "question_mark": "?",
    "slash": "/",
    "dollar_sign": "$",
    "pageup": "page up",
    "pagedown": "page down",
    "up": "↑",
    "down": "↓",
    "shift+up": "shift ↑",
    "shift+down": "shift ↓",
    "delete": "del",
    "tab": "tab",
    "shift+tab": "shift tab",
}
"""How keys are written where the name that binds them reads badly."""

Keys = dict[str, tuple[str, ...]]
"""Action id → the keys in force."""


def effective_keys(keymap: Mapping[str, str] | None = None) -> Keys:
    """The keys of every action after the user's ``keymap`` (action id → keys, comma between them).

    A key that the user gives to one action is taken from the others of the same place. Unknown ids are ignored;
    ``unknown_actions`` names them.
    """
    keys: Keys = {action.id: action.keys for action in ACTIONS}
    chosen = {name: _split(text) for name, text in (keymap or {}).items() if name in _BY_ID}
    for name, wanted in chosen.items():
        for other in _neighbours(name):
            if other.id not in chosen:
                keys[other.id] = tuple(key for key in keys[other.id] if key not in wanted)
        keys[name] = wanted
    return keys


def unknown_actions(keymap: Mapping[str, str]) -> list[str]:
    """Names in ``keymap`` that no action has."""
    return [name for name in keymap if name not in _BY_ID]


def textual_keymap(keymap: Mapping[str, str] | None) -> dict[str, str]:
    """``keymap`` as Textual takes it: every action whose keys differ from the registry's."""
    keys = effective_keys(keymap)
    return {action.id: ",".join(keys[action.id]) for action in ACTIONS if keys[action.id] != action.keys}


def bindings(*places: Place) -> list[Binding]:
    """The bindings of the actions of ``places``."""
    return [
        Binding(",".join(_bindable(key) for key in action.keys), action.call, action.label, show=False, id=action.id)
        for action in ACTIONS
        if action.place in places
    ]


def footer_actions(*places: Place) -> list[Action]:
    """The actions of ``places`` that the footer shows, the most important first."""
    found = [action for action in ACTIONS if action.place in places and action.footer is not None]
    return sorted(found, key=lambda action: action.footer or 0)


def footer_hints(keys: Mapping[str, str], *places: Place, without: Collection[str] = ()) -> list[KeyHint]:
    """The footer's keys on the screen of ``places``; ``keys`` has the first of each action. Help is one everywhere."""
    wanted = footer_actions(*places) if "panel" in places else [*footer_actions(*places), _BY_ID["help"]]
    found = [action for action in wanted if action.id not in without]
    return [KeyHint(keys[action.id], action.label, action.call) for action in found]


def shown_key(key: str) -> str:
    """A key as the screen writes it."""
    return KEY_NAMES.get(key, key.replace("ctrl+", "ctrl ").replace("shift+", "shift "))


def first_keys(keys: Keys) -> dict[str, str]:
    """The first key of each action, as the screen writes it."""
    return {name: shown_key(some[0]) if some else "ctrl p" for name, some in keys.items()}


def of_place(place: Place) -> Iterable[Action]:
    return (action for action in ACTIONS if action.place == place)


def _neighbours(name: str) -> Iterable[Action]:
    places = SHARED[_BY_ID[name].place]
    return (action for action in ACTIONS if action.place in places and action.id != name)


def _split(text: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in text.split(",") if key.strip())


def _bindable(key: str) -> str:
    return {"[": "left_square_bracket", "]": "right_square_bracket"}.get(key, key)
