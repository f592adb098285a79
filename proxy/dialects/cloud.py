"""A request for Claude in somebody else's cloud: Anthropic's format with the model in the path, and less of it.

Bedrock and Vertex know fewer betas and fields than Anthropic's own API and refuse a whole request for one that they do
not know. So only what they know goes along, a beta and the field that it announces as a pair, and whatever stays
behind is told in the notes. Messages keep their values but for the few that cannot be read there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.dialects.answer_schema import told_schema
from proxy.dialects.attribution import unattributed
from proxy.dialects.cloud_messages import cloud_messages, without_scope
from proxy.dialects.dialect import CannotTake, Occasion
from proxy.dialects.foreign_values import mapping
from proxy.protocol.naming import Version, claude_version

Fields = dict[str, Any]

TOOL_SEARCH = "tool-search-tool-2025-10-19"
FINE_GRAINED = "fine-grained-tool-streaming-2025-05-14"
COMPACT = "compact-2026-01-12"
CONTEXT = "context-management-2025-06-27"
SAFEGUARDS = "dangerous-tool-use-2026-09-03"

SHARED_BETAS: Mapping[str, str] = {
    **{
        beta: beta
        for beta in (
            COMPACT,
            "computer-use-2025-01-24",
            "computer-use-2025-11-24",
            "context-1m-2025-08-07",
            CONTEXT,
            SAFEGUARDS,
            "thinking-binding-controls-2026-08-01",
            "thinking-display-updates-2026-08-18",
            TOOL_SEARCH,
        )
    },
    "advanced-tool-use-2025-11-20": TOOL_SEARCH,
}
"""What both clouds know, by Anthropic's name. Facts of LiteLLM's table of betas by provider, autumn 2026."""

_FIELDS = (
    *("messages", "max_tokens", "system", "stop_sequences", "temperature", "top_p", "top_k", "tools", "tool_choice"),
    *("thinking", "metadata", "output_config", "output_format", "context_management", "safeguards"),
)
"""Of the body: what InvokeModel's reference lists and Vertex takes too. All others are refused by name."""
_OWN_FIELDS = ("model", "stream", "anthropic_version", "anthropic_beta")
"""Told elsewhere, so that their absence is no loss."""
_TOOL_FIELDS = ("type", "name", "description", "input_schema", "cache_control")
_SERVER_TOOLS = ("web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "mcp_toolset", "advisor_")
"""Starts of the types of tools that Anthropic's servers run."""
_ADAPTIVE: Version = (4, 6)
"""The first Claude that takes an effort without a beta."""
_MID_SYSTEM: Version = (4, 8)
"""The first Claude that takes the role ``system`` in the middle of a conversation."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """What a cloud knows of Anthropic's API."""

    name: str
    version: str
    """Its ``anthropic_version``."""
    betas: Mapping[str, str]
    """Betas that it takes: Anthropic's name, its own."""
    server_tools: Mapping[str, str]
    """Starts of the types of server tools that it runs, and the beta that each needs."""
    edits: Mapping[str, str]
    """Types of context edits that it takes, and the beta that each needs."""
    structured: tuple[Version, Version]
    """The first and the last Claude that answer to a JSON schema there."""

    def runs(self, name: str) -> bool:
        """Whether it runs a server tool that goes by ``name`` in a conversation."""
        return any(kind.startswith(name) or name.startswith(kind.rstrip("_")) for kind in self.server_tools)


@dataclass(frozen=True, slots=True)
class CloudRequest:
    """A body adapted to a cloud."""

    fields: Fields
    """Without model and ``stream``; with its version and betas."""
    notes: tuple[str, ...]


def cloud_request(body: Mapping[str, Any], occasion: Occasion, cloud: Cloud, *, to_count: bool = False) -> CloudRequest:
    """What ``cloud`` takes of ``body``. Raises ``CannotTake`` where it demands a tool that does not run there, but not
    where its tokens are only counted."""
    return _Adaptation(body, occasion, cloud, to_count=to_count).request()


class _Adaptation:
    def __init__(self, body: Mapping[str, Any], occasion: Occasion, cloud: Cloud, *, to_count: bool) -> None:
        self._body = body
        self._occasion = occasion
        self._cloud = cloud
        self._to_count = to_count
        self._version = claude_version(occasion.model) or (99, 0)
        """An id without numbers is taken for a new model: those know the most."""
        self._notes: list[str] = []
        self._left_tools: list[str] = []
        """Types of tools of Anthropic's servers that it does not run."""
        self._left_of_tools: dict[str, None] = {}
        self._betas = self._known_betas()

    def request(self) -> CloudRequest:
        fields: Fields = {name: self._body[name] for name in _FIELDS if self._body.get(name) is not None}
        left = [name for name, value in self._body.items() if name not in (*_FIELDS, *_OWN_FIELDS) and value]
        self._tell("fields", left)
        self._adapt_conversation(fields)
        self._adapt_tools(fields)
        self._adapt_output(fields)
        self._adapt_context(fields)
        if SAFEGUARDS not in self._betas and fields.pop("safeguards", None) is not None:
            self._tell("fields", ["safeguards"])
        head: Fields = {"anthropic_version": self._cloud.version}
        if self._betas:
            head["anthropic_beta"] = self._betas
        return CloudRequest({**head, **fields}, tuple(self._notes))

    def _tell(self, what: str, names: Sequence[str]) -> None:
        if names:
            self._notes.append(f"{what} that {self._cloud.name} does not take left out: {', '.join(names)}")

    def _known_betas(self) -> list[str]:
        told = self._body.get("anthropic_beta")
        told = [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
        asked = [beta.strip() for each in (*self._occasion.betas, *told) for beta in each.split(",") if beta.strip()]
        self._tell("betas", list(dict.fromkeys(beta for beta in asked if beta not in self._cloud.betas)))
        return list(dict.fromkeys(self._cloud.betas[beta] for beta in asked if beta in self._cloud.betas))

    def _need(self, beta: str) -> None:
        if beta not in self._betas:
            self._betas.append(beta)

    def _adapt_conversation(self, fields: Fields) -> None:
        if isinstance(messages := fields.get("messages"), list):
            fields["messages"], notes = cloud_messages(
                messages, mid_system=self._version >= _MID_SYSTEM, runs=self._cloud.runs
            )
            self._notes += notes
        if said := _said(fields.pop("system", None)):
            fields["system"] = said
        if isinstance(metadata := fields.get("metadata"), dict):
            fields["metadata"] = {name: value for name, value in metadata.items() if name == "user_id"}

    def _adapt_tools(self, fields: Fields) -> None:
        listed = fields.get("tools")
        if not isinstance(listed, list):
            return
        kept = [tool for each in listed if isinstance(each, dict) for tool in self._tool(each)]
        fields["tools"] = [without_scope(tool) for tool in kept]
        self._tell("fields of tools", list(self._left_of_tools))
        self._tell("tools", self._left_tools)
        self._adapt_choice(fields, [tool.get("name") for tool in kept])
        if not kept:
            del fields["tools"]

    def _adapt_choice(self, fields: Fields, names: Sequence[object]) -> None:
        """A demand for a tool that is none of ``names`` goes, unless nothing is left that could be called."""
        choice = mapping(fields.get("tool_choice"))
        demands = choice.get("type") in ("any", "tool")
        if demands and self._left_tools and not names and not self._to_count:
            raise CannotTake(f"the request demands {self._left_tools[0]}, which {self._cloud.name} does not run")
        if not names:
            fields.pop("tool_choice", None)
        elif choice.get("type") == "tool" and choice.get("name") not in names:
            del fields["tool_choice"]
            self._notes.append(f"tool_choice left to the model: the tool {choice.get('name')} is not sent")

    def _tool(self, tool: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        kind = str(tool.get("type") or "custom")
        if kind.startswith(_SERVER_TOOLS):
            beta = next((beta for start, beta in self._cloud.server_tools.items() if kind.startswith(start)), None)
            if beta is None:
                self._left_tools.append(kind)
            else:
                self._need(beta)
                yield tool
        elif kind != "custom":
            yield tool
        else:
            known = self._known_tool_fields()
            self._left_of_tools |= dict.fromkeys(name for name, value in tool.items() if name not in known and value)
            yield {name: value for name, value in tool.items() if name in known}

    def _known_tool_fields(self) -> tuple[str, ...]:
        deferred = ("defer_loading",) if TOOL_SEARCH in self._betas else ()
        eager = ("eager_input_streaming",) if FINE_GRAINED in self._betas else ()
        return (*_TOOL_FIELDS, *deferred, *eager)

    def _adapt_output(self, fields: Fields) -> None:
        config = mapping(fields.pop("output_config", None))
        kept: Fields = {}
        if config.get("effort"):
            if self._takes_effort():
                kept["effort"] = config["effort"]
            else:
                self._tell("fields", ["output_config.effort"])
        self._tell("fields", [f"output_config.{name}" for name in config if name not in ("effort", "format")])
        form = config.get("format") or fields.pop("output_format", None)
        fields.pop("output_format", None)
        first, last = self._cloud.structured
        if isinstance(form, dict) and first <= self._version <= last:
            kept["format"] = form
        elif isinstance(form, dict) and isinstance(form.get("schema"), dict):
            fields["system"] = [*_blocks(fields.get("system")), {"type": "text", "text": told_schema(form["schema"])}]
            self._notes.append(f"the answer's schema told as an instruction: {self._cloud.name} does not enforce it")
        if kept:
            fields["output_config"] = kept

    def _takes_effort(self) -> bool:
        return self._version >= _ADAPTIVE or "opus-4-5" in self._occasion.model

    def _adapt_context(self, fields: Fields) -> None:
        """Only edits that the cloud knows; a beta goes with its last edit."""
        context = fields.pop("context_management", None)
        edits = context.get("edits") if isinstance(context, dict) else None
        if not isinstance(edits, list):
            return
        known = self._cloud.edits
        kinds = {id(edit): str(edit.get("type")) for edit in edits if isinstance(edit, dict)}
        kept = [edit for edit in edits if known.get(kinds.get(id(edit), "")) in self._betas]
        self._tell("context edits", [kinds[id(edit)] for edit in edits if edit not in kept and id(edit) in kinds])
        needed = {known[kinds[id(edit)]] for edit in kept}
        self._betas = [beta for beta in self._betas if beta in needed or beta not in known.values()]
        if kept:
            fields["context_management"] = {**context, "edits": kept}


def _said(system: object) -> str | list[Any] | None:
    """``system`` without the client's line about itself, which would be cached as part of the prompt."""
    if isinstance(system, str):
        return unattributed(system)
    if not isinstance(system, list):
        return None
    own = [block.get("text") if isinstance(block, dict) else None for block in system]
    said = [unattributed(text) if isinstance(text, str) else text for text in own]
    return [
        without_scope(block if text == whole else {**block, "text": text})
        for block, whole, text in zip(system, own, said, strict=True)
        if text or text == whole
    ]


def _blocks(system: object) -> list[Any]:
    if isinstance(system, str):
        return [{"type": "text", "text": system}] if system else []
    return list(system) if isinstance(system, list) else []
