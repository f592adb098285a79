"""A conversation as input items of the Responses API: texts, calls with their outputs, images, documents."""

from proxy.dialects.quirks import Quirks
from proxy.dialects.told_files import ERROR_MARK, NO_OUTPUT
from proxy.dialects.turns import NO_RESULT
from tests.proxy.dialects.conversations import PDF, PNG, text_block
from tests.proxy.dialects.responses_requests import items, outgoing
from tests.proxy.dialects.turns import IMAGE, PDF_BLOCK, asking, assistant, call, result, user

SHOWN = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"}


def test_a_text_alone_is_a_plain_string() -> None:
    assert items(asking(user("hi"))) == [{"type": "message", "role": "user", "content": "hi"}]


def test_several_texts_are_parts() -> None:
    [message] = items(asking(user("a", "b")))
    assert message["content"] == [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]


def test_a_system_message_in_the_middle_is_a_reminder_of_the_user_s() -> None:
    *_, last = items(asking(user("hi"), assistant("yes"), {"role": "system", "content": "Mind the time."}))
    assert last["role"] == "user"
    assert "<system-reminder>\nMind the time." in last["content"]


def test_a_call_and_its_result_are_items_of_their_own() -> None:
    listed = items(asking(user("go"), assistant("I run it", call(command="ls")), user(result(), "and then?")))
    assert listed[1:] == [
        {"type": "message", "role": "assistant", "content": "I run it"},
        {"type": "function_call", "call_id": "toolu_1", "name": "Bash", "arguments": '{"command":"ls"}'},
        {"type": "function_call_output", "call_id": "toolu_1", "output": "done"},
        {"type": "message", "role": "user", "content": "and then?"},
    ]


def test_outputs_stand_in_the_order_of_the_calls() -> None:
    listed = items(asking(user("go"), assistant(call("a"), call("b")), user("so", result("b"), result("a"))))
    assert [item.get("call_id") for item in listed[1:]] == ["a", "b", "a", "b", None]


def test_an_output_without_its_call_is_told_as_text() -> None:
    listed = items(asking(user("hi"), assistant("yes"), user(result("nobody", "lost"))))
    assert {item["type"] for item in listed} == {"message"}
    assert "lost" in listed[-1]["content"]


def test_a_call_that_was_interrupted_gets_an_output_that_says_so() -> None:
    *_, last = items(asking(user("go"), assistant(call())))
    assert last == {"type": "function_call_output", "call_id": "toolu_1", "output": f"{ERROR_MARK}{NO_RESULT}"}


def test_an_error_is_marked_and_an_empty_output_says_that_it_is_empty() -> None:
    listed = items(asking(user("go"), assistant(call("a"), call("b")),
                          user(result("a", "boom", is_error=True), result("b", ""))))  # fmt: skip
    assert [item["output"] for item in listed[-2:]] == [f"{ERROR_MARK}boom", NO_OUTPUT]


def test_an_image_in_an_output_stays_in_it_where_the_server_takes_it() -> None:
    body = asking(user("go"), assistant(call()), user(result(content=[text_block("see"), IMAGE])))
    *_, last = items(body, Quirks(result_images=True))
    assert last["output"] == [{"type": "input_text", "text": "see"}, SHOWN]


def test_an_error_with_an_image_is_marked_too() -> None:
    body = asking(user("go"), assistant(call()), user(result(content=[IMAGE], is_error=True)))
    *_, last = items(body, Quirks(result_images=True))
    assert last["output"] == [{"type": "input_text", "text": ERROR_MARK.strip()}, SHOWN]


def test_an_image_in_an_output_follows_all_outputs_where_the_server_does_not_take_it() -> None:
    body = asking(user("go"), assistant(call("a"), call("b")), user(result("a", [IMAGE]), result("b"), "well?"))
    *_, first, second, last = items(body)
    assert (first["type"], second["type"]) == ("function_call_output", "function_call_output")
    assert isinstance(first["output"], str)
    assert SHOWN in last["content"]
    assert last["content"][-1] == {"type": "input_text", "text": "well?"}


def test_an_image_is_shown_as_it_is_or_by_its_address() -> None:
    address = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    [message] = items(asking(user(IMAGE, address)))
    assert message["content"] == [SHOWN, {**SHOWN, "image_url": "https://example.com/a.png"}]


def test_a_model_without_eyes_is_told_that_there_is_an_image() -> None:
    out = outgoing(asking(user("see", IMAGE, IMAGE)), images=False)
    assert b"input_image" not in out.body
    assert b"cannot see" in out.body
    assert out.notes == ("an image left out: the model does not read images",)


def test_a_document_is_a_file_where_the_server_takes_files() -> None:
    address = {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}
    [message] = items(asking(user(PDF_BLOCK, address)), Quirks(documents=True))
    assert message["content"] == [
        {"type": "input_file", "filename": "Plan.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ]


def test_a_document_is_left_out_with_a_note_where_it_takes_none() -> None:
    out = outgoing(asking(user(PDF_BLOCK)))
    assert b"input_file" not in out.body
    assert "a document left out: the provider takes no files" in out.notes
