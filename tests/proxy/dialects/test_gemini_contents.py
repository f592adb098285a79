"""A conversation as Gemini's contents: files, results, signatures, ids, turns."""

import json

import pytest

from proxy.dialects.dialect import Occasion
from proxy.dialects.gemini_marks import SKIP_SIGNATURE, client_id, signature_payload
from proxy.dialects.signatures import sealed
from proxy.dialects.turns import NO_RESULT
from tests.proxy.dialects.conversations import PDF, PNG, Body, text_block
from tests.proxy.dialects.gemini_requests import BASH, MODEL, OLDER, asked, occasion, quirky, sent
from tests.proxy.dialects.turns import call


def called(*calls: Body, results: list[Body] | None = None, before: tuple[Body, ...] = ()) -> Body:
    """A conversation in which ``calls`` were made and answered."""
    answered = [{"type": "tool_result", "tool_use_id": call["id"], "content": f"done {call['id']}"} for call in calls]
    return {
        "tools": [BASH],
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [*before, *calls]},
            {"role": "user", "content": answered if results is None else results},
        ],
    }


def thought(model: str, signature: str, text: str = "") -> Body:
    return {"type": "thinking", "thinking": text, "signature": sealed("gemini", signature_payload(model, signature))}


def test_images_and_pdf_files_go_inline() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": PNG}}
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}
    parts = sent(asked(image, pdf))[0]["contents"][0]["parts"]
    assert parts == [
        {"inlineData": {"mimeType": "image/webp", "data": PNG}},
        {"inlineData": {"mimeType": "application/pdf", "data": PDF}},
    ]


def test_an_image_behind_an_address_goes_as_a_file_of_the_type_that_its_name_says() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a/b.jpg?size=2"}}
    (part,) = sent(asked(image))[0]["contents"][0]["parts"]
    assert part == {"fileData": {"fileUri": "https://example.com/a/b.jpg?size=2", "mimeType": "image/jpeg"}}


def test_an_image_of_a_type_that_gemini_does_not_read_is_told_in_words() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": PNG}}
    payload, outgoing = sent(asked(image))
    assert "image/gif" in payload["contents"][0]["parts"][0]["text"]
    assert "image/gif" in outgoing.notes[0]


@pytest.mark.parametrize("at", [occasion(images=False), quirky(images=False)])
def test_a_model_without_eyes_gets_words_for_an_image(at: Occasion) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    payload, outgoing = sent(asked(image), at)
    assert payload["contents"][0]["parts"] == [{"text": "[an image, left out: the model reads none]"}]
    assert outgoing.notes == ("an image left out: the model reads none",)


def test_a_result_names_the_tool_that_was_called() -> None:
    payload, _ = sent(called(call(command="ls")))
    assert payload["contents"][1]["parts"][0]["functionCall"] == {"name": "Bash", "args": {"command": "ls"}}
    assert payload["contents"][2]["parts"] == [
        {"functionResponse": {"name": "Bash", "response": {"output": "done toolu_1"}}}
    ]


def test_a_failed_result_is_an_error() -> None:
    failed = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such file", "is_error": True}
    part = sent(called(call(), results=[failed]))[0]["contents"][2]["parts"][0]
    assert part["functionResponse"]["response"] == {"error": "no such file"}


def test_a_result_without_content_says_so() -> None:
    part = sent(called(call(), results=[{"type": "tool_result", "tool_use_id": "toolu_1"}]))[0]["contents"][2]["parts"][
        0
    ]
    assert part["functionResponse"]["response"] == {"output": "(no output)"}


def test_a_call_without_a_result_gets_one() -> None:
    part = sent(called(call(), results=[text_block("never mind")]))[0]["contents"][2]["parts"][0]
    assert part["functionResponse"]["response"] == {"error": NO_RESULT}


IMAGE_RESULT: Body = {
    "type": "tool_result",
    "tool_use_id": "toolu_1",
    "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}],
}


def test_an_image_in_a_result_stays_in_it_from_gemini_3_on() -> None:
    (part,) = sent(called(call(), results=[IMAGE_RESULT]))[0]["contents"][2]["parts"]
    assert part["functionResponse"]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": PNG}}]
    assert part["functionResponse"]["response"] == {"output": "(see the files)"}


