"""Bodies of the Messages API as Claude Code and others send them, generated.

``bodies()`` gives whole ones: a system prompt, tools with nested schemas, parallel calls with their results, images,
documents, thinking, system messages in the middle, and calls and results that lost each other. The functions below it
say what must survive a translation.
"""

import base64
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Body = dict[str, Any]

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nfake").decode()
PDF = base64.b64encode(b"%PDF-1.7 fake").decode()
ATTRIBUTION = "x-anthropic-billing-header: cc_version=2.1.190.abc; cc_entrypoint=cli; cch=12345;"

_CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(_CHARACTERS, min_size=1, max_size=30)
SAID = TEXTS.filter(lambda text: bool(text.strip()))
TOOL_NAMES = st.one_of(
    st.sampled_from(["Bash", "Read", "Edit", "mcp__files__read"]),
    st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True),
    st.from_regex(r"mcp__[a-z]{20,40}__[a-z_]{30,60}", fullmatch=True),
    st.from_regex(r"[a-z]{1,8}[./: é][a-z]{1,8}", fullmatch=True),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9).map(lambda x: round(x, 3)) | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(TEXTS, JSON, max_size=4)


def _leaves() -> st.SearchStrategy[Body]:
    return st.sampled_from(
        [
            {"type": "string"},
            {"type": "string", "description": "a path", "minLength": 1},
            {"type": "string", "format": "uri", "pattern": "^(?!-)[a-z]+(?<=z)$"},
            {"type": "integer", "minimum": 0, "exclusiveMaximum": 10},
            {"type": "number", "default": 1.5, "multipleOf": 0.5},
            {"type": "boolean"},
            {"type": ["string", "null"]},
            {"enum": ["a", "b", None]},
            {"const": "fixed"},
            {"$ref": "#/$defs/point"},
            {},
        ]
    )


def _nested(inner: st.SearchStrategy[Body]) -> st.SearchStrategy[Body]:
    properties = st.dictionaries(
        st.sampled_from(["title", "format", "const", "path", "$ref", "type"]), inner, max_size=3
    )
    return st.one_of(
        inner.map(lambda each: {"type": "array", "items": each, "uniqueItems": True}),
        properties.map(lambda each: {"type": "object", "properties": each, "additionalProperties": False}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"oneOf": each}),
        inner.map(lambda each: {"allOf": [each], "description": "both"}),
    )


SCHEMA_PARTS = st.recursive(_leaves(), _nested, max_leaves=6)
POINT: Body = {"type": "object", "properties": {"x": {"type": "number"}, "next": {"$ref": "#/$defs/point"}}}


@st.composite
def schemas(draw: st.DrawFn) -> Body:
    """Of a tool's input: mostly objects, with ``$ref``, look-around and keywords that few servers know."""
    properties = draw(
        st.dictionaries(st.sampled_from(["path", "title", "type", "items", "n"]), SCHEMA_PARTS, max_size=4)
    )
    schema: Body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": sorted(properties)[:1] + draw(st.sampled_from([[], ["absent"]])),
        "additionalProperties": False,
        "$defs": {"point": POINT},
    }
    return draw(st.sampled_from([schema, {"type": "object"}, {}, {"type": "string"}]))


@st.composite
def tools(draw: st.DrawFn) -> list[Body]:
    names = draw(st.lists(TOOL_NAMES, max_size=4, unique=True))
    listed: list[Body] = []
    for name in names:
        tool: Body = {"name": name, "description": draw(TEXTS), "input_schema": draw(schemas())}
        listed.append(tool | draw(st.sampled_from([{}, {"cache_control": {"type": "ephemeral"}}, {"strict": True}])))
    return listed


def text_block(text: str) -> Body:
    return {"type": "text", "text": text}


IMAGES: st.SearchStrategy[Body] = st.sampled_from(
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    ]
)
DOCUMENTS: st.SearchStrategy[Body] = st.sampled_from(
    [
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "A"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain words"}},
    ]
)
THINKING = TEXTS.map(lambda text: {"type": "thinking", "thinking": text, "signature": "signed-by-claude"})
MEDIA = IMAGES | DOCUMENTS
MARKED = SAID.map(lambda text: {**text_block(text), "cache_control": {"type": "ephemeral", "ttl": "1h"}})
USER_BLOCKS = st.lists(st.one_of(SAID.map(text_block), MARKED, MEDIA), min_size=1, max_size=3)


