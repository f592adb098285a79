"""Claude on Amazon Bedrock by InvokeModel: Anthropic's format with the model in the path, streamed in AWS's frames.

Base URL: ``https://bedrock-runtime.REGION.amazonaws.com``. Facts of the service model of bedrock-runtime
(version 2023-09-30) and of Anthropic's SDK.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.bedrock_reading import BedrockReader
from proxy.dialects.cloud import COMPACT, CONTEXT, FINE_GRAINED, SHARED_BETAS, TOOL_SEARCH, Cloud, cloud_request
from proxy.dialects.complaints import Complaint, count_in, read_complaint_body
from proxy.dialects.dialect import Occasion, Outgoing, in_path
from proxy.protocol.naming import strip_window_suffix

ERROR_HEADER = "x-amzn-errortype"

BEDROCK = Cloud(
    name="Bedrock",
    version="bedrock-2023-05-31",
    betas={
        **SHARED_BETAS,
        "effort-2025-11-24": "effort-2025-11-24",
        FINE_GRAINED: FINE_GRAINED,
        "mid-conversation-output-config-2026-07-01": "mid-conversation-output-config-2026-07-01",
        "mid-conversation-tool-changes-2026-07-01": "mid-conversation-tool-changes-2026-07-01",
    },
    server_tools={"tool_search_tool_": TOOL_SEARCH},
    edits={"compact_20260112": COMPACT, "clear_tool_uses_20250919": CONTEXT},
    structured=((4, 5), (4, 6)),
)
"""``clear_thinking`` edits and, from Claude 4.7 on, JSON schemas are refused by bedrock-runtime."""

_OF_MODEL = (
    "model identifier is invalid",
    "on-demand throughput isn",
    "don't have access to the model",
    "doesn't support counting tokens",
)
"""Of complaints about the model and nothing else, whatever their status: another target may serve, an estimate do for a
count. Seen of newer models that only an inference profile reaches, of other regions', of those not yet granted."""
_COUNTED = ("messages", "system", "tools", "tool_choice", "thinking", "max_tokens")
_GEOGRAPHIES = ("us.", "us-gov.", "eu.", "apac.", "jp.", "au.", "ca.", "global.")


@dataclass(frozen=True, slots=True)
class Bedrock:
    """The dialect ``bedrock``."""

    def request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing:
        adapted = cloud_request(body, _plain(occasion), BEDROCK)
        action = "invoke-with-response-stream" if body.get("stream") is True else "invoke"
        return Outgoing(
            f"/model/{_segment(occasion.model)}/{action}", msgspec.json.encode(adapted.fields), notes=adapted.notes
        )

    def reader(self, outgoing: Outgoing, occasion: Occasion) -> BedrockReader | None:
        """None for an answer that does not stream: it is Anthropic's Message as it is."""
        if outgoing.path.endswith("/invoke"):
            return None
        return BedrockReader(AnswerWriter("bedrock", occasion.model, occasion.message_id, occasion.input_tokens))

    def complaint(self, status: int, headers: Mapping[str, str], body: bytes) -> Complaint:
        complaint = read_complaint_body(status, body, headers.get(ERROR_HEADER))
        of_model = any(words in complaint.message for words in _OF_MODEL)
        return replace(complaint, kind="not_found_error") if of_model else complaint

    def count_request(self, body: Mapping[str, Any], occasion: Occasion) -> Outgoing | None:
        """CountTokens knows foundation models by their bare ids: none of an inference profile that an ARN names."""
        model = strip_window_suffix(occasion.model)
        if model.startswith("arn:"):
            return None
        counted = {name: value for name, value in body.items() if name in _COUNTED}
        fields = cloud_request(counted, replace(_plain(occasion), betas=()), BEDROCK, to_count=True).fields
        told = base64.b64encode(msgspec.json.encode({"max_tokens": _least_tokens(fields), **fields})).decode()
        bare = next((model.removeprefix(each) for each in _GEOGRAPHIES if model.startswith(each)), model)
        payload = {"input": {"invokeModel": {"body": told}}}
        return Outgoing(f"/model/{_segment(bare)}/count-tokens", msgspec.json.encode(payload))

    def read_count(self, body: bytes) -> int | None:
        return count_in(body, "inputTokens")


def _least_tokens(fields: Mapping[str, Any]) -> int:
    """The least ``max_tokens`` that goes with the thinking in ``fields``. CountTokens wants what InvokeModel wants; a
    request to count has none of its own."""
    thinking = fields.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return 1 + budget if isinstance(budget, int) else 1


def _plain(occasion: Occasion) -> Occasion:
    return replace(occasion, model=strip_window_suffix(occasion.model))


def _segment(model: str) -> str:
    """An ARN's slash is not one of the path."""
    return in_path(strip_window_suffix(model), safe=":")
