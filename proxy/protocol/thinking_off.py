"""Thinking turned off for one request, with what a request without it must not ask for. Pure.

Anthropic's API refuses an edit that clears thinking where thinking is off (``clear_thinking_20251015 strategy requires
thinking to be enabled or adaptive``); Claude Code sends one with every request.
"""

import msgspec

from proxy.protocol.messages import Body

_EDITS_OF_THINKING = "clear_thinking_"
_FIELD = "context_management"


def with_thinking_off(body: Body) -> Body:
    """The body with thinking disabled and without edits of it; without any edit there is nothing to manage."""
    body = body.with_fields({"thinking": b'{"type":"disabled"}'})
    context = body.value(_FIELD)
    if not isinstance(context, dict) or not isinstance(edits := context.get("edits"), list):
        return body
    kept = [edit for edit in edits if not _is_of_thinking(edit)]
    if len(kept) == len(edits):
        return body
    if kept or len(context) > 1:
        return body.with_fields({_FIELD: msgspec.json.encode({**context, "edits": kept})})
    return body.without(_FIELD)


def _is_of_thinking(edit: object) -> bool:
    return isinstance(edit, dict) and str(edit.get("type")).startswith(_EDITS_OF_THINKING)
