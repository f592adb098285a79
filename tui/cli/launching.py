"""What ``cctui claude`` does before ``claude`` takes its place: look around, ask the engine, write one private file.

The settings travel in a file of our own, since the token in them must not be seen in the list of processes.
"""

import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from proxy.paths import Paths, write_private
from tui import launch
from tui.claude_settings import Setup, effective_env, env_of, find_login, find_program, look_around, project_name
from tui.cli.engine_access import ask, installation, running_engine, say

KEPT_S = 30 * 86400.0
"""Settings written for ``claude`` are kept this long after their last launch: a session that it moved to the
background, or starts again by itself, reads them again."""

ALONE = frozenset({"--help", "-h", "--version", "-v"})
"""Calls that are over before any request."""

HEADERS = "ANTHROPIC_CUSTOM_HEADERS"


def find_claude(environ: Mapping[str, str]) -> str:
    """The program's path."""
    if program := find_program(environ):
        return program
    raise launch.LaunchError(
        "`claude` is not on the path. Install Claude Code with `npm install -g @anthropic-ai/claude-code`, "
        "then run this again."
    )


def prepare(arguments: Sequence[str], *, with_statusline: bool = False) -> list[str]:
    """The arguments for ``claude``, engine running, notes said. ``with_statusline``: ours, in this run."""
    if arguments and set(arguments) <= ALONE:
        return list(arguments)
    setup = look_around(os.environ, Path.cwd())
    own = launch.read_settings(launch.own_settings(arguments), setup.cwd)
    engine = running_engine()
    plan = ask(lambda door: door.launch_plan(), engine)
    project = launch.header_value(launch.project_label(project_name(setup.cwd) or ""))
    around = surroundings(setup, engine.token, own, project)
    block = launch.environment_block(plan, engine.token, around)
    for note in [*launch.notes(plan, around), *launch.overriding(setup.managed, block)]:
        say(note)
    paths = installation()
    line = statusline_command(paths) if with_statusline else None
    file = _write_settings(paths, launch.merge_settings(own, block, line))
    return launch.with_settings(arguments, str(file))


def surroundings(setup: Setup, token: str, own: Mapping[str, object], project: str | None) -> launch.Surroundings:
    """What the launch must respect; ``own`` are the user's own ``--settings``."""
    blocks = [*(layer.env for layer in setup.layers), env_of(own)]
    env = effective_env(setup.environ, blocks)
    settings = [*(layer.values for layer in (*setup.layers, *setup.managed)), own]
    return launch.Surroundings(
        env=env,
        custom_headers=tuple(block[HEADERS] for block in (setup.environ, *blocks) if block.get(HEADERS)),
        login=find_login(setup.environ, env, settings, setup.home, token),
        project=project,
    )


def statusline_command(paths: Paths) -> str:
    """The command for the line, as directly as it can be started: the client runs it after each message."""
    return shlex.join([sys.executable, "-P", "-m", "tui.statusline", str(paths.runtime_file)])


def _write_settings(paths: Paths, settings: Mapping[str, object]) -> Path:
    """A private file with ``settings``; equal ones share it, and those long unused go."""
    data = json.dumps(settings, indent=2).encode()
    file = paths.runtime_dir / f"claude-{hashlib.sha256(data).hexdigest()[:16]}.json"
    write_private(file, data)
    for old in paths.runtime_dir.glob("claude-*.json"):
        if old.stat().st_mtime < time.time() - KEPT_S:
            old.unlink(missing_ok=True)
    return file
