"""How ``claude`` is told to talk to the engine. Pure: arguments and environments in, arguments and blocks out.

Everything travels in one ``--settings`` argument, which beats the process environment and every settings file
of the user's, and changes none of them. What the user set up himself is kept wherever it does not lead past
the engine.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from proxy import contract as c
from tui.claude_settings import Layer, Login

CLOUD_FLAGS = tuple(
    f"CLAUDE_CODE_USE_{name}"
    for name in ("BEDROCK", "VERTEX", "FOUNDRY", "MANTLE", "ANTHROPIC_AWS", "ANTHROPIC_GOOGLE_CLOUD", "GATEWAY")
)
"""Each of them makes the client ignore its base URL."""

PROXY_VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
LOOPBACK = ("127.0.0.1", "localhost")

OFF_VALUES = frozenset({"", "0", "false", "no", "off"})
PROJECT_LIMIT = 64
"""Characters of a project's name that are recorded."""
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class LaunchError(Exception):
    """``claude`` cannot be launched as asked. ``str()`` is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the launcher found: everything of the user's that the launch must respect."""

    env: Mapping[str, str]
    """The effective environment: the process's, with the settings' ``env`` blocks over it."""
    custom_headers: tuple[str, ...] = ()
    """Every ``ANTHROPIC_CUSTOM_HEADERS`` of the user's, weakest first."""
    login: Login | None = None
    project: str | None = None
    """None: not bound to a directory."""


def environment_block(plan: c.LaunchPlan, token: str, around: Surroundings) -> dict[str, str]:
    """The variables that lead ``claude`` to the engine and nowhere else."""
    ours = {c.TOKEN_HEADER: token} | ({c.PROJECT_HEADER: around.project} if around.project else {})
    return {
        "ANTHROPIC_BASE_URL": plan.url,
        "ANTHROPIC_CUSTOM_HEADERS": merged_headers(around.custom_headers, ours),
        **_credential(plan, token, around),
        **dict.fromkeys(stray_flags(around.env), ""),
        **_no_proxy(around.env),
        **{name: value for name, value in _wishes(plan, around).items() if name not in around.env},
    }


