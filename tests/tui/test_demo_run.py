"""The demo without a screen, with a real engine and real traffic."""

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxy.engine_process import TIMEOUT_S
from tui.client import Door
from tui.demo import run as demo
from tui.demo import run_demo
from tui.demo.driver import Driver, driver


@contextlib.contextmanager
def under_way(url: str, token: str, pace: float, errors: Path) -> Iterator[Driver]:
    """Traffic of which something was served."""

    async def served() -> None:
        async with asyncio.timeout(TIMEOUT_S), Door(url, token) as door:
            while not any(row.outcome == "served" for row in await door.requests()):
                pass

    with driver(url, token, pace, errors) as traffic:
        asyncio.run(served())
        yield traffic


def test_a_headless_demo_prints_what_was_served_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("CCTUI_HOME", str(tmp_path / "users"))
    monkeypatch.setattr(demo, "driver", under_way)
    assert run_demo(headless=True, seconds=1.0, json_output=True) == 0
    told = json.loads(capsys.readouterr().out)
    served = [row for row in told["requests"] if row["outcome"] == "served"]
    assert told["served"] == len(served) > 0
    assert all(row["simulated"] and row["usage"]["output_tokens"] for row in served)
    assert all(row["cost_source"] == "listed" for row in served)
    assert list(tmp_path.iterdir()) == []
    assert os.environ["CCTUI_HOME"] == str(tmp_path / "users")
