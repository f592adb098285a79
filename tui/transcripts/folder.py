"""Transcripts on the disk: which files there are, and what each holds. Nothing is written."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from proxy import contract as c
from tui.claude_settings import project_name
from tui.launch import project_label
from tui.transcripts.answers import Transcript, read_transcript

ENDING = ".jsonl"


@dataclass(slots=True)
class Reading:
    """What was read so far, and what could not be."""

    files: int = 0
    lines: int = 0
    bad: list[str] = field(default_factory=list)
    """``FILE:LINE`` of each line that cannot be read."""
    unread: list[str] = field(default_factory=list)
    """A sentence for each file that cannot be opened."""
    repeated: int = 0
    """Answers that stand in several transcripts: a forked session begins with a copy."""
    _seen: set[tuple[str, str | None]] = field(default_factory=set)

    def take(self, file: Path) -> list[c.Transcribed]:
        """The answers of ``file`` that stood in no file before."""
        try:
            with file.open("rb") as lines:
                transcript = read_transcript(lines, _project)
        except OSError as error:
            self.unread.append(f"{file}: {error.strerror or error}")
            return []
        self._count(file, transcript)
        fresh = [answer for answer in transcript.answers if (answer.message_id, answer.request_id) not in self._seen]
        self._seen.update((answer.message_id, answer.request_id) for answer in fresh)
        self.repeated += len(transcript.answers) - len(fresh)
        return fresh

    def _count(self, file: Path, transcript: Transcript) -> None:
        self.files += 1
        self.lines += transcript.lines
        self.bad += [f"{file}:{number}" for number in transcript.bad]


def transcripts(places: Iterable[Path]) -> list[Path]:
    """All transcripts in ``places``, files or folders; those that were last written to first come first.

    So a session comes before its forks, as long as it was not continued after them.
    """
    files = dict.fromkeys(file for place in places for file in _within(place))
    return sorted(files, key=_written_at)


def _within(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for folder, _, names in os.walk(place):
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(ENDING))


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


@lru_cache(maxsize=4096)
def _project(cwd: str) -> str:
    """As the launcher names it, so that sums of a project meet; the folder may be gone."""
    return project_label(project_name(Path(cwd))) or cwd
