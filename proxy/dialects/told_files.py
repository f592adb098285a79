"""Pictures, files and results of a conversation as both of OpenAI's formats tell them, and words for what they lack."""

from proxy.dialects.conversation import Document, Image, Result

NO_OUTPUT = "(no output)"
"""Stands for an empty result."""
ERROR_MARK = "[tool error] "
"""Begins a result that is an error: these formats have no other mark."""
SHOWN_BELOW = "[shown in the next message]"
"""Stands in a result for its pictures and files, which it cannot hold."""
NO_IMAGES = "an image left out: the model does not read images"
"""A note for the user."""
NO_FILES = "a document left out: the provider takes no files"
"""The same."""
UNSEEN = "[an image, which this model cannot see]"


def shown_out_of(result: Result) -> str:
    """Before what a result could not hold."""
    return f"[out of the result of {result.name}]"


def unread(document: Document) -> str:
    return f"[document {document.title}, which this model cannot read]"


def data_url(medium: Image | Document) -> str:
    return f"data:{medium.media_type};base64,{medium.data}"


def file_name(document: Document) -> str:
    return document.title if document.title.endswith(".pdf") else f"{document.title}.pdf"
