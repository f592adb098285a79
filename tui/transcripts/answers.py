"""Answers in the lines of a transcript. Pure: bytes in, values out.

A transcript has a line for each content block, so an answer stands on several lines, each with its usage; the last
one counts. Lines of other kinds are skipped. A forked or resumed session begins with a copy of the other's lines.
Seen in the client's version 2.1.329.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from proxy import contract as c

SYNTHETIC = "<synthetic>"
"""The model of lines that the client wrote itself, such as an error."""


class _Kind(msgspec.Struct):
    type: str = ""


class _Message(msgspec.Struct):
    id: str
    model: str
    usage: msgspec.Raw
    stop_reason: str | None = None


class _Line(msgspec.Struct, rename="camel"):
    message: _Message
    timestamp: str
    session_id: str | None = None
    request_id: str | None = None
    requested_model: str | None = None
    agent_id: str | None = None
    is_sidechain: bool = False
    cwd: str | None = None
    version: str | None = None


_decode_kind = msgspec.json.Decoder(_Kind).decode
_decode_line = msgspec.json.Decoder(_Line).decode


@dataclass(slots=True)
class Transcript:
    """What one file holds."""

    answers: list[c.Transcribed] = field(default_factory=list)
    """Each once, in the order in which they began."""
    lines: int = 0
    bad: list[int] = field(default_factory=list)
    """Numbers (from 1) of lines that cannot be read."""


def read_transcript(lines: Iterable[bytes], project_of: Callable[[str], str]) -> Transcript:
    """The answers in ``lines``; ``project_of`` names the project of a working directory."""
    found = Transcript()
    answers: dict[tuple[str, str | None], c.Transcribed] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found.lines += 1
        try:
            answer = _answer(line, project_of)
        except (msgspec.DecodeError, ValueError, OverflowError):
            found.bad.append(number)
            continue
        if answer is not None:
            key = (answer.message_id, answer.request_id)
            first = answers.get(key)
            answers[key] = answer if first is None else msgspec.structs.replace(answer, at=first.at)
    found.answers = list(answers.values())
    return found


def _answer(line: bytes, project_of: Callable[[str], str]) -> c.Transcribed | None:
    """The answer on a line; None where it is something else. Raises what a broken line raises."""
    if _decode_kind(line).type != "assistant":
        return None
    read = _decode_line(line)
    if read.message.model == SYNTHETIC:
        return None
    return c.Transcribed(
        message_id=read.message.id,
        request_id=read.request_id,
        at=datetime.fromisoformat(read.timestamp).timestamp(),
        model=read.message.model,
        usage=msgspec.Raw(bytes(read.message.usage)),
        session_id=read.session_id,
        agent_id=read.agent_id,
        role="agent" if read.agent_id or read.is_sidechain else "main",
        project=project_of(read.cwd) if read.cwd else None,
        client=f"claude-cli/{read.version}" if read.version else None,
        asked_model=read.requested_model,
        stop_reason=read.message.stop_reason,
    )
