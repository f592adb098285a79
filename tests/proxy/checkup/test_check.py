"""A whole check: providers that work pass every point of it, each planted fault is found and named."""

import dataclasses

import pytest

from proxy import contract as c
from proxy.checkup.probe import Facts
from proxy.checkup.probes import PROBES, size
from tests.proxy.checkup.checking import Check
from tests.proxy.conftest import StartEngine
from tests.upstreams import ScriptedUpstream
from tests.upstreams.understanding import FORMATS, Fault, Format

NOT_THERE = {
    "anthropic": set[str](),
    "openai-chat": {"count", "fields"},
    "openai-responses": {"count", "fields"},
    "gemini": {"fields"},
    "bedrock": {"list"},
    "vertex": {"list"},
}
"""What a format does not have."""


@pytest.mark.parametrize("speaks", FORMATS)
async def test_a_provider_that_works_passes_everything(
    start: StartEngine, upstream: ScriptedUpstream, speaks: Format
) -> None:
    check = Check(speaks)
    await check.begin(start, upstream)

    results = await check.run()

    bad = {name: (each.verdict, each.text, each.evidence) for name, each in results.items() if each.verdict != "pass"}
    assert set(bad) == NOT_THERE[speaks], bad
    assert {each[0] for each in bad.values()} <= {"skipped"}


def test_a_simulator_is_not_asked_for_what_takes_understanding() -> None:
    made_up = Facts(model="claude-opus-4-8", nonce="00000000", counts=True, simulated=True)
    left_out = {probe.name: why for probe in PROBES if (why := probe.left_out(made_up)) is not None}
    assert set(left_out) == {"tool", "result", "parallel", "thinking", "image", "long"}
    assert set(left_out.values()) == {"a simulator answers without reading what it is asked"}
    assert size(PROBES, made_up).requests < size(PROBES, dataclasses.replace(made_up, simulated=False)).requests


