"""The rounds of a request whose searches and pages the engine gets for a model whose provider does not.

Anthropic's server tools become plain tools of the same names; each call of one is answered with what somebody else
found, until the model says its last word. All rounds together make one Message, as if the provider had done the work.
Nothing here searches or fetches: outcomes come in, bodies and a Message come out.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Raw

from proxy.protocol.citations import Source, with_citations
from proxy.protocol.fetch import WantedPages
from proxy.protocol.foreign_json import read_json_as
from proxy.protocol.messages import Body
from proxy.protocol.search import Wanted
from proxy.protocol.server_tools import own_call_id
from proxy.protocol.stand_ins import FetchStandIn, Found, SearchStandIn, StandIn, Wish
from proxy.protocol.web_tools import Refusal

_LIST = msgspec.json.Decoder(list[Raw])
_CUT_OFF = ("max_tokens", "refusal", "model_context_window_exceeded")
"""Endings after which a call is not to be trusted: what it asks for may be half."""
_NOT_SUMMED = ("iterations", "server_tool_use")


def unsearched(wanted: Wanted, query: str, message_id: str, model: str, why: str) -> dict[str, Any]:
    """The Message for a request that needs a search where none can be made; ``why`` says what to do."""
    call = {"input": {"query": query}}
    return _undone(SearchStandIn(wanted), call, Refusal("unavailable", why), message_id, model)


def unfetched(wanted: WantedPages, url: str, message_id: str, model: str, why: str) -> dict[str, Any]:
    """The Message for a request that needs a page where none is fetched."""
    call = {"input": {"url": url}}
    return _undone(FetchStandIn(wanted), call, Refusal("unavailable", why), message_id, model)


def _undone(tool: StandIn, call: Mapping[str, Any], refusal: Refusal, message_id: str, model: str) -> dict[str, Any]:
    blocks = tool.blocks(own_call_id(message_id), call, refusal)
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [*blocks, {"type": "text", "text": refusal.words}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0, "server_tool_use": {tool.counted_as: 0}},
    }


class Rounds:
    """The rounds of one request: ``body`` goes to the target, ``see`` takes its answer, ``answer`` what was found.

    As many calls are answered as the tools allow uses together, and at most one round more than that follows the first.
    """

    def __init__(self, body: Body, tools: Sequence[StandIn]) -> None:
        self._body = body
        self._tools = {tool.wanted.name: tool for tool in tools}
        self._turns: list[dict[str, Any]] = []
        self._sources: dict[str, Source] = {}
        self._blocks: list[dict[str, Any]] = []
        self._usages: list[Mapping[str, Any]] = []
        self._message: dict[str, Any] = {}
        self._message_id = ""
        self._uses = dict.fromkeys(self._tools, 0)
        self._refused: dict[str, Refusal] = {}
        """Calls of the last answer that are not carried out."""
        self._closing = False
        self.done = dict.fromkeys(self._tools, 0)
        """Calls that were carried out, by tool."""

    @property
    def body(self) -> Body:
        """The body of the next round, for a whole answer. A demand for a tool holds for the first round only."""
        fields = {"tools": msgspec.json.encode(self._plain_tools()), "stream": b"false"}
        choice = self._body.value("tool_choice")
        if self._closing:
            fields["tool_choice"] = b'{"type":"none"}'
        elif self._turns and isinstance(choice, Mapping) and choice.get("type") in ("any", "tool"):
            fields["tool_choice"] = msgspec.json.encode(_left_to_the_model(choice))
        if self._turns:
            asked = read_json_as(_LIST, self._body.fields["messages"])
            fields["messages"] = msgspec.json.encode([*asked, *self._turns])
        return self._body.with_fields(fields)

    def see(self, message: Mapping[str, Any]) -> tuple[Wish, ...]:
        """Take in the Message that answers ``body``. What it calls for and may have, in order."""
        self._message = dict(message)
        self._message_id = self._message_id or str(message.get("id") or "")
        usage = message.get("usage")
        self._usages.append(usage if isinstance(usage, Mapping) else {})
        self._refused = {}
        wishes: list[Wish] = []
        for call in self._calls():
            wish = self._wish(call)
            if isinstance(wish, Refusal):
                self._refused[_id(call)] = wish
            else:
                wishes.append(wish)
        return tuple(wishes)

    def answer(self, outcomes: Mapping[str, Found]) -> bool:
        """Take in what came of the wishes, by call. Whether another round follows."""
        before = tuple(self._sources.values())
        told = []
        for block in self._content():
            tool = self._tool_of(block)
            if tool is None:
                self._blocks += with_citations(block, before)
                continue
            outcome = tool.taken(self._outcome(block, tool, outcomes))
            server_id = own_call_id(f"{self._message_id}:{len(self._blocks)}")
            self._blocks += tool.blocks(server_id, block, outcome)
            self._sources |= {source.url: source for source in tool.sources(outcome)}
            self.done[tool.wanted.name] += not isinstance(outcome, Refusal)
            told.append({"type": "tool_result", "tool_use_id": _id(block), **tool.told(outcome)})
        if not told or self._closing or self._calls_the_client():
            return False
        self._closing = sum(self._uses.values()) >= sum(tool.wanted.max_uses for tool in self._tools.values())
        if self._closing:
            nouns = " and the last ".join(tool.noun for tool in self._tools.values())
            told.append({"type": "text", "text": f"That was the last {nouns}. Answer now with what you have."})
        self._turns += [{"role": "assistant", "content": self._content()}, {"role": "user", "content": told}]
        return True

    def message(self) -> dict[str, Any]:
        """All rounds as one Message."""
        reason = self._message.get("stop_reason")
        if reason == "tool_use" and not self._calls_the_client():
            reason = "end_turn"
        usage = _sum(self._usages) | {"server_tool_use": self._server_uses()}
        whole = {**self._message, "content": self._blocks, "stop_reason": reason, "usage": usage}
        return {**whole, "id": self._message_id} if self._message_id else whole

    def _plain_tools(self) -> list[Any]:
        listed = self._body.value("tools")
        return [
            next((tool.plain_tool() for tool in self._tools.values() if _replaces(tool, each)), each) for each in listed
        ]

    def _server_uses(self) -> dict[str, Any]:
        """What the provider's own tools did in all rounds, and ours."""
        own = [uses for usage in self._usages if isinstance(uses := usage.get("server_tool_use"), Mapping)]
        ours = {tool.counted_as: self.done[tool.wanted.name] for tool in self._tools.values()}
        return _sum([*own, ours])

    def _content(self) -> list[dict[str, Any]]:
        """The blocks of the last answer that can be sent back."""
        listed = self._message.get("content")
        blocks = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        cut_off = self._message.get("stop_reason") in _CUT_OFF
        return [
            block
            for block in blocks
            if not (block.get("type") == "text" and not str(block.get("text") or "").strip())
            and not (cut_off and self._tool_of(block))
        ]

    def _tool_of(self, block: Mapping[str, Any]) -> StandIn | None:
        """The tool of ours that ``block`` calls."""
        return self._tools.get(str(block.get("name"))) if block.get("type") == "tool_use" else None

    def _calls(self) -> list[dict[str, Any]]:
        return [block for block in self._content() if self._tool_of(block)]

    def _calls_the_client(self) -> bool:
        return any(block.get("type") == "tool_use" and not self._tool_of(block) for block in self._content())

    def _wish(self, call: Mapping[str, Any]) -> Wish | Refusal:
        """What a call asks for, or why it does not get it. Every call is a use."""
        tool = self._tools[str(call.get("name"))]
        self._uses[tool.wanted.name] += 1
        if self._uses[tool.wanted.name] > tool.wanted.max_uses:
            return tool.used_up()
        return tool.wish(call, self._conversation(), tuple(self._tools))

    def _outcome(self, call: Mapping[str, Any], tool: StandIn, outcomes: Mapping[str, Found]) -> Found:
        call_id = _id(call)
        return outcomes[call_id] if call_id in outcomes else self._refused.get(call_id) or tool.used_up()

    def _conversation(self) -> Sequence[Any]:
        """What was said up to the last answer, and what the provider's own tools found for that."""
        return [*self._asked, *self._turns, {"role": "assistant", "content": self._content()}]

    @cached_property
    def _asked(self) -> Sequence[Any]:
        """The client's messages, read when the first call comes."""
        messages = self._body.value("messages")
        return messages if isinstance(messages, list) else ()


def _replaces(tool: StandIn, each: object) -> bool:
    return isinstance(each, Mapping) and tool.replaces(each)


def _left_to_the_model(choice: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in choice.items() if name == "disable_parallel_tool_use"}
    return {"type": "auto", **kept}


def _sum(usages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts of all rounds added up; of what is no count, the last. A cost counts where every round tells one."""
    total: dict[str, Any] = {}
    for usage in usages:
        for name, value in usage.items():
            before = total.get(name)
            if name in _NOT_SUMMED:
                continue
            if isinstance(value, Mapping):
                total[name] = _sum([before, value]) if isinstance(before, Mapping) else dict(value)
            elif _is_count(value) and _is_count(before):
                total[name] = before + value
            elif value is not None or before is None:
                total[name] = value
    if any(usage.get("cost") is None for usage in usages):
        total.pop("cost", None)
    return total


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _id(call: Mapping[str, Any]) -> str:
    return str(call.get("id") or "")
