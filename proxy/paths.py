"""Where every file of cctui lies, with which mode, and how it is written.

``CCTUI_HOME=DIR`` puts settings, state and runtime files under one directory; without it they follow the
platform's conventions. Nothing here reads what is in the files, and no file of another program is touched.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "CCTUI_HOME"


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one installation."""

    config_file: Path
    state_dir: Path
    """History, route, model lists and log: kept over restarts."""
    runtime_dir: Path
    """What describes the running engine: worthless after it ends."""

    @property
    def token_file(self) -> Path:
        """The local token, 0600: who can read it may use the engine."""
        return self.state_dir / "token"

    @property
    def ledger_file(self) -> Path:
        return self.state_dir / "ledger.sqlite3"

    @property
    def route_file(self) -> Path:
        return self.state_dir / "route.json"

    @property
    def budget_file(self) -> Path:
        """Budgets set at run time, grants, and sessions that pass."""
        return self.state_dir / "budget.json"

    @property
    def catalog_file(self) -> Path:
        return self.state_dir / "models.json"

    @property
    def health_file(self) -> Path:
        """Which providers, targets and keys rest until when."""
        return self.state_dir / "health.json"

    @property
    def rejections_file(self) -> Path:
        """Fields and betas that providers were seen to reject."""
        return self.state_dir / "rejections.json"

    @property
    def checks_file(self) -> Path:
        """What checks of targets found, and when."""
        return self.state_dir / "checks.json"

    @property
    def thinking_file(self) -> Path:
        """Fingerprints of who signed which thinking."""
        return self.state_dir / "thinking.json"

    @property
    def log_file(self) -> Path:
        return self.state_dir / "engine.log"

    @property
    def runtime_file(self) -> Path:
        """Pid, port and contract version of the engine, 0600. A hint to verify, never to trust."""
        return self.runtime_dir / "engine.json"

    @property
    def lock_file(self) -> Path:
        """Held while an engine is being started, so that two panels start one."""
        return self.runtime_dir / "start.lock"


def find_paths(environ: Mapping[str, str] | None = None) -> Paths:
    """The paths of the installation that ``environ`` (default: this process's) names."""
    environ = os.environ if environ is None else environ
    if home := environ.get(HOME_VARIABLE):
        root = Path(home).expanduser().absolute()
        return Paths(root / "config.toml", root / "state", root / "run")
    from platformdirs import PlatformDirs  # noqa: PLC0415  a slow import that CCTUI_HOME does not need

    dirs = PlatformDirs("cctui", appauthor=False)
    state = dirs.user_state_path
    return Paths(dirs.user_config_path / "config.toml", state, state / "run")


def make_private_dir(path: Path) -> None:
    """Create ``path`` and its parents; ``path`` itself is readable by its owner alone."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)


def write_private(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step, 0600: a reader sees the old content or the new, never half."""
    make_private_dir(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def local_token(paths: Paths) -> str:
    """The token that guards the local port, made on first use. Two processes that race for it agree."""
    try:
        if token := paths.token_file.read_text().strip():
            return token
    except FileNotFoundError:
        pass
    make_private_dir(paths.state_dir)
    fresh = paths.state_dir / f".token.{os.getpid()}.{secrets.token_hex(4)}"
    write_private(fresh, f"cctui-{secrets.token_urlsafe(32)}\n".encode())
    try:
        if paths.token_file.exists() and not paths.token_file.read_text().strip():
            paths.token_file.unlink()
        os.link(fresh, paths.token_file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink(missing_ok=True)
    return paths.token_file.read_text().strip()
