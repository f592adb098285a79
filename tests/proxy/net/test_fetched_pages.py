"""What of a fetched page goes into the conversation: its length, PDF files, citations."""

import json
from typing import Any

import pytest

from proxy.protocol.whole import message_of
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.net.fetching import FETCH, TEXT, calls, lend, on, results, wish
from tests.proxy.net.foreign_models import each, foreign, in_turn
from tests.proxy.running_engine import settings
from tests.upstreams import ScriptedUpstream
from tests.upstreams.dialects import Name, Said
from tests.upstreams.sites import page

PDF = b"%PDF-1.7 words"


async def test_a_page_is_cut_to_the_tokens_that_were_asked_for(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    site.script = page("word " * 5000, "text/plain")
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)))

    got = checked((await engine.ask(wish(tools=[{**FETCH, "max_content_tokens": 100}]))).content)

    assert 300 < len(results(got)[0]["content"]["source"]["data"]) <= 350


async def test_pages_leave_room_in_the_model_s_window(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    site.script = page("word " * 50_000, "text/plain")
    windows = {"foreign-1": 8000}
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)), context_windows=windows)

    got = checked((await engine.ask(wish())).content)

    assert 1000 < len(results(got)[0]["content"]["source"]["data"]) < 4000 * 3.5


@pytest.mark.parametrize(("dialect", "quirks"), [("bedrock", {}), ("openai-responses", {"documents": True})])
async def test_a_pdf_goes_to_a_model_that_reads_it(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name, quirks: dict[str, Any]
) -> None:
    site.script = page(PDF, "application/pdf")
    upstream.script = in_turn(dialect, calls(), Said(TEXT))
    model = "anthropic.claude-opus-4-8" if dialect == "bedrock" else "foreign-1"
    target = foreign(upstream, dialect, models=[model], quirks=quirks)
    engine = lend(await start(settings(target, route={"default": f"first/{model}"})), docs_example_com=site)

    got = checked((await engine.ask(wish())).content)

    source = results(got)[0]["content"]["source"]
    assert source == {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjcgd29yZHM="}
    assert b"JVBERi0xLjcgd29yZHM=" in upstream.calls[1].body


@each
async def test_a_pdf_is_refused_where_the_model_does_not_read_it(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream, dialect: Name
) -> None:
    site.script = page(PDF, "application/pdf")
    engine = await on(start, upstream, site, in_turn(dialect, calls(), Said("No.")), dialect)

    got = checked((await engine.ask(wish())).content)

    assert results(got)[0]["error_code"] == "unsupported_content_type"
    assert b"PDF file, which this model does not read" in upstream.calls[1].body


async def test_a_line_that_names_a_page_cites_it_where_that_was_asked_for(
    start: StartEngine, upstream: ScriptedUpstream, site: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, site, in_turn("anthropic", calls(), Said(TEXT)))

    whole = message_of((await engine.ask(wish(tools=[{**FETCH, "citations": {"enabled": True}}]))).content)

    assert whole is not None
    plain, cited = (block for block in json.loads(whole)["content"] if block["type"] == "text")
    assert "citations" not in plain
    [source] = cited["citations"]
    assert (source["type"], source["document_index"], source["document_title"]) == ("char_location", 0, "Retries")
