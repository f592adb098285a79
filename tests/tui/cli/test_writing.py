"""``config.toml`` written and taken up, and what is left of it where somebody breaks off."""

from pathlib import Path

import pytest

from proxy import contract as c
from tests.tui.fake_engine import TOKEN
from tui.cli import writing
from tui.supervisor import RunningEngine

ENGINE = RunningEngine("http://127.0.0.1:1", TOKEN, 1, "0", c.CONTRACT)


@pytest.mark.parametrize("before", ["# mine\n", ""])
def test_ctrl_c_while_the_engine_takes_the_file_up_leaves_both_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    file = tmp_path / "config.toml"
    if before:
        file.write_text(before)
    taken_up: list[str] = []

    def ask(*_: object) -> c.Reloaded:
        taken_up.append(writing.read(file))
        if len(taken_up) == 1:
            raise KeyboardInterrupt
        return c.Reloaded()

    monkeypatch.setattr(writing, "ask", ask)
    with pytest.raises(KeyboardInterrupt):
        writing.write_and_take_up(ENGINE, file, before, before + "[providers.team]\n")
    assert taken_up == [before + "[providers.team]\n", before]
    assert file.exists() is bool(before)
