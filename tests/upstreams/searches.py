"""What a scripted search service answers: Brave's format, with pages of our own."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.upstreams.answers import Reply, as_json

PAGES: Sequence[Mapping[str, Any]] = (
    {
        "title": "Retries in <strong>httpx</strong>",
        "url": "https://docs.example.com/retries",
        "description": "A transport retries &quot;connect&quot; errors only.",
        "page_age": "2026-10-01T09:00:00",
    },
    {"title": "Backoff", "url": "https://blog.example.org/backoff", "description": "Wait longer each time."},
)


def brave(*pages: Mapping[str, Any]) -> Reply:
    """An answer of Brave's web search with ``pages``, or with those above."""
    results = list(pages or PAGES)
    return as_json(json.dumps({"type": "search", "web": {"type": "search", "results": results}}).encode())