@st.composite
def results(draw: st.DrawFn, call_id: str) -> Body:
    content = draw(
        st.one_of(
            st.none(),
            SAID,
            st.lists(SAID.map(text_block) | IMAGES, max_size=3),
        )
    )
    block: Body = {"type": "tool_result", "tool_use_id": call_id}
    if content is not None:
        block["content"] = content
    return block | draw(st.sampled_from([{}, {"is_error": True}]))


@st.composite
def rounds(draw: st.DrawFn, names: list[str], number: int, *, orphans: bool) -> list[Body]:
    """An assistant's message and the user's answer to it: text, thinking, up to three calls, their results."""
    count = draw(st.integers(0, 3)) if names else 0
    calls = [
        {
            "type": "tool_use",
            "id": f"toolu_{number:02}{each:02}abcdefghijklmnop",
            "name": draw(st.sampled_from(names)),
            "input": draw(ARGUMENTS),
        }
        for each in range(count)
    ]
    said = draw(st.lists(THINKING, max_size=1)) + draw(st.lists(SAID.map(text_block), max_size=2))
    answered = [draw(results(str(call["id"]))) for call in calls]
    if orphans:
        answered = [each for each in answered if draw(st.integers(0, 5))]
        if not draw(st.integers(0, 7)):
            answered.append(draw(results("toolu_of_nobody_at_all")))
    after = [*draw(st.permutations(answered)), *draw(USER_BLOCKS if not answered else st.lists(MARKED, max_size=1))]
    reminder: list[Body] = draw(st.sampled_from([[], [{"role": "system", "content": "Mind the time."}]]))
    assistant = [{"role": "assistant", "content": [*said, *calls]}] if said or calls else []
    return [*assistant, *reminder, {"role": "user", "content": after}]


@st.composite
def bodies(draw: st.DrawFn, *, orphans: bool = True) -> Body:
    """A body; with ``orphans``, calls and results may have lost each other."""
    listed = draw(tools())
    names = [tool["name"] for tool in listed]
    messages: list[Body] = [{"role": "user", "content": draw(st.one_of(SAID, USER_BLOCKS))}]
    for number in range(draw(st.integers(0, 3))):
        messages += draw(rounds(names, number, orphans=orphans))
    body: Body = {"model": "claude-opus-4-8", "max_tokens": draw(st.integers(1, 64000)), "messages": messages}
    if system := draw(st.one_of(st.none(), SAID, st.lists(MARKED, min_size=1, max_size=3))):
        body["system"] = [text_block(ATTRIBUTION), *system] if isinstance(system, list) else system
    if listed:
        body["tools"] = listed
        body |= draw(st.sampled_from([{}, *({"tool_choice": choice} for choice in _choices(names[0]))]))
    settings: st.SearchStrategy[Body] = st.fixed_dictionaries(
        {},
        optional={
            "stream": st.booleans(),
            "temperature": st.floats(0, 1),
            "top_p": st.floats(0, 1),
            "top_k": st.integers(1, 100),
            "stop_sequences": st.lists(SAID, max_size=6),
            "metadata": st.just({"user_id": "user_abc_account__session_def"}),
            "thinking": st.sampled_from(
                [{"type": "adaptive"}, {"type": "disabled"}, {"type": "enabled", "budget_tokens": 500}]
            ),
            "output_config": st.sampled_from(
                [{"effort": "max"}, {"effort": "low"}, {"format": {"type": "json_schema", "schema": POINT}}]
            ),
        },
    )
    return {**body, **draw(settings)}


def _choices(name: str) -> list[Body]:
    parallel = {"disable_parallel_tool_use": True}
    return [
        {"type": "auto"},
        {"type": "auto", **parallel},
        {"type": "any"},
        {"type": "none"},
        {"type": "tool", "name": name},
    ]


def blocks_of(body: Body) -> Iterator[tuple[str, Body]]:
    """Role and block, of every message."""
    for message in body["messages"]:
        content = message["content"]
        for block in [text_block(content)] if isinstance(content, str) else content:
            yield message["role"], block


def said_in(body: Body) -> list[str]:
    """Every text that must reach the provider: system prompt, messages, results."""
    system = body.get("system", [])
    told = [text_block(system)] if isinstance(system, str) else system
    texts = [block["text"] for block in told if block["text"] != ATTRIBUTION]
    for _, block in blocks_of(body):
        if block["type"] == "text":
            texts.append(block["text"])
        elif block["type"] == "tool_result":
            content = block.get("content", [])
            inner = [text_block(content)] if isinstance(content, str) else content
            texts += [each["text"] for each in inner if each["type"] == "text"]
    return texts


def calls_in(body: Body) -> list[Body]:
    """The ``tool_use`` blocks, in order."""
    return [block for _, block in blocks_of(body) if block["type"] == "tool_use"]
