"""A machine of its own for a test: fresh homes, an explicit environment, `cctui` and the real `claude` in it.

Nothing of the environment in which the tests run reaches the programs, and nothing is left running.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import anthropic

CLAUDE_VARIABLE = "CCTUI_TEST_CLAUDE"
"""Names the `claude` program that the tests run."""

LITELLM_VARIABLE = "CCTUI_TEST_LITELLM"
"""Names the `litellm` program that the tests run."""

LLAMA_VARIABLE = "CCTUI_TEST_LLAMA"
"""Names a Python that has `xllamacpp` and `gguf`: llama.cpp's server, and what writes a model for it."""

TMUX_VARIABLE = "CCTUI_TEST_TMUX"
"""Names the `tmux` in which the panel is tried."""

CHECKOUT = Path(__file__).parents[2]
PROGRAM_TIMEOUT_S = 60


@dataclass(frozen=True)
class Stage:
    """Homes for the user and for cctui, and a project to work in."""

    root: Path
    claude: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def cctui_home(self) -> Path:
        return self.root / "cctui"

    @property
    def project(self) -> Path:
        return self.root / "shop-api"

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(self.root / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(CHECKOUT),
            "CCTUI_HOME": str(self.cctui_home),
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "IS_SANDBOX": "1",
        }

    @property
    def cctui_command(self) -> list[str]:
        return [sys.executable, "-P", "-m", "tui"]

    def set_up(self, config: str) -> None:
        """Write the settings and the programs' places."""
        for folder in (self.home, self.cctui_home, self.project / ".git", self.root / "bin"):
            folder.mkdir(parents=True)
        (self.cctui_home / "config.toml").write_text(f"[engine]\nlocal_servers = false\nport = 0\n{config}")
        (self.root / "bin" / "claude").symlink_to(self.claude)
        node = shutil.which("node")
        if node:
            (self.root / "bin" / "node").symlink_to(node)

    def cctui(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command of ours to its end."""
        done = subprocess.run(
            [*self.cctui_command, *arguments],
            cwd=self.project,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"cctui {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def ask(self, prompt: str, *arguments: str) -> str:
        """What the real client prints for ``prompt``."""
        return self.cctui("claude", "-p", prompt, *arguments).stdout.strip()

    def sdk(self) -> "anthropic.Anthropic":
        """The SDK, set up with what `cctui env` says."""
        import anthropic

        env = json.loads(self.cctui("env", "--shell", "json").stdout)
        name, _, token = env["ANTHROPIC_CUSTOM_HEADERS"].splitlines()[0].partition(": ")
        return anthropic.Anthropic(
            base_url=env["ANTHROPIC_BASE_URL"],
            auth_token=env["ANTHROPIC_AUTH_TOKEN"],
            default_headers={name: token},
            max_retries=0,
        )

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cctui(*arguments, "--json").stdout)

    def requests(self) -> list[dict[str, Any]]:
        """The requests of conversations and their agents, oldest first; the client's own (titles) come and go."""
        rows = self.json("requests", "--limit", "100")
        return [row for row in reversed(rows) if row["kind"] == "messages" and row["role"] != "background"]

    def tear_down(self) -> None:
        self.cctui("stop", "--drain", "0")


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that another program does and tells nobody."""
    async with asyncio.timeout(PROGRAM_TIMEOUT_S):
        while not happened():  # noqa: ASYNC110  another program sets no event of ours
            await asyncio.sleep(0.02)


def provider(name: str, url: str, models: tuple[str, ...] = (), **more: str) -> str:
    """Settings of a scripted provider with a key of its own."""
    lines = [f"[providers.{name}]", f'base_url = "{url}"', 'auth = "bearer"', f'api_key = "key-of-{name}"']
    lines += [f"models = {json.dumps(list(models))}"] if models else []
    lines += [f"{key} = {value}" for key, value in more.items()]
    return "\n".join(lines) + "\n"
