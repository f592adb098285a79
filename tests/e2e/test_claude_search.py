"""The real `claude` searches the web through models that cannot: by its ``WebSearch`` tool."""

from collections.abc import Callable

import pytest

from tests.e2e.stage import Stage, provider
from tests.upstreams import Answer, Call, ScriptedUpstream
from tests.upstreams.dialects import NAMES, Name, Said, answer, answers_a_tool
from tests.upstreams.searches import brave

MakeStage = Callable[[str], Stage]
ROUTE = '[route]\ndefault = "abroad/foreign-1"\n'
QUERY = "how does httpx retry"
FOUND = "Only connects are retried: [Retries](https://docs.example.com/retries)."


def abroad(upstream: ScriptedUpstream, dialect: Name) -> str:
    settings = provider("abroad", upstream.url, ("foreign-1",), dialect=f'"{dialect}"')
    return settings.replace('auth = "bearer"', 'auth = "x-goog-api-key"') if dialect == "gemini" else settings


def researcher(dialect: Name) -> Callable[[Call], Answer]:
    """A model that has the client search, searches when it is the client's search, and then answers."""

    def script(call: Call) -> Answer:
        said = Said("It retries connects only.")
        if b"Perform a web search" in call.body and b"file_path" not in call.body:
            said = Said(FOUND) if answers_a_tool(dialect, call) else Said("", [("web_search", {"query": QUERY})])
        elif b"file_path" in call.body and not answers_a_tool(dialect, call):
            said = Said("", [("WebSearch", {"query": QUERY})])
        return answer(dialect, call, said)

    return script


def ask(here: Stage) -> str:
    return here.ask("Find out how httpx retries.", "--dangerously-skip-permissions")


@pytest.mark.parametrize("dialect", NAMES)
def test_links_and_text_of_a_search_reach_the_conversation(stage: MakeStage, dialect: Name) -> None:
    with ScriptedUpstream(researcher(dialect)) as upstream, ScriptedUpstream(brave()) as service:
        search = f'[search]\nbackend = "brave"\napi_key = "k"\nbase_url = "{service.url}"\nusd_per_search = 0.005\n'
        here = stage(abroad(upstream, dialect) + ROUTE + search)

        assert ask(here) == "It retries connects only."

        assert [QUERY in call.query.replace("+", " ") for call in service.calls] == [True]
        told = next(call.body.decode() for call in reversed(upstream.calls) if b"Web search results for" in call.body)
        assert "https://docs.example.com/retries" in told
        assert "https://blog.example.org/backoff" in told
        assert "Only connects are retried" in told
        rows = here.json("requests", "--limit", "100")
        told_of = [change for row in rows for attempt in row["attempts"] for change in attempt["changed"]]
        assert told_of.count("1 search by brave ($0.0050)") == 1


def test_without_a_search_the_conversation_learns_what_to_set_up(stage: MakeStage) -> None:
    with ScriptedUpstream(researcher("openai-chat")) as upstream:
        here = stage(abroad(upstream, "openai-chat") + ROUTE)

        ask(here)

        told = next(call.body.decode() for call in reversed(upstream.calls) if b"Web search results for" in call.body)
        assert "Web search error: unavailable" in told
        assert "BRAVE_API_KEY" in told
