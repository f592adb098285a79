"""What fills the window, weighed."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.context import Weighed, weigh
from proxy.protocol.images import DOCUMENT_TOKENS, IMAGE_TOKENS
from proxy.protocol.messages import Body
from tests.proxy.protocol.prompts import TALK, TOOLS, body_of, request, said, text, tool
from tests.proxy.protocol.test_images import png


def weighed(value: dict[str, Any], counted: int | None = None, answer: int = 0) -> Weighed:
    return weigh(body_of(value), 4.0, counted, answer)


def items(found: Weighed) -> dict[str, tuple[int, int]]:
    return {f"{item.kind}: {item.name}": (item.tokens, item.count) for item in found.items}


def call(name: str, arguments: dict[str, object], number: int) -> dict[str, object]:
    return {"type": "tool_use", "id": f"t{number}", "name": name, "input": arguments}


def result(number: int, content: object) -> dict[str, object]:
    return {"type": "tool_result", "tool_use_id": f"t{number}", "content": content}


def image(width: int, height: int) -> dict[str, object]:
    data = base64.b64encode(png(width, height)).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def test_parts_stand_in_their_order_and_have_the_sum_that_was_counted() -> None:
    found = weighed(request(), 12_345)
    assert [part.kind for part in found.parts] == ["system", "tools", "messages", "tool_results"]
    assert sum(part.tokens for part in found.parts) == sum(item.tokens for item in found.items) == 12_345
    assert found.tokens == 12_345


def test_without_a_count_bytes_are_weighed_by_the_calibration() -> None:
    assert weighed(request([said("user", "x" * 4000)], tools=[], system=None)).tokens == 1000


def test_the_tools_of_an_mcp_server_are_summed_and_the_clients_own_too() -> None:
    found = items(weighed(request(), 10_000))
    assert found["tools: mcp github"][1] == 2
    assert found["tools: built-in tools"][1] == 2


def test_results_are_summed_by_tool_and_named_one_by_one() -> None:
    talk = [
        said("assistant", call("Read", {"file_path": "src/big.json"}, 1), call("Read", {"file_path": "b.py"}, 2)),
        said("user", result(1, "x" * 40_000), result(2, [text("y" * 400)])),
        said("assistant", call("mcp__db__query", {"sql": "select 1"}, 3)),
        said("user", result(3, "rows")),
    ]
    found = weighed(request(talk))
    assert items(found)["tool_results: Read"] == (10_100, 2)
    assert items(found)["tool_results: mcp db"][1] == 1
    assert (found.biggest[0].name, found.biggest[0].tokens) == ("Read src/big.json", 10_000)


def test_a_tools_result_whose_call_is_gone_is_named_by_its_kind() -> None:
    assert "tool_results: tool" in items(weighed(request([said("user", result(9, "orphan"))])))


def test_images_are_counted_by_their_size_wherever_they_stand() -> None:
    talk = [
        said("user", image(1000, 750)),
        said("assistant", call("Read", {"file_path": "shot.png"}, 1)),
        said("user", result(1, [image(750, 1000)])),
    ]
    found = weighed(request(talk))
    assert items(found)["images: images"] == (2000, 2)
    assert "image of Read shot.png" in [item.name for item in found.biggest]


def test_an_image_keeps_its_tokens_where_the_rest_is_scaled() -> None:
    found = weighed(request([said("user", image(1000, 750), "x" * 99)]), 50_000)
    assert items(found)["images: images"] == (1000, 1)
    assert found.tokens == 50_000


def test_a_count_smaller_than_the_images_shrinks_everything() -> None:
    found = weighed(request([said("user", {"type": "image", "source": {"type": "url"}})], tools=[], system=None), 100)
    assert IMAGE_TOKENS > found.tokens == 100


def test_documents_are_counted_by_a_constant_or_by_their_text() -> None:
    pdf = {"type": "document", "source": {"type": "base64", "data": "JVBERi0="}}
    plain = {"type": "document", "source": {"type": "text", "data": "x" * 400}}
    found = items(weighed(request([said("user", pdf, plain)])))
    assert found["images: documents"] == (DOCUMENT_TOKENS, 1)
    assert found["messages: documents"][0] > 100


def test_thinking_counts_by_its_text_or_by_its_seal() -> None:
    talk = [
        said("assistant", {"type": "thinking", "thinking": "x" * 400, "signature": "s" * 9000}),
        said("assistant", {"type": "thinking", "thinking": "", "signature": "s" * 1600}),
        said("assistant", {"type": "redacted_thinking", "data": "s" * 1600}),
    ]
    assert items(weighed(request(talk)))["thinking: thinking"] == (100 + 300 + 300, 3)


def test_reminders_and_system_messages_are_not_the_users() -> None:
    talk = [*TALK, {"role": "system", "content": "Note."}]
    found = items(weighed(request(talk)))
    assert {"messages: reminders", "messages: user", "system: system messages", "system: system prompt"} <= set(found)


def test_a_tool_that_is_only_announced_takes_no_room_until_a_search_brought_it() -> None:
    later = tool("Later", "x" * 4000, defer_loading=True)
    brought = [said("user", result(1, [{"type": "tool_reference", "tool_name": "Later"}]))]
    assert items(weighed(request(tools=[*TOOLS, later])))["tools: built-in tools"][1] == 2
    assert items(weighed(request(brought, tools=[*TOOLS, later])))["tools: built-in tools"][1] == 3


def test_the_answer_stands_in_the_window_too() -> None:
    found = weighed(request(), 1_000, answer=200)
    assert (found.tokens, items(found)["messages: last answer"]) == (1_200, (200, 1))


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"messages":3,"tools":{},"system":7}', b'{"messages":[null,{"content":[1]}]}']
)
def test_a_body_without_shape_weighs_nothing(raw: bytes) -> None:
    assert weigh(Body(raw), 4.0) == Weighed()


BLOCKS = st.one_of(
    st.text(max_size=40),
    st.builds(image, st.integers(1, 3000), st.integers(1, 3000)),
    st.builds(result, st.integers(1, 3), st.text(max_size=40)),
)


@given(blocks=st.lists(BLOCKS, max_size=12), counted=st.integers(1, 500_000), answer=st.integers(0, 5000))
def test_whatever_is_in_it_the_sum_is_the_providers(blocks: list[Any], counted: int, answer: int) -> None:
    found = weighed(request([said("user", *blocks)]), counted, answer)
    assert found.tokens == sum(part.tokens for part in found.parts) == counted + answer
    assert all(item.tokens >= 0 for item in found.items)


@pytest.mark.parametrize(("kind", "tokens"), [("base64", DOCUMENT_TOKENS), ("text", 25_000)])
def test_a_fetched_file_weighs_what_a_document_does_and_a_page_what_it_says(kind: str, tokens: int) -> None:
    document = {"type": "document", "source": {"type": kind, "media_type": "x/y", "data": "x" * 100_000}}
    use = {"type": "server_tool_use", "id": "t1", "name": "web_fetch", "input": {"url": "https://a.example.com/"}}
    page = {"type": "web_fetch_result", "url": "https://a.example.com/", "content": document}
    fetched = {"type": "web_fetch_tool_result", "tool_use_id": "t1", "content": page}
    found = weighed({"model": "m", "messages": [said("user", "Read."), said("assistant", use, fetched)]})
    heaviest = max(found.items, key=lambda item: item.tokens)
    assert heaviest.tokens == pytest.approx(tokens, rel=0.01)
