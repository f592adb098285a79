"""A file of the engine's memory: what was given last is what it holds."""

import asyncio
import threading
from pathlib import Path

import pytest

from proxy.keptfile import KeptFile
from proxy.paths import write_private
from tests.proxy.running_engine import TIMEOUT_S
from tests.upstreams import Gate


async def test_a_slow_write_does_not_come_after_a_later_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go_on = Gate("the first write"), threading.Event()

    def slow_at_first(path: Path, data: bytes) -> None:
        if data == b"first":
            writing.open()
            go_on.wait(TIMEOUT_S)
        write_private(path, data)

    monkeypatch.setattr("proxy.keptfile.write_private", slow_at_first)
    kept = KeptFile(tmp_path / "memory.json", "what is remembered")
    first = asyncio.create_task(kept.keep(b"first"))
    await writing.wait()
    second = asyncio.create_task(kept.keep(b"second"))
    for _ in range(50):
        await asyncio.to_thread(bool)
    assert not second.done()
    go_on.set()
    await asyncio.gather(first, second)
    assert (tmp_path / "memory.json").read_bytes() == b"second"


async def test_a_disk_without_room_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("proxy.keptfile.write_private", full)
    await KeptFile(tmp_path / "memory.json", "what is remembered").keep(b"x")
    assert [each.getMessage() for each in caplog.records] == [
        "what is remembered cannot be kept: [Errno 28] No space left on device"
    ]


def test_what_makes_no_sense_is_a_warning_and_starts_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "memory.json").write_bytes(b'{"one": "a word"}')
    assert KeptFile(tmp_path / "memory.json", "what is remembered").content(dict[str, int]) == {}
    [warning] = [each.getMessage() for each in caplog.records]
    assert warning.startswith("what is remembered cannot be read and starts anew: ")


def test_nothing_kept_is_as_good_as_an_empty_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert KeptFile(tmp_path / "memory.json", "what is remembered").content(dict[str, int]) == {}
    assert not caplog.records
