"""What Claude Code finds on this machine: its settings files, the environment they add up to, the user's login.

Reads only, and of a login only that it is there. A file that cannot be read counts as absent: Claude Code
itself reports it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

KEYCHAIN_TIMEOUT_S = 5.0

MANAGED_DIRS = {
    "darwin": "/Library/Application Support/ClaudeCode",
    "win32": r"C:\Program Files\ClaudeCode",
}
"""Where an administrator's settings lie, which beat every other; elsewhere ``/etc/claude-code``."""

INSTALLER_DIRS = (".local/bin", ".claude/local")
"""Where under the home directory ``claude`` may lie, for shells that do not have these on their path."""

SUBSCRIBER_TOKEN = "CLAUDE_CODE_OAUTH_TOKEN"  # noqa: S105  a variable's name
KEY_VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


@dataclass(frozen=True, slots=True)
class Layer:
    """One settings file, as Claude Code reads it."""

    path: Path
    values: Mapping[str, object]

    @property
    def env(self) -> dict[str, str]:
        return env_of(self.values)


@dataclass(frozen=True, slots=True)
class Login:
    """A credential of the user's that Claude Code will send."""

    found: str
    """Where, in words."""
    subscriber: bool
    """A claude.ai login: the client then asks for no list of models."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that decides what a ``claude`` started here would do."""

    environ: Mapping[str, str]
    home: Path
    cwd: Path
    layers: tuple[Layer, ...]
    """Settings files, weakest first."""
    managed: tuple[Layer, ...]
    """An administrator's: stronger than ``layers`` and the command line."""


def look_around(environ: Mapping[str, str], cwd: Path) -> Setup:
    """The setup for a ``claude`` with ``environ`` in ``cwd``."""
    home = Path(environ.get("HOME") or Path.home())
    return Setup(environ, home, cwd, read_layers(environ, home, cwd), read_managed())


def find_program(environ: Mapping[str, str]) -> str | None:
    """The path of ``claude``."""
    home = Path(environ.get("HOME") or Path.home())
    places = [environ.get("PATH", os.defpath), *(str(home / folder) for folder in INSTALLER_DIRS)]
    return shutil.which("claude", path=os.pathsep.join(places))


def env_of(settings: Mapping[str, object]) -> dict[str, str]:
    """The ``env`` block of some settings, values as text."""
    block = settings.get("env")
    if not isinstance(block, dict):
        return {}
    return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in block.items()}


def config_dir(environ: Mapping[str, str], home: Path) -> Path:
    """Where the user's own settings and credentials lie."""
    return Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude")


def read_layers(environ: Mapping[str, str], home: Path, cwd: Path) -> tuple[Layer, ...]:
    """The settings files that apply in ``cwd``, weakest first: the user's, the project's, the local ones."""
    places = [config_dir(environ, home) / "settings.json"]
    root = git_root(cwd)
    for folder in dict.fromkeys([*([root] if root else []), cwd]):
        places += [folder / ".claude" / "settings.json", folder / ".claude" / "settings.local.json"]
    return tuple(_read(dict.fromkeys(places)))


def read_managed(platform: str = sys.platform) -> tuple[Layer, ...]:
    """An administrator's settings: nothing on the command line beats them."""
    folder = Path(MANAGED_DIRS.get(platform, "/etc/claude-code"))
    parts = sorted((folder / "managed-settings.d").glob("*.json"))
    return tuple(_read([folder / "managed-settings.json", *parts]))


def effective_env(environ: Mapping[str, str], layers: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What Claude Code sees: the ``env`` blocks over the process environment, the last one strongest."""
    seen = dict(environ)
    for layer in layers:
        seen |= layer
    return seen


def git_root(cwd: Path) -> Path | None:
    """The working tree that ``cwd`` lies in."""
    return next((folder for folder in (cwd, *cwd.parents) if (folder / ".git").exists()), None)


def project_name(cwd: Path) -> str:
    """The repository's name, also inside one of its linked work trees; else the directory's."""
    root = git_root(cwd)
    if root is None:
        return cwd.name
    return (_main_tree(root / ".git") or root).name


def find_login(
    environ: Mapping[str, str], env: Mapping[str, str], settings: Iterable[Mapping[str, object]], home: Path, token: str
) -> Login | None:
    """The credential that Claude Code would use; our own local ``token`` in its place is none.

    ``env`` is the effective environment, ``settings`` are all settings that apply.
    """
    if env.get(SUBSCRIBER_TOKEN):
        return Login(SUBSCRIBER_TOKEN, subscriber=True)
    for name in KEY_VARIABLES:
        if env.get(name) not in {None, "", token}:
            return Login(name, subscriber=False)
    if any(values.get("apiKeyHelper") for values in settings):
        return Login("apiKeyHelper", subscriber=False)
    return _stored_login(environ, home)


def keychain_entry(environ: Mapping[str, str]) -> str:
    """The name under which Claude Code keeps a login in the keychain of macOS."""
    folder = environ.get("CLAUDE_CONFIG_DIR")
    suffix = f"-{hashlib.sha256(folder.encode()).hexdigest()[:8]}" if folder else ""
    return f"Claude Code-credentials{suffix}"


def _stored_login(environ: Mapping[str, str], home: Path) -> Login | None:
    credentials = config_dir(environ, home) / ".credentials.json"
    if any("claudeAiOauth" in layer.values for layer in _read([credentials])):
        return Login(str(credentials), subscriber=True)
    state = (Path(environ["CLAUDE_CONFIG_DIR"]) if environ.get("CLAUDE_CONFIG_DIR") else home) / ".claude.json"
    if any(layer.values.get("primaryApiKey") for layer in _read([state])):
        return Login(str(state), subscriber=False)
    if sys.platform == "darwin" and _in_keychain(keychain_entry(environ)):
        return Login("the keychain", subscriber=True)
    return None


def _in_keychain(entry: str) -> bool:
    """Whether the entry exists; its secret is not asked for, so no dialogue appears."""
    asked = ["/usr/bin/security", "find-generic-password", "-s", entry]
    try:
        answer = subprocess.run(asked, capture_output=True, timeout=KEYCHAIN_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def _read(places: Iterable[Path]) -> Iterable[Layer]:
    for path in places:
        try:
            values = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(values, dict):
            yield Layer(path, values)


def _main_tree(git: Path) -> Path | None:
    """The main working tree of a linked one, whose ``.git`` is a file that points into the repository."""
    try:
        target = git.read_text().removeprefix("gitdir:").strip()
    except (OSError, UnicodeDecodeError):
        return None
    folder = (git.parent / target).resolve()
    return folder.parents[2] if folder.parent.name == "worktrees" and folder.parents[1].name == ".git" else None
