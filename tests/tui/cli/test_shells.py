"""Variables written for shells come out of real shells as they went in."""

import json
import shutil
import subprocess

import pytest

from tui.cli.shells import render

NASTY = 'it\'s \\ a "test" $HOME `id` %s !x\nx-second: line'
BLOCK = {"CCTUI_A": NASTY, "CCTUI_B": "", "CCTUI_C": "x-token: t"}


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "dash"])
def test_posix_shells_read_back_what_was_written(shell: str) -> None:
    program = shutil.which(shell) or "/bin/sh"
    script = f'{render(BLOCK, "sh")}\nprintf "%s|%s|%s" "$CCTUI_A" "$CCTUI_B" "$CCTUI_C"'
    answer = subprocess.run([program, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "|".join(BLOCK.values())


def test_eval_of_the_output_sets_each_variable() -> None:
    script = 'eval "$(cat)"\nprintf %s "$CCTUI_A"'
    answer = subprocess.run(
        ["/bin/sh", "-c", script], input=render(BLOCK, "sh"), capture_output=True, text=True, check=True
    )
    assert answer.stdout == NASTY


def test_fish_quotes_backslash_and_quote() -> None:
    assert render({"A": "it's \\ $x"}, "fish") == "set -gx A 'it\\'s \\\\ $x'"


def test_powershell_gets_one_line_for_each_variable() -> None:
    assert render({"A": 'a "b" $c `d\ne'}, "powershell") == '$env:A = "a `"b`" `$c ``d`ne"'


def test_json_is_one_object_from_name_to_value() -> None:
    assert json.loads(render(BLOCK, "json")) == BLOCK


def test_settings_hold_the_block_as_it_is_pasted() -> None:
    assert json.loads(render(BLOCK, "settings")) == {"env": BLOCK}
