"""The seams: who may import whom, and what stays out of the pure core."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = [*(ROOT / "proxy" / "protocol").rglob("*.py"), *(ROOT / "proxy" / "dialects").rglob("*.py")]
ENGINE = list((ROOT / "proxy").rglob("*.py"))
PANEL = list((ROOT / "tui").rglob("*.py"))

WORLD = frozenset(
    {
        "aiohttp", "asyncio", "concurrent", "contextvars", "httpx", "io", "logging", "multiprocessing", "os", "pathlib",
        "queue", "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl",
        "starlette",
        "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid", "uvicorn", "uvloop",
    }
)  # fmt: skip
"""What a pure module does not know: clock, chance, files, sockets, processes, the event loop, the log."""

CLOCKS = frozenset({"now", "utcnow", "today", "time", "monotonic", "perf_counter", "localtime"})
"""Calls that read a clock through a module that is otherwise pure."""


def imports(file: Path) -> Iterator[str]:
    """The full names that ``file`` imports, from anywhere in it: ``import a.b`` and ``from a.b import c`` both."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(file, node)
            yield from (f"{module}.{name.name}" for name in node.names)


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = file.relative_to(ROOT).parent.parts[: len(file.relative_to(ROOT).parent.parts) - node.level + 1]
    return ".".join((*package, *([node.module] if node.module else [])))


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def within(name: str, modules: frozenset[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


@pytest.mark.parametrize("file", PANEL, ids=named)
def test_the_panel_knows_of_the_engine_only_contract_and_paths(file: Path) -> None:
    allowed = frozenset({"proxy.contract", "proxy.paths"})
    assert [name for name in imports(file) if within(name, frozenset({"proxy"})) and not within(name, allowed)] == []


@pytest.mark.parametrize("file", ENGINE, ids=named)
def test_the_engine_knows_neither_panel_nor_screen(file: Path) -> None:
    assert [name for name in imports(file) if within(name, frozenset({"tui", "textual", "rich"}))] == []


@pytest.mark.parametrize("file", PURE, ids=named)
def test_a_pure_module_knows_nothing_of_the_world(file: Path) -> None:
    assert [name for name in imports(file) if within(name, WORLD)] == []


@pytest.mark.parametrize("file", PURE, ids=named)
def test_a_pure_module_reads_no_clock(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS] == []


@pytest.mark.parametrize("file", PURE, ids=named)
def test_a_pure_module_imports_of_ours_only_what_is_pure_too(file: Path) -> None:
    allowed = frozenset({"proxy.contract", "proxy.protocol", "proxy.dialects"})
    assert [name for name in imports(file) if within(name, frozenset({"proxy"})) and not within(name, allowed)] == []


@pytest.mark.parametrize("file", PURE, ids=named)
def test_a_pure_module_opens_and_prints_nothing(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert [name for name in calls if name in ("open", "print", "input", "eval", "exec", "__import__")] == []


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_engine_loads_neither_panel_nor_screen() -> None:
    assert loaded_by("import proxy.engine") & {"tui", "textual"} == set()


def test_the_command_line_starts_without_screen_server_and_network() -> None:
    heavy = {"textual", "httpx", "aiohttp", "uvicorn", "starlette", "pydantic", "asyncio"}
    assert loaded_by("import tui.cli") & heavy == set()


def test_the_contract_costs_no_more_than_its_values() -> None:
    heavy = {"textual", "httpx", "aiohttp", "uvicorn", "starlette", "pydantic", "sqlite3", "asyncio"}
    assert loaded_by("import proxy.contract, proxy.paths") & heavy == set()
