"""Pages that were fetched earlier in a conversation."""

import pytest

from tests.proxy.conftest import StartEngine
from tests.proxy.net.fetching import FETCH, PLAIN, TEXT, calls, lend, on, wish
from tests.proxy.net.foreign_models import asked, each, foreign, in_turn
from tests.proxy.running_engine import provider, settings
from tests.upstreams import ScriptedUpstream, as_stream, message_stream
from tests.upstreams.dialects import Name, Said


class TestEarlierPages:
    """What was fetched before is still known where the blocks of it are not."""

    PAST = (
        {"role": "user", "content": f"What does {PLAIN} say?"},
        {
            "role": "assistant",
            "content": [
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_fetch", "input": {"url": PLAIN}},
                {
                    "type": "web_fetch_tool_result",
                    "tool_use_id": "srvtoolu_1",
                    "content": {
                        "type": "web_fetch_result",
                        "url": PLAIN,
                        "content": {
                            "type": "document",
                            "source": {
                                "type": "text",
                                "media_type": "text/plain",
                                "data": "Words of the page. See http://docs.example.com/deeper.",
                            },
                            "title": "Retries",
                        },
                        "retrieved_at": "2026-11-03T10:00:00Z",
                    },
                },
                {"type": "text", "text": "It says words."},
            ],
        },
        {"role": "user", "content": "And then?"},
    )

    @each
    async def test_their_text_stays_in_the_conversation(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
    ) -> None:
        engine = await on(start, upstream, site, in_turn(dialect, Said("Nothing more.")), dialect)

        await engine.ask(wish(messages=list(self.PAST), stream=False))

        sent = upstream.calls[0].body
        assert b"web_fetch_tool_result" not in sent
        assert b"server_tool_use" not in sent
        assert b"Words of the page." in sent
        assert b"Retries http://docs.example.com/retries" in sent

    @each
    async def test_pages_that_they_name_may_be_fetched(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
    ) -> None:
        deeper = "http://docs.example.com/deeper"
        engine = await on(start, upstream, site, in_turn(dialect, calls(deeper), Said(TEXT)), dialect)

        await engine.ask(wish(messages=list(self.PAST)))

        assert [call.path for call in site.calls] == ["/deeper"]

    @pytest.mark.parametrize("dialect", ["bedrock", "vertex"])
    async def test_claude_in_a_cloud_gets_them_as_text_too(
        self, start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
    ) -> None:
        upstream.script = in_turn(dialect, Said("Nothing more."))
        target = foreign(upstream, dialect, models=["claude-opus-4-8"])
        engine = lend(await start(settings(target, route={"default": "first/claude-opus-4-8"})), docs_example_com=site)

        await engine.ask(wish(messages=list(self.PAST), stream=False))

        sent = upstream.calls[0].body
        assert b"web_fetch_tool_result" not in sent
        assert b"Words of the page." in sent

    async def test_claude_itself_gets_them_as_they_are(self, start: StartEngine, upstream: ScriptedUpstream) -> None:
        upstream.script = as_stream(message_stream())
        engine = await start(settings(provider(upstream)))

        await engine.ask(wish(messages=list(self.PAST)))

        assert asked(upstream.calls[0])["messages"] == list(self.PAST)
        assert asked(upstream.calls[0])["tools"] == [FETCH]