FAULTS: tuple[tuple[Fault, Format, str, c.CheckVerdict, str], ...] = (
    ("key refused", "anthropic", "key", "fail", "the provider refused the key: invalid key"),
    ("credit spent", "anthropic", "key", "fail", "the credit is spent: no credit left"),
    ("key refused", "openai-chat", "key", "fail", "refused the key"),
    ("model not listed", "anthropic", "list", "degraded", "claude-opus-4-8 is not in the list of 1"),
    ("list broken", "openai-responses", "list", "degraded", "the model list cannot be read"),
    ("other words", "anthropic", "plain", "fail", "not what was asked for"),
    ("buffered", "anthropic", "stream", "degraded", "buffered: the whole answer came at once after 4."),
    ("buffered", "openai-chat", "stream", "degraded", "buffered: the whole answer came"),
    ("buffered, sent in pieces", "anthropic", "stream", "degraded", "buffered: first piece after 40."),
    ("broken arguments", "anthropic", "tool", "fail", "arguments are no JSON object"),
    ("broken arguments", "openai-chat", "tool", "fail", "arguments"),
    ("other arguments", "anthropic", "tool", "degraded", "not what was asked for"),
    ("words for a call", "gemini", "tool", "fail", "words instead of a call"),
    ("call lost", "anthropic", "parallel", "degraded", "only get_weather came"),
    ("call lost", "openai-responses", "parallel", "degraded", "only get_weather came"),
    ("result ignored", "anthropic", "result", "fail", "the result is not read"),
    ("result ignored", "gemini", "result", "fail", "the result is not read"),
    ("image ignored", "anthropic", "image", "fail", "the picture is not seen"),
    ("image ignored", "openai-chat", "image", "fail", "the picture is not seen"),
    ("no thinking", "openai-responses", "thinking", "degraded", "shows no thinking"),
    ("signature lost", "anthropic", "thinking", "fail", "signature was lost"),
    ("signature lost, refused", "anthropic", "thinking", "fail", "its signature was lost"),
    ("thinking refused", "anthropic", "thinking", "fail", "the thinking cannot be sent back"),
    ("start lost", "gemini", "long", "fail", "the start of a long prompt is lost"),
    ("no usage", "openai-chat", "usage", "degraded", "no tokens are told in whole answers"),
    ("no usage", "anthropic", "usage", "degraded", "no tokens are told in whole answers"),
    ("no output counted", "anthropic", "usage", "fail", "wrong counts in whole answers"),
    ("no cache", "anthropic", "cache", "degraded", "nothing is read from a cache"),
    ("no cache", "openai-responses", "cache", "degraded", "nothing is read from a cache"),
    ("count of another shape", "anthropic", "count", "degraded", "not counted, the engine estimates"),
    ("count far off", "gemini", "count", "degraded", "counts 5,000 tokens for what it bills as"),
    ("error under 200", "anthropic", "error", "degraded", "HTTP 200"),
    ("error of another kind", "openai-chat", "error", "degraded", "HTTP 500"),
    ("wrong model answered", "anthropic", "error", "degraded", "a misspelt name goes unnoticed"),
    ("field rejected", "anthropic", "fields", "degraded", "rejects context_management"),
    ("goes on, refuses", "anthropic", "cancel", "degraded", "it refuses the next request"),
    ("goes on, waits", "openai-chat", "cancel", "degraded", "the next answer had to wait"),
    ("key refused", "bedrock", "key", "fail", "Please make sure your API Key is valid"),
    ("key refused", "vertex", "key", "fail", "refused the key"),
    ("other words", "bedrock", "plain", "fail", "not what was asked for"),
    ("buffered", "bedrock", "stream", "degraded", "buffered: the whole answer came at once after 4."),
    ("buffered", "vertex", "stream", "degraded", "buffered: the whole answer came at once after 4."),
    ("buffered, sent in pieces", "bedrock", "stream", "degraded", "buffered: first piece after 40."),
    ("frame broken", "bedrock", "stream", "fail", "the checksum of a message is wrong"),
    ("exception in the stream", "bedrock", "stream", "fail", "The model broke off."),
    ("broken arguments", "bedrock", "tool", "fail", "arguments are no JSON object"),
    ("words for a call", "vertex", "tool", "fail", "words instead of a call"),
    ("call lost", "bedrock", "parallel", "degraded", "only get_weather came"),
    ("result ignored", "vertex", "result", "fail", "the result is not read"),
    ("image ignored", "bedrock", "image", "fail", "the picture is not seen"),
    ("no thinking", "vertex", "thinking", "degraded", "shows no thinking"),
    ("signature lost", "bedrock", "thinking", "fail", "signature was lost"),
    ("thinking refused", "bedrock", "thinking", "fail", "the thinking cannot be sent back"),
    ("start lost", "vertex", "long", "fail", "the start of a long prompt is lost"),
    ("no usage", "bedrock", "usage", "degraded", "no tokens are told in whole answers"),
    ("no output counted", "vertex", "usage", "fail", "wrong counts in whole answers"),
    ("no cache", "bedrock", "cache", "degraded", "nothing is read from a cache"),
    ("no count", "bedrock", "count", "degraded", "doesn't support counting tokens"),
    ("count of another shape", "vertex", "count", "degraded", "not counted, the engine estimates"),
    ("count far off", "bedrock", "count", "degraded", "counts 5,000 tokens for what it bills as"),
    ("error under 200", "vertex", "error", "degraded", "HTTP 200"),
    ("error of another kind", "bedrock", "error", "degraded", "HTTP 500"),
    ("wrong model answered", "bedrock", "error", "degraded", "a misspelt name goes unnoticed"),
    ("field rejected", "bedrock", "fields", "degraded", "rejects context_management"),
    ("field rejected", "vertex", "fields", "degraded", "rejects context_management"),
    ("goes on, refuses", "vertex", "cancel", "degraded", "it refuses the next request"),
    ("goes on, waits", "bedrock", "cancel", "degraded", "the next answer had to wait"),
)


@pytest.mark.parametrize(("fault", "speaks", "point", "verdict", "words"), FAULTS)
async def test_a_planted_fault_is_found_and_named(
    start: StartEngine,
    upstream: ScriptedUpstream,
    fault: Fault,
    speaks: Format,
    point: str,
    verdict: c.CheckVerdict,
    words: str,
) -> None:
    check = Check(speaks)
    await check.begin(start, upstream, fault)

    found = (await check.run(point))[point]

    assert words in found.text, found
    assert found.verdict == verdict, found
