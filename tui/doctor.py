"""``cctui doctor``: what keeps requests from arriving or being served, each with its remedy.

``examine`` gathers at the edges; every verdict is a pure function over what was gathered.
"""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from proxy import contract as c
from proxy.paths import Paths
from tui import engine_process, launch, supervisor
from tui.claude_settings import Login, Setup, effective_env, find_login, find_program, look_around
from tui.client import Door, DoorError
from tui.settings import SettingsError, load_panel_settings
from tui.state.route import first_providers

VERSION_TIMEOUT_S = 15.0
DOOR_TIMEOUT_S = 30.0

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    state: State
    text: str
    remedy: str = ""
    """What to do; empty where all is well."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the engine said."""

    state: c.Snapshot
    models: c.ModelList
    plan: c.LaunchPlan
    token: str

    @property
    def known(self) -> bool:
        """The provider in force exists; of one that does not, nobody can say what it takes."""
        return any(row.name == self.plan.provider for row in self.models.providers)


def examine(paths: Paths) -> list[Check]:
    """Every check, in the order in which trouble is best mended. Starts an engine where none runs."""
    setup = look_around(os.environ, Path.cwd())
    engine, answers = _engine(paths)
    checks = [panel_settings(paths), engine, token_file(paths)]
    if answers:
        checks += [*map(trouble, answers.state.problems), *providers(answers.models.providers, answers.state.route)]
    checks.append(claude(_claude_version(setup.environ)))
    token = answers.token if answers else ""
    env = effective_env(setup.environ, [layer.env for layer in setup.layers])
    settings = [layer.values for layer in (*setup.layers, *setup.managed)]
    if answers:
        if answers.known:
            checks.append(login(answers.plan, find_login(setup.environ, env, settings, setup.home, token)))
        checks += strays(setup, answers.plan.url)
    return checks


def panel_settings(paths: Paths) -> Check:
    try:
        load_panel_settings(paths.config_file)
        wrong: str | None = engine_process.settings_trouble()
    except SettingsError as error:
        wrong = str(error)
    if wrong is None:
        text = f"{paths.config_file} could not be checked: the engine's own look at it did not end"
        return Check("settings", "warn", text, "Try again when the machine is less busy.")
    if wrong:
        return Check("settings", "fail", wrong, f"Correct it in {paths.config_file} or in the environment.")
    there = paths.config_file.exists()
    return Check("settings", "ok", f"{paths.config_file}" if there else f"defaults; {paths.config_file} is not there")


def token_file(paths: Paths) -> Check:
    """The local token: there, and nobody else's to read."""
    file = paths.token_file
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        return Check("token file", "fail", f"{file}: {error.strerror}", "`cctui stop`, then any command makes one.")
    if sys.platform != "win32" and mode & 0o077:
        text = f"{file} can be read by others (mode {mode:o})"
        return Check(
            "token file", "fail", text, f"chmod 600 {file}, and delete it first if they are not to be trusted."
        )
    return Check("token file", "ok", str(file))


def trouble(problem: str) -> Check:
    """Something that the engine itself reports."""
    return Check("engine", "warn", problem, "The engine serves on; its log has the details.")


def providers(rows: Iterable[c.Provider], route: c.Route) -> list[Check]:
    """A check for each; what the route begins with fails where another only warns."""
    rows = list(rows)
    first = first_providers(route, rows)
    return [provider(row, "fail" if row.name in first else "warn") for row in rows if row.enabled]


def provider(row: c.Provider, trouble_is: State) -> Check:
    """Its key, its last answers and its list of models."""
    name = f"provider {row.name}"
    if row.key_error:
        return Check(name, trouble_is, row.key_error, f"Set the key that {row.key_origin or 'config.toml'} names.")
    if row.health == "refused":
        return Check(name, trouble_is, row.health_text or "the key was refused", "Replace the key.")
    if row.health in {"failing", "limited"}:
        text = row.health_text or row.health
        return Check(name, "warn", text, "Wait, or `cctui use` another; `cctui fallback on` does so by itself.")
    if row.models_error and not _waits_for_a_login(row):
        remedy = f"See that {row.base_url} is right and answers, or list the models in config.toml."
        return Check(name, "warn", f"list of models: {row.models_error}", remedy)
    none = {"passthrough": "your login", "none": "no key needed"}.get(row.auth, "no key")
    key = f"key {row.key} from {row.key_origin}" if row.key else none
    place = "in the engine" if row.simulated else f"at {row.base_url}"
    listed = (
        f"{row.models} model{'' if row.models == 1 else 's'}"
        if row.models or row.models_at
        else "models not listed yet"
    )
    return Check(name, "ok", f"{key}, {listed}, {place}")


