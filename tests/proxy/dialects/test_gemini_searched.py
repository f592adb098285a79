"""Web search that Google ran itself, told as the client's own."""

import pytest

from proxy.dialects.dialect import Outgoing
from proxy.dialects.gemini import Gemini
from proxy.dialects.page_filter import PageFilter
from proxy.protocol.server_tools import OWN_ID
from tests.proxy.dialects.chunking import read, whole
from tests.proxy.dialects.gemini_answers import AT, USAGE, answer, event, stream, text
from tests.proxy.dialects.grammar import checked


def test_what_google_searched_is_told_as_the_clients_own_search_is() -> None:
    grounding = {
        "webSearchQueries": ["python release", "python release"],
        "groundingChunks": [
            {"web": {"uri": "https://python.org", "title": "python.org"}},
            {"web": {"uri": "https://python.org", "title": "python.org"}},
            {"web": {"uri": "https://pep.example"}},
            {"retrievedContext": {}},
            None,
        ],
    }
    last = event(text("3.14."), reason="STOP", usage=USAGE)
    last["candidates"][0]["groundingMetadata"] = grounding
    seen = answer(last)
    assert seen.kinds == ["text", "server_tool_use", "web_search_tool_result"]
    assert seen.blocks[1]["id"].startswith(OWN_ID)
    assert seen.blocks[1]["input"] == {"query": "python release"}
    assert [(page["title"], page["url"]) for page in seen.blocks[2]["content"]] == [
        ("python.org", "https://python.org"),
        ("https://pep.example", "https://pep.example"),
    ]
    assert (seen.stop_reason, seen.usage["server_tool_use"]) == ("end_turn", {"web_search_requests": 1})


REDIRECT = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/"
FOUND = [
    {"web": {"uri": f"{REDIRECT}1", "title": "docs.python.org"}},
    {"web": {"uri": f"{REDIRECT}2", "title": "x.example"}},
    {"web": {"uri": f"{REDIRECT}3", "title": "What is new"}},
    {"web": {"uri": "https://www.python.org/a", "title": "A"}},
]


@pytest.mark.parametrize(
    ("pages", "left"),
    [
        (PageFilter(), [1, 2, 3, 4]),
        (PageFilter(allowed=("python.org",)), [1, 4]),
        (PageFilter(blocked=("x.example",)), [1, 3, 4]),
        (PageFilter(allowed=("elsewhere.example",)), []),
    ],
)
def test_of_what_google_found_only_admitted_pages_are_told(pages: PageFilter, left: list[int]) -> None:
    last = event(text("3.14."), reason="STOP", usage=USAGE)
    last["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["q"], "groundingChunks": FOUND}
    seen = checked(read(Gemini().reader(Outgoing("", b"", pages=pages), AT), whole(stream(last))))
    told = [page["url"] for page in seen.blocks[2]["content"]]
    assert told == [FOUND[number - 1]["web"]["uri"] for number in left]
