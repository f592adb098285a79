"""The panel's colours: dark, light, and the terminal's own. Widgets name roles, never colours."""

from collections.abc import Collection, Mapping

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

ROLES = {
    "tone-dim": ("foreground-muted", "ansi_default"),
    "tone-soft": ("foreground-muted", "ansi_default"),
    "tone-strong": ("foreground", "ansi_default"),
    "tone-rule": ("panel-lighten-2", "ansi_bright_black"),
    "row-cursor": ("panel-lighten-1", "ansi_default"),
}
"""Roles of ours in a theme that does not define them: the theme's variable, the terminal's colour."""


def role_defaults(theme: Theme) -> dict[str, str]:
    """The colours of our roles in a theme made by somebody else."""
    variables = theme.to_color_system().generate()
    return {role: terminal if theme.ansi else variables[source] for role, (source, terminal) in ROLES.items()}


def without_colour(environ: Mapping[str, str]) -> bool:
    """The user wants none (no-color.org): anything but an empty value counts."""
    return bool(environ.get("NO_COLOR"))


def theme_name(wanted: str | None, environ: Mapping[str, str], known: Collection[str]) -> str:
    """The theme for the settings' word. Without a known one: light where the terminal says that its ground is.

    Without colour it is the terminal's own, whose ground and letters stay as they are.
    """
    if without_colour(environ):
        return TERMINAL
    if wanted and NAMES.get(wanted, wanted) in known:
        return NAMES.get(wanted, wanted)
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if ground in ("7", "15") else DARK.name


def next_theme(present: str) -> str:
    """The theme after ``present`` in the cycle."""
    return CYCLE[(CYCLE.index(present) + 1) % len(CYCLE)] if present in CYCLE else CYCLE[0]
