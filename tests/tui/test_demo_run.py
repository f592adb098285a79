"""The demo without a screen, with a real engine and real traffic."""

import json
import os
from pathlib import Path

import pytest

from tui.demo import run_demo


def test_a_headless_demo_prints_what_was_served_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("CCTUI_HOME", str(tmp_path / "users"))
    assert run_demo(headless=True, seconds=2.0, json_output=True) == 0
    told = json.loads(capsys.readouterr().out)
    served = [row for row in told["requests"] if row["outcome"] == "served"]
    assert told["served"] == len(served) > 0
    assert all(row["simulated"] and row["usage"]["output_tokens"] for row in served)
    assert all(row["cost_source"] == "listed" for row in served)
    assert list(tmp_path.iterdir()) == []
    assert os.environ["CCTUI_HOME"] == str(tmp_path / "users")