def test_an_image_in_a_result_stands_beside_all_results_before_gemini_3() -> None:
    body = called(call(), call("toolu_2"), results=[IMAGE_RESULT, {**IMAGE_RESULT, "tool_use_id": "toolu_2"}])
    parts = sent(body, occasion(OLDER))[0]["contents"][2]["parts"]
    assert [next(iter(part)) for part in parts] == [
        *("functionResponse", "functionResponse"),
        *("text", "inlineData", "text", "inlineData"),
    ]


def test_a_thought_signature_returns_with_its_call() -> None:
    body = called(call(), before=(thought(MODEL, "c2lnbmVk"),))
    assert sent(body)[0]["contents"][1]["parts"] == [
        {"functionCall": {"name": "Bash", "args": {}}, "thoughtSignature": "c2lnbmVk"}
    ]


def test_thinking_itself_never_returns() -> None:
    body = called(call(), before=(thought(MODEL, "c2lnbmVk", "secret plan"),))
    assert "secret plan" not in json.dumps(sent(body)[0])


def test_each_step_returns_its_own_signature() -> None:
    first = called(call("toolu_1"), before=(thought(MODEL, "b25l"),))
    second = called(call("toolu_2"), before=(text_block("next"), thought(MODEL, "dHdv")))
    payload, _ = sent({**first, "messages": [*first["messages"], *second["messages"][1:]]})
    signatures = [part.get("thoughtSignature") for content in payload["contents"] for part in content["parts"]]
    assert [each for each in signatures if each] == ["b25l", "dHdv"]


def test_of_parallel_calls_only_the_first_is_signed() -> None:
    body = called(call("toolu_1"), call("toolu_2"), before=(thought(MODEL, "b25l"),))
    parts = sent(body)[0]["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["b25l", None]


@pytest.mark.parametrize(
    "before",
    [
        (),
        ({"type": "thinking", "thinking": "hm", "signature": "signed-by-claude"},),
        ({"type": "thinking", "thinking": "hm", "signature": sealed("openai-chat", "b25l")},),
        ({"type": "thinking", "thinking": "hm", "signature": sealed("gemini", "0123456789abcdef01234567")},),
        (thought("gemini-2.5-flash", "b25l"),),
    ],
    ids=["unsigned", "Claude's", "another dialect's", "thinking without a call", "another model's"],
)
def test_a_call_that_the_model_did_not_sign_gets_googles_own_stand_in(before: tuple[Body, ...]) -> None:
    parts = sent(called(call("toolu_1"), call("toolu_2"), before=before))[0]["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [SKIP_SIGNATURE, None]


def test_a_server_that_checks_no_signatures_gets_no_stand_in() -> None:
    parts = sent(called(call()), quirky(signed_calls=False))[0]["contents"][1]["parts"]
    assert "thoughtSignature" not in parts[0]


def test_an_id_that_gemini_gave_returns_with_call_and_result() -> None:
    own = client_id("abc123", "msg_0", 0)
    contents = sent(called(call(own)))[0]["contents"]
    assert contents[1]["parts"][0]["functionCall"]["id"] == "abc123"
    assert contents[2]["parts"][0]["functionResponse"]["id"] == "abc123"


@pytest.mark.parametrize("given", [None, "", 7, "ünlawful", "x" * 41, "toolu_from_claude_itself!"])
def test_an_id_that_was_made_up_stays_at_home(given: object) -> None:
    text = json.dumps(sent(called(call(client_id(given, "msg_0", 0))))[0])
    assert '"id"' not in text


def test_an_answer_that_the_client_began_is_asked_for_in_words() -> None:
    body = {"messages": [{"role": "user", "content": "a list"}, {"role": "assistant", "content": "1."}]}
    payload, outgoing = sent(body)
    assert payload["contents"][-1] == {"role": "user", "parts": [{"text": "(Go on.)"}]}
    assert "Gemini continues none" in outgoing.notes[0]


def test_an_assistants_turn_of_thinking_alone_is_left_out() -> None:
    body = {
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
            {"role": "user", "content": "two"},
        ]
    }
    assert sent(body)[0]["contents"] == [{"role": "user", "parts": [{"text": "one"}, {"text": "two"}]}]