def _waits_for_a_login(row: c.Provider) -> bool:
    """It is asked with the client's own credential, and none came by yet."""
    return row.auth == "passthrough" and row.health == "unused"


def claude(version: str | None) -> Check:
    """``version`` is what ``claude --version`` printed, None where there is no such program."""
    if version is None:
        remedy = "Install Claude Code: npm install -g @anthropic-ai/claude-code"
        return Check("claude", "fail", "not on the path", remedy)
    return Check("claude", "ok", version)


def login(plan: c.LaunchPlan, found: Login | None) -> Check:
    """Whether the client gets past its own login question, and the provider in force gets a credential."""
    if found:
        return Check("login", "ok", f"found: {found.found}")
    if plan.own_credential:
        return Check("login", "ok", f"none found, and none needed for {plan.provider}")
    remedy = "Log in inside `cctui claude`, or `cctui use` a provider that has a key of its own."
    return Check("login", "fail", f"none found, and {plan.provider} takes yours", remedy)


def strays(setup: Setup, url: str) -> list[Check]:
    """Variables that lead a ``claude`` away from the engine at ``url``, by the place that sets them."""
    checks = _strays("environment", "the environment", setup.environ, url, "Unset it in your shell's profile.", "warn")
    for layer in setup.layers:
        place = str(layer.path)
        remedy = f"Take it out of {place}; `cctui claude` wins over it, `cctui env` does not."
        checks += _strays("claude settings", place, layer.env, url, remedy, "warn")
    for layer in setup.managed:
        remedy = "Only your administrator can change that; it beats every other setting."
        checks += _strays("managed settings", str(layer.path), layer.env, url, remedy, "fail")
    return checks or [Check("claude settings", "ok", "nothing leads past the engine")]


def _strays(name: str, place: str, env: Mapping[str, str], url: str, remedy: str, state: State) -> list[Check]:
    base = env.get("ANTHROPIC_BASE_URL", url).rstrip("/")
    texts = [f"{place} sets ANTHROPIC_BASE_URL to {base}"] if base != url.rstrip("/") else []
    texts += [f"{place} turns {flag} on, which ignores the base URL" for flag in launch.stray_flags(env)]
    return [Check(name, state, text, remedy) for text in texts]


def _engine(paths: Paths) -> tuple[Check, Answers | None]:
    told: list[str] = []
    new: list[supervisor.RunningEngine] = []
    try:
        engine = supervisor.ensure(paths, say=told.append, started=new.append)
        answers = asyncio.run(_ask(engine))
    except (supervisor.SupervisorError, OSError) as error:
        return Check("engine", "fail", str(error), "Mend that, then run `cctui doctor` again."), None
    except DoorError as error:
        return Check("engine", "fail", str(error), "`cctui stop` and any command start it anew."), None
    text = f"{engine.url}, pid {engine.pid}, version {engine.version}"
    if told:
        return Check("engine", "warn", f"{text}. {' '.join(told)}", f"A new one was started; {paths.log_file}"), answers
    return Check("engine", "ok", f"{text}; none was running, this one was started" if new else text), answers


async def _ask(engine: supervisor.RunningEngine) -> Answers:
    async with Door(engine.url, engine.token, timeout_s=DOOR_TIMEOUT_S) as door:
        models = await door.models(refresh=True)
        return Answers(await door.state(), models, await door.launch_plan(), engine.token)


def _claude_version(environ: Mapping[str, str]) -> str | None:
    program = find_program(environ)
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return f"{program}, which does not tell its version"
    return f"{answer.stdout.strip() or 'version unknown'} at {program}"
