"""The output items of a response as they arrive, written one block after the other.

Servers tell an item in pieces, whole at its end, in the last event of all, or in several of these; some leave out ids
and numbers or change them. Whatever arrives, each piece is written once. While a call is open all else waits, for a
block cannot be interrupted.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from proxy.dialects.answer import AnswerWriter
from proxy.dialects.call_arguments import meant_arguments
from proxy.dialects.foreign_values import mappings, word
from proxy.dialects.openai_responses_item import Group, Item, Kind, kind_of, texts_of
from proxy.dialects.openai_responses_reasoning import sealed_reasoning
from proxy.dialects.openai_responses_search import Searches, read_search
from proxy.dialects.tool_names import ToolNames, own_id

_BREAK = "\n\n"
"""Between two parts of a summary, which are paragraphs."""


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

    def find(self, kind: Kind, item_id: object, index: int | None) -> Item:
        """The item that an event is about; a new one where none was announced."""
        found = self._by_id.get(item_id) if isinstance(item_id, str) else None
        if found is None or found.kind != kind:
            found = self._by_index.get(index) if index is not None else self._last(kind)
        if found is None or found.kind != kind:
            found = self._new(kind, item_id, index)
        return found

    def add(self, given: Mapping[str, Any], index: int | None) -> None:
        """An item was announced."""
        kind = kind_of(given)
        item_id = given.get("id")
        if kind is None or (isinstance(item_id, str) and item_id in self._by_id):
            return
        item = self._new(kind, item_id, index)
        self._name(item, given)
        if kind == "function_call":
            self._write(item)

    def tell(self, item: Item, text: str, group: Group, part: int = 0) -> None:
        """A piece of an item's text."""
        if item.ended and item.done and not item.told and text.strip():
            self.faulty = self.faulty or f"the arguments of the call of {self._names.own(item.name)} came too late"
        if not text or item.done or group != (item.group or group):
            return
        if item.kind == "function_call" and not item.told and text.isspace():
            return
        if item.kind == "reasoning" and item.told and part != item.part:
            item.unsent.append(_BREAK)
        item.group, item.part = group, part
        item.told.append(text)
        item.unsent.append(text)
        self._write(item)
        if item.ended and meant_arguments(item.text):
            self._done(item)

    def tell_whole(self, item: Item, text: str, group: Group, part: int) -> None:
        """The whole text of a part, for a server that told no pieces of it."""
        if (part > item.part or not item.told) and not item.text.endswith(text):
            self.tell(item, text, group, part)

    def finish(self, given: Mapping[str, Any], index: int | None = None) -> None:
        """An item came whole: what was not told of it is told now."""
        if (kind := kind_of(given)) is not None:
            self._finish(self._of_call(given) or self.find(kind, given.get("id"), index), given)

    def finish_call(self, item: Item, given: Mapping[str, Any]) -> None:
        """The arguments of a call came whole; it ends here unless its name is still to come."""
        if not item.done:
            self._name(item, given)
            self._rest(item, texts_of("function_call", given))
            if item.name:
                self._done(item)

    def finish_all(self, output: object) -> None:
        """The answer is over; ``output`` is what it says of its items, for what was not told of them."""
        for item, given in self._untold(mappings(output)):
            self._finish(item, given)
        for item in self._all:
            self._done(item, surely=True)
        if any(not item.closed for item in self._all):
            self.faulty = self.faulty or "the provider called a tool without naming it"
        self.searches.tell()

    def _untold(self, listed: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Item, Mapping[str, Any]]]:
        """What of the final list was not told whole. Thinking that nothing follows came too late: nobody reads it."""
        pairs = list(self._paired(listed))
        last = max((at for at, (_, item, kind) in enumerate(pairs) if item is None and kind != "reasoning"), default=-1)
        for at, (given, item, kind) in enumerate(pairs):
            if item is None and (kind != "reasoning" or at < last or not self._all):
                yield self._new(kind, given.get("id"), None), given
            elif item is not None and not item.done:
                yield item, given

    def _paired(self, listed: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Item | None, Kind]]:
        """Each of the final list with the item that it is: by its id, by the call's, or by kind and order."""
        known = {at: self._of_id(given) or self._of_call(given) for at, given in enumerate(listed)}
        free = [item for item in self._all if item not in known.values()]
        for at, given in enumerate(listed):
            if (kind := kind_of(given)) is None:
                continue
            item = known[at] or next((each for each in free if each.kind == kind and each.may_be(given)), None)
            if item in free:
                free.remove(item)
            yield given, item, kind

    def _finish(self, item: Item, given: Mapping[str, Any]) -> None:
        if item.done:
            return
        self._name(item, given)
        self._rest(item, texts_of(item.kind, given))
        match item.kind:
            case "message":
                self._cite(given.get("content"))
            case "reasoning":
                item.encrypted = word(given.get("encrypted_content"))
            case "web_search_call":
                item.search = read_search(given)
            case "function_call":
                pass
        self._done(item)

    def _new(self, kind: Kind, item_id: object, index: int | None) -> Item:
        item = Item(kind, item_id if isinstance(item_id, str) else None)
        self._all.append(item)
        if item.id is not None:
            self._by_id[item.id] = item
        if index is not None:
            self._by_index[index] = item
        return item

    def _last(self, kind: Kind) -> Item | None:
        """For a server that numbers nothing: the item of that kind that is not done."""
        return next((item for item in reversed(self._all) if item.kind == kind and not item.done), None)

    def _of_id(self, given: Mapping[str, Any]) -> Item | None:
        found = self._by_id.get(word(given.get("id")) or "")
        return found if found is not None and found.kind == kind_of(given) else None

    def _of_call(self, given: Mapping[str, Any]) -> Item | None:
        """A call keeps its ``call_id``, even where a server changes the ids of items on the way."""
        call_id = word(given.get("call_id"))
        if kind_of(given) != "function_call" or call_id is None or self._of_id(given) is not None:
            return None
        same = [item for item in self._all if item.call_id == call_id]
        return same[0] if len(same) == 1 else None

    def _name(self, item: Item, given: Mapping[str, Any]) -> None:
        item.call_id = item.call_id or word(given.get("call_id"))
        item.name = item.name or word(given.get("name")) or ""

    def _cite(self, content: object) -> None:
        for part in mappings(content):
            self.refused = self.refused or part.get("type") == "refusal"
            self.searches.cite(part.get("annotations"))

    def _rest(self, item: Item, parts: Sequence[tuple[Group, str]]) -> None:
        """Tell of ``parts`` what was not told yet. Where both differ, what was told stands."""
        told, group = item.text, item.group
        for number, (kind, part) in enumerate(parts):
            if kind != (group or kind):
                continue
            if told.startswith(part):
                told = told[len(part) :]
            elif part.startswith(told):
                self.tell(item, part[len(told) :], kind, item.part if told else number)
                told = ""
            else:
                return

    def _done(self, item: Item, *, surely: bool = False) -> None:
        """``surely``: nothing more comes of a call that has no arguments yet."""
        if item.done:
            return
        item.ended = item.kind == "function_call"
        item.done = surely or not item.ended or bool(item.told)
        self._write(item)

    def _write(self, item: Item) -> None:
        while (holder := self._open_call) is not None and holder.ended and item.kind != "function_call":
            self._done(holder, surely=True)
        if holder is not None and holder is not item:
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
        given = meant_arguments(item.text)
        if given is None:
            self.faulty = self.faulty or f"the arguments of the call of {self._names.own(item.name)} cannot be read"
        elif item.unsent:
            self._writer.arguments(msgspec.json.encode(given).decode())
        self._writer.close()
        self._open_call = None
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self._write(each)


def _taken(pieces: list[str]) -> str:
    text = pieces[0] if len(pieces) == 1 else "".join(pieces)
    pieces.clear()
    return text
