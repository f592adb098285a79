"""Scripted servers on real sockets, for every test that needs a provider.

``ScriptedUpstream`` answers from a script and records what reached it; ``anthropic`` builds bodies and
streams in the Messages format. Nothing waits on a clock: tests hold and release answers through a ``Gate``.
"""

from tests.upstreams.answers import (
    HALF_A_HEAD,
    HANG_UP,
    SILENCE,
    Answer,
    Break,
    Hold,
    Pause,
    Raw,
    Reply,
    as_json,
    as_stream,
    redirect,
)
from tests.upstreams.anthropic import (
    CLAUDE,
    error_body,
    error_event,
    message_body,
    message_events,
    message_stream,
    models_body,
    tool_call,
)
from tests.upstreams.gate import Gate
from tests.upstreams.scripted import Call, Refused, ScriptedUpstream

__all__ = [
    "CLAUDE",
    "HALF_A_HEAD",
    "HANG_UP",
    "SILENCE",
    "Answer",
    "Break",
    "Call",
    "Gate",
    "Hold",
    "Pause",
    "Raw",
    "Refused",
    "Reply",
    "ScriptedUpstream",
    "as_json",
    "as_stream",
    "error_body",
    "error_event",
    "message_body",
    "message_events",
    "message_stream",
    "models_body",
    "redirect",
    "tool_call",
]