def stray_flags(env: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that are on and would send the traffic past the engine."""
    return tuple(name for name in CLOUD_FLAGS if env.get(name, "").strip().lower() not in OFF_VALUES)


def notes(plan: c.LaunchPlan, around: Surroundings) -> list[str]:
    """What the user should know before ``claude`` takes the screen."""
    said = [f"{name} is set; it is off for this session, which goes to the engine" for name in stray_flags(around.env)]
    if not plan.own_credential and around.login is None:
        said.append(
            f"no login of Claude Code was found, and {plan.provider} needs it: log in there, "
            "or choose a provider that has a key of its own with `cctui use PROVIDER`"
        )
    return said


def overriding(layers: Iterable[Layer], block: Mapping[str, str]) -> list[str]:
    """A sentence for each variable of ``block`` that stronger settings set otherwise."""
    return [
        f"{layer.path} sets {name}, which beats what is set here"
        for layer in layers
        for name, value in layer.env.items()
        if block.get(name, value) != value
    ]


def merged_headers(values: Iterable[str], ours: Mapping[str, str]) -> str:
    """The user's header lines and ours, one per line; a later value of a name replaces an earlier one."""
    lines: dict[str, str] = {}
    for line in (line.strip() for value in values for line in value.splitlines()):
        name = line.partition(":")[0].strip().lower()
        if name and name not in {c.TOKEN_HEADER, c.PROJECT_HEADER}:
            lines[name] = line
    return "\n".join([*lines.values(), *(f"{name}: {value}" for name, value in ours.items())])


def project_label(name: str) -> str:
    """A project's name as it is recorded: one printable line of bounded length."""
    line = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", name))
    return " ".join(line.split())[:PROJECT_LIMIT].strip()


def header_value(label: str) -> str:
    """``label`` as a header may carry it: in UTF-8, percent-encoded but for plain letters and signs."""
    return quote(label, safe=_PLAIN)


def own_settings(arguments: Sequence[str]) -> str | None:
    """The value of the user's own ``--settings``; of several the last one counts, as it does for ``claude``."""
    place = _settings_place(arguments)
    return None if place is None else arguments[place[0]].removeprefix(place[1])


def with_settings(arguments: Sequence[str], value: str) -> list[str]:
    """``arguments`` with ``value`` as the ``--settings`` that counts, everything else as it was.

    The user's own is replaced where it stands: taken out, it could join its neighbours to another meaning.
    """
    place = _settings_place(arguments)
    if place is None:
        return ["--settings", value, *arguments]
    position, prefix = place
    return [*arguments[:position], prefix + value, *arguments[position + 1 :]]


def read_settings(value: str | None, cwd: Path) -> dict[str, object]:
    """The user's own ``--settings``, inline JSON or a file's path."""
    if value is None:
        return {}
    inline = value.strip().startswith("{") and value.strip().endswith("}")
    try:
        settings = json.loads(value if inline else (cwd / value).expanduser().read_bytes())
    except OSError as error:
        raise LaunchError(f"--settings {value}: {error.strerror or error}") from error
    except ValueError as error:
        raise LaunchError(f"--settings {value if not inline else '(inline)'} is not JSON: {error}") from error
    if not isinstance(settings, dict):
        raise LaunchError(f"--settings {value} holds no JSON object.")
    return settings


def merge_settings(
    own: Mapping[str, object], block: Mapping[str, str], statusline: str | None = None
) -> dict[str, object]:
    """The user's own settings with ``block`` over their ``env``, and the command ``statusline`` for that line."""
    env = own.get("env")
    line = {"statusLine": {"type": "command", "command": statusline}} if statusline else {}
    return {**own, **line, "env": {**(env if isinstance(env, dict) else {}), **block}}


def _credential(plan: c.LaunchPlan, token: str, around: Surroundings) -> dict[str, str]:
    """A token where the client has no login and needs none; a left-over of it is taken away from a login."""
    if plan.own_credential and around.login is None:
        return {"ANTHROPIC_AUTH_TOKEN": token}
    return {"ANTHROPIC_AUTH_TOKEN": ""} if around.env.get("ANTHROPIC_AUTH_TOKEN") == token else {}


def _wishes(plan: c.LaunchPlan, around: Surroundings) -> dict[str, str]:
    """What makes the client better off, unless the user decided otherwise."""
    wishes = {"CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"}
    if plan.real_claude:
        wishes |= {"ENABLE_TOOL_SEARCH": "1", "CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING": "1"}
    if plan.favourite and around.login and around.login.subscriber:
        wishes |= _picker_entry(plan.favourite)
    return wishes


def _picker_entry(model: c.Model) -> dict[str, str]:
    return {
        "ANTHROPIC_CUSTOM_MODEL_OPTION": model.published_id or f"{model.provider}/{model.id}",
        "ANTHROPIC_CUSTOM_MODEL_OPTION_NAME": model.name or model.id,
        "ANTHROPIC_CUSTOM_MODEL_OPTION_DESCRIPTION": f"served by {model.provider} through cctui",
    }


def _no_proxy(env: Mapping[str, str]) -> dict[str, str]:
    """Loopback kept off a configured HTTP proxy; nothing where none is configured."""
    if not any(env.get(name) for name in PROXY_VARIABLES):
        return {}
    listed = [part.strip() for name in ("NO_PROXY", "no_proxy") for part in env.get(name, "").split(",")]
    value = ",".join(dict.fromkeys([part for part in listed if part] + list(LOOPBACK)))
    return {"NO_PROXY": value, "no_proxy": value}


def _settings_place(arguments: Sequence[str]) -> tuple[int, str] | None:
    """Position of the last value of ``--settings``, and what stands before it in the same argument."""
    place = None
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for position, argument in enumerate(arguments[:end]):
        if argument.startswith("--settings="):
            place = (position, "--settings=")
        elif argument == "--settings" and position + 1 < end:
            place = (position + 1, "")
    return place
