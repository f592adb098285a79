"""The output items of a response as they arrive, written one block after the other.

Servers tell an item in pieces, whole at its end, or both; some leave out ids, numbers or the end. Whatever arrives,
each piece is written once. While a call is open all else waits, for a block cannot be interrupted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.openai_responses_reasoning import sealed_reasoning
from proxy.dialects.openai_responses_search import Search, Searches, read_search
from proxy.dialects.tool_names import ToolNames, own_id
from proxy.protocol.foreign_json import NotJson, read_json

Kind = Literal["message", "reasoning", "function_call", "web_search_call"]
Group = Literal["content", "summary", "arguments"]

_KINDS: Mapping[object, Kind] = {
    "message": "message",
    "reasoning": "reasoning",
    "function_call": "function_call",
    "web_search_call": "web_search_call",
}
_BREAK = "\n\n"
"""Between two parts of a summary, which are paragraphs."""


@dataclass(slots=True, eq=False)
class Item:
    """An output item; other kinds than these are not told."""

    kind: Kind
    id: str | None = None
    call_id: str | None = None
    name: str = ""
    told: list[str] = field(default_factory=list)
    """Its text so far, without the breaks between parts."""
    unsent: list[str] = field(default_factory=list)
    group: Group | None = None
    """Reasoning may come in full and as a summary: the first that comes counts."""
    part: object = None
    """Number of the part that was told last."""
    encrypted: str | None = None
    search: Search | None = None
    begun: bool = False
    done: bool = False
    closed: bool = False


class Items:
    """The items of one answer."""

    def __init__(self, writer: AnswerWriter, names: ToolNames, model: str, message_id: str) -> None:
        self.refused = False
        """The model declined in words of its own."""
        self.searches = Searches(writer, message_id)
        self.faulty: str | None = None
        """What is wrong with a call, for the user; None: nothing."""
        self._writer = writer
        self._names = names
        self._model = model
        self._message_id = message_id
        self._all: list[Item] = []
        self._by_id: dict[str, Item] = {}
        self._by_index: dict[int, Item] = {}
        self._open_call: Item | None = None
        self._waiting: list[Item] = []
        self._call_ids: set[str] = set()

    def find(self, kind: Kind, item_id: object, index: object) -> Item:
        """The item that an event is about; a new one where none was announced."""
        found = self._by_id.get(item_id) if isinstance(item_id, str) else None
        if found is None or found.kind != kind:
            found = self._by_index.get(index) if isinstance(index, int) else self._last(kind)
        if found is None or found.kind != kind:
            found = self._new(kind, item_id, index)
        return found

    def add(self, given: Mapping[str, Any], index: object) -> None:
        """An item was announced."""
        kind = _KINDS.get(_word(given.get("type")))
        item_id = given.get("id")
        if kind is None or (isinstance(item_id, str) and item_id in self._by_id):
            return
        item = self._new(kind, item_id, index)
        self._name(item, given)
        if kind == "function_call":
            self._write(item)

    def tell(self, item: Item, text: object, group: Group, part: object = 0) -> None:
        """A piece of an item's text."""
        if not isinstance(text, str) or not text or item.done or group != (item.group or group):
            return
        if item.kind == "function_call" and not item.told and text.isspace():
            return
        if item.kind == "reasoning" and item.told and part != item.part:
            item.unsent.append(_BREAK)
        item.group, item.part = group, part
        item.told.append(text)
        item.unsent.append(text)
        self._write(item)

    def tell_whole(self, item: Item, text: object, group: Group) -> None:
        """The whole text of a part, for a server that told no pieces of it."""
        if not item.told:
            self.tell(item, text, group)

    def finish(self, given: Mapping[str, Any], index: object = None) -> None:
        """An item came whole: what was not told of it is told now."""
        kind = _KINDS.get(_word(given.get("type")))
        if kind is None:
            return
        item = self._known_call(given) or self.find(kind, given.get("id"), index)
        if item.done:
            return
        match kind:
            case "message":
                self._finish_message(item, given)
            case "reasoning":
                self._rest(item, _texts(given.get("summary")), "summary")
                self._rest(item, _texts(given.get("content")), "content")
                item.encrypted = _text(given.get("encrypted_content"))
            case "function_call":
                self._name(item, given)
                self._rest(item, [_arguments(given.get("arguments"))], "arguments")
            case "web_search_call":
                item.search = read_search(given)
        self._done(item)

    def finish_call(self, item: Item, arguments: object) -> None:
        """The arguments of a call came whole; it ends here unless its name is still to come."""
        if not item.done:
            self._rest(item, [_arguments(arguments)], "arguments")
            if item.name:
                self._done(item)

    def finish_all(self, output: object) -> None:
        """The answer is over; ``output`` is what it says of its items, for what was not told of them."""
        whole = [each for each in output if isinstance(each, Mapping)] if isinstance(output, list) else []
        if not self._all:
            for each in whole:
                self.finish(each)
        for given in whole:
            if (item := self._by_id.get(str(given.get("id")))) is not None and not item.done:
                self.finish(given)
        for item in self._all:
            if not item.done:
                self._done(item)
        if any(not item.closed for item in self._all):
            self.faulty = self.faulty or "the provider called a tool without naming it"
        self.searches.tell()

    def _new(self, kind: Kind, item_id: object, index: object) -> Item:
        item = Item(kind, item_id if isinstance(item_id, str) else None)
        self._all.append(item)
        if item.id is not None:
            self._by_id[item.id] = item
        if isinstance(index, int):
            self._by_index[index] = item
        return item

    def _last(self, kind: Kind) -> Item | None:
        """For a server that numbers nothing: the item of that kind that is not done."""
        return next((item for item in reversed(self._all) if item.kind == kind and not item.done), None)

    def _known_call(self, given: Mapping[str, Any]) -> Item | None:
        """A call keeps its ``call_id``, even where a server changes the ids of items on the way."""
        call_id = _text(given.get("call_id"))
        if given.get("type") != "function_call" or call_id is None or _text(given.get("id")) in self._by_id:
            return None
        same = [item for item in self._all if item.call_id == call_id]
        return same[0] if len(same) == 1 else None

    def _name(self, item: Item, given: Mapping[str, Any]) -> None:
        item.call_id = item.call_id or _text(given.get("call_id"))
        item.name = item.name or _text(given.get("name")) or ""

    def _finish_message(self, item: Item, given: Mapping[str, Any]) -> None:
        content = given.get("content")
        parts = [part for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []
        self._rest(item, [_text(part.get("text")) or _text(part.get("refusal")) or "" for part in parts], "content")
        self.refused = self.refused or any(part.get("type") == "refusal" for part in parts)
        for part in parts:
            self.searches.cite(part.get("annotations"))

    def _rest(self, item: Item, parts: Sequence[str], group: Group) -> None:
        """Tell of ``parts`` what was not told yet. Where both differ, what was told stands."""
        told = "".join(item.told)
        for number, part in enumerate(parts):
            if told.startswith(part):
                told = told[len(part) :]
            elif part.startswith(told):
                self.tell(item, part[len(told) :], group, item.part if told else number)
                told = ""
            else:
                return

    def _done(self, item: Item) -> None:
        item.done = True
        self._write(item)

    def _write(self, item: Item) -> None:
        if self._open_call is not None and self._open_call is not item:
            if item not in self._waiting:
                self._waiting.append(item)
            return
        match item.kind:
            case "message":
                self._writer.text(_taken(item.unsent))
            case "reasoning":
                self._writer.thinking(_taken(item.unsent))
            case "function_call":
                self._write_call(item)
            case "web_search_call":
                pass
        if item.done:
            self._close(item)

    def _write_call(self, item: Item) -> None:
        if not item.name:
            return
        if not item.begun:
            item.begun = True
            self._writer.tool(self._own_id(item.call_id), self._names.own(item.name))
            self._open_call = item
        if item.told and item.told[0].lstrip().startswith("{"):
            self._writer.arguments(_taken(item.unsent))

    def _own_id(self, given: str | None) -> str:
        number = len(self._call_ids)
        made = own_id(given, self._message_id, number)
        if made in self._call_ids:
            made = own_id(None, self._message_id, number)
        self._call_ids.add(made)
        return made

    def _close(self, item: Item) -> None:
        if item.closed or (item.kind == "function_call" and not item.begun):
            return
        item.closed = True
        match item.kind:
            case "message":
                self._close_block("text")
                self.searches.tell()
            case "reasoning" if item.encrypted:
                self._writer.sign(sealed_reasoning(self._model, item.encrypted))
            case "reasoning":
                self._close_block("thinking")
            case "function_call":
                self._close_call(item)
            case "web_search_call" if item.search is not None:
                self.searches.add(item.search)

    def _close_block(self, kind: str) -> None:
        if self._writer.open_block == kind:
            self._writer.close()

    def _close_call(self, item: Item) -> None:
        given = _meant("".join(item.told))
        if given is None:
            self.faulty = self.faulty or f"the arguments of the call of {self._names.own(item.name)} cannot be read"
        elif item.unsent:
            self._writer.arguments(_arguments(given))
        self._writer.close()
        self._open_call = None
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self._write(each)


def _taken(pieces: list[str]) -> str:
    text = pieces[0] if len(pieces) == 1 else "".join(pieces)
    pieces.clear()
    return text


def _arguments(given: object) -> str:
    """As JSON text: some servers tell them as an object, or as null."""
    if isinstance(given, str):
        return given
    return msgspec.json.encode(given).decode() if isinstance(given, Mapping) else ""


def _meant(text: str) -> Mapping[str, Any] | None:
    """The object in ``text``, perhaps within a text of its own; ``null`` and empty values are one without anything."""
    try:
        value = read_json(text) if text.strip() else None
        value = read_json(value) if isinstance(value, str) and value.strip() else value
    except NotJson:
        return None
    if value in (None, "", []):
        return {}
    return value if isinstance(value, Mapping) else None


def _texts(parts: object) -> list[str]:
    listed = parts if isinstance(parts, list) else []
    return [_text(each.get("text")) or "" for each in listed if isinstance(each, Mapping)]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None
