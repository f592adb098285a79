"""Claude on Google's Vertex AI by rawPredict: Anthropic's format with the model in the path; streams are Anthropic's.

Base URL: ``https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION/publishers/anthropic/models``
(LOCATION ``global``: without it in the host). Facts of Anthropic's SDK. Betas go in the body: the header is checked
against a shorter list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from proxy.dialects.cloud import COMPACT, CONTEXT, SHARED_BETAS, TOOL_SEARCH, Cloud, cloud_request
from proxy.dialects.complaints import Complaint, count_in, read_complaint_body
from proxy.dialects.dialect import Occasion, Outgoing, in_path
from proxy.protocol.naming import strip_window_suffix

_WEB_SEARCH = "web-search-2025-03-05"

VERTEX = Cloud(
    name="Vertex",
    version="vertex-2023-10-16",
    betas={
        **SHARED_BETAS,
        "compact-2026-09-04": "compact-2026-09-04",
        "inline-tools-2026-09-15": "inline-tools-2026-09-15",
        "interleaved-thinking-2025-05-14": "interleaved-thinking-2025-05-14",
        "per-turn-control-2026-07-01": "per-turn-control-2026-07-01",
        _WEB_SEARCH: _WEB_SEARCH,
    },
    server_tools={"tool_search_tool_": TOOL_SEARCH, "web_search_20250305": _WEB_SEARCH},
    edits={"compact_20260112": COMPACT, "clear_tool_uses_20250919": CONTEXT, "clear_thinking_20251015": CONTEXT},
    structured=((4, 5), (99, 0)),
)
_COUNTING = replace(VERTEX, betas={}, server_tools={}, edits={})
"""Counting takes no betas (web search's is refused by name)."""
_COUNTED = ("messages", "system", "tools", "tool_choice", "thinking")


@dataclass(frozen=True, slots=True)
class Vertex:
    """The dialect ``vertex``."""

    def request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing:
        model = strip_window_suffix(occasion.model)
        adapted = cloud_request(body, replace(occasion, model=model), VERTEX)
        streams = body.get("stream") is True
        fields = {**adapted.fields, "stream": True} if streams else adapted.fields
        action = "streamRawPredict" if streams else "rawPredict"
        return Outgoing(f"/{in_path(model, safe='@')}:{action}", msgspec.json.encode(fields), notes=adapted.notes)

    def reader(self, outgoing: Outgoing, occasion: Occasion) -> None:
        """The answer is Anthropic's format already."""

    def complaint(self, status: int, headers: Mapping[str, str], body: bytes) -> Complaint:
        return read_complaint_body(status, body)

    def count_request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing | None:
        model = strip_window_suffix(occasion.model)
        counted = {name: value for name, value in body.items() if name in _COUNTED}
        adapted = cloud_request(counted, replace(occasion, model=model, betas=()), _COUNTING, to_count=True)
        return Outgoing("/count-tokens:rawPredict", msgspec.json.encode({"model": model, **adapted.fields}))

    def read_count(self, body: bytes) -> int | None:
        return count_in(body, "input_tokens")
