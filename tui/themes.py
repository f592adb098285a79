"""The panel's colours: dark, light, and the terminal's own. Widgets name roles, never colours."""

from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="cctui-dark",
    dark=True,
    primary="#d98c5f",
    secondary="#8fa7c4",
    accent="#e0a072",
    success="#86b583",
    warning="#e3b35a",
    error="#e2777a",
    foreground="#d8d5cf",
    background="#16171a",
    surface="#1c1e22",
    panel="#24272c",
    variables={
        "tone-dim": "#85868b",
        "tone-soft": "#a3a6b4",
        "tone-strong": "#f3f0ea",
        "tone-rule": "#3a3d44",
        "row-cursor": "#2b2f37",
        "footer-key-foreground": "#e0a072",
        "input-selection-background": "#d98c5f 35%",
    },
)
LIGHT = Theme(
    name="cctui-light",
    dark=False,
    primary="#a8532a",
    secondary="#43607f",
    accent="#a34f26",
    success="#33703a",
    warning="#8a5a00",
    error="#b3262e",
    foreground="#33322f",
    background="#faf8f4",
    surface="#f2efe9",
    panel="#e8e4dc",
    variables={
        "tone-dim": "#75736d",
        "tone-soft": "#5b5f70",
        "tone-strong": "#11100e",
        "tone-rule": "#cfcac0",
        "row-cursor": "#e6dfd2",
        "footer-key-foreground": "#a34f26",
        "input-selection-background": "#a8532a 30%",
    },
)
TERMINAL = "ansi-dark"
"""Textual's theme of the terminal's own sixteen colours."""
TERMINAL_LIGHT = "ansi-light"

OWN = (DARK, LIGHT)
CYCLE = (DARK.name, LIGHT.name, TERMINAL)
NAMES = {"dark": DARK.name, "light": LIGHT.name, "terminal": TERMINAL, "terminal-light": TERMINAL_LIGHT}
"""What the settings call them."""

DEFAULTS = {
    "tone-dim": "$text-muted",
    "tone-soft": "$text-muted",
    "tone-strong": "$text",
    "tone-rule": "$panel-lighten-2",
    "row-cursor": "$panel-lighten-1",
}
"""Roles of ours in a theme that does not define them."""


def theme_name(wanted: str | None, environ: Mapping[str, str]) -> str:
    """The theme for the settings' word. Without one: light where the terminal says that its ground is light."""
    if wanted and wanted != "auto":
        return NAMES.get(wanted, wanted)
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if ground in ("7", "15") else DARK.name


def next_theme(present: str) -> str:
    """The theme after ``present`` in the cycle."""
    return CYCLE[(CYCLE.index(present) + 1) % len(CYCLE)] if present in CYCLE else CYCLE[0]
