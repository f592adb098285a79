"""A terminal that goes away: it is noticed, and what is written to it is lost without harm."""

import contextlib
import os
import pty
from collections.abc import Iterator

import pytest

from tui.terminal import Outlived, hung_up


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: the emulator's and the program's."""
    emulator, program = pty.openpty()
    yield emulator, program
    os.close(program)


def test_a_terminal_that_is_there_has_not_hung_up(ends: tuple[int, int]) -> None:
    emulator, program = ends
    os.write(emulator, b"key")
    assert not hung_up(program)
    os.close(emulator)


def test_a_terminal_whose_emulator_is_gone_has_hung_up(ends: tuple[int, int]) -> None:
    emulator, program = ends
    os.close(emulator)
    assert hung_up(program)


def test_what_is_written_to_a_terminal_that_is_gone_is_lost_without_a_fault(ends: tuple[int, int]) -> None:
    emulator, program = ends
    os.close(emulator)
    plain = os.fdopen(program, "w", closefd=False)
    file = Outlived(plain)
    assert file.write("x" * 100_000) == 100_000
    file.flush()
    with contextlib.suppress(OSError):  # what it still holds
        plain.close()
