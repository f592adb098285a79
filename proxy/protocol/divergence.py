"""Where two prompts part, in words: the reason why a cache could not serve what it had. Pure.

Looked for in the order in which a prompt is built: provider, model, effort, tools, system, settings, messages.
"""

from collections import Counter
from collections.abc import Sequence

from proxy.protocol.prefix import DIGEST_BYTES, MESSAGE_SETTINGS, WHOLE_SETTINGS, Prefix, pieces_of
from proxy.protocol.toolnames import mcp_server, tool_name

COMPACTED = "the client compacted the conversation"


def first_difference(before: Prefix, after: Prefix) -> str | None:
    """Why ``after`` does not begin with what was cached of ``before``; None where it does."""
    return (
        _target(before, after)
        or _compaction(before, after)
        or _settings(before, after, WHOLE_SETTINGS)
        or _tools(before, after)
        or _system(before, after)
        or _settings(before, after, MESSAGE_SETTINGS)
        or _messages(before, after)
        or _changes(before, after)
    )


def _target(before: Prefix, after: Prefix) -> str | None:
    if before.provider != after.provider:
        return f"the provider changed from {before.provider} to {after.provider}"
    if before.model != after.model:
        return f"the model changed from {before.model} to {after.model}"
    return None


def _compaction(before: Prefix, after: Prefix) -> str | None:
    """A summary took the place of what came before."""
    shortened = len(after.blocks) < len(before.blocks)
    summarised = (before.compacts and not after.compacts) or (after.continued and not before.continued)
    return COMPACTED if shortened and summarised else None


def _settings(before: Prefix, after: Prefix, names: dict[str, str]) -> str | None:
    found = [words for name, words in names.items() if before.settings.get(name) != after.settings.get(name)]
    return f"{' and '.join(found)} changed" if found else None


def _tools(before: Prefix, after: Prefix) -> str | None:
    if before.tool_digests == after.tool_digests:
        return None
    gone, new = _without(before.tools, after.tools), _without(after.tools, before.tools)
    if gone or new:
        told = [f"{_named(names)} {word}" for names, word in ((new, "added"), (gone, "removed")) if names]
        return ", ".join(told)
    old, now = pieces_of(before.tool_digests), pieces_of(after.tool_digests)
    if sorted(old) == sorted(now):
        moved = next(name for name, one, other in zip(after.tools, old, now, strict=True) if one != other)
        return f"tools reordered from tool {tool_name(moved)} on"
    known = set(old)
    return f"{_named([name for name, digest in zip(after.tools, now, strict=True) if digest not in known])} changed"


def _system(before: Prefix, after: Prefix) -> str | None:
    if before.attribution != after.attribution:
        return "the client's attribution line (x-anthropic-billing-header, system block 1) changed"
    if before.system == after.system:
        return None
    first = 2 if after.attribution or before.attribution else 1
    place = common(before.system, after.system)
    old, new = len(before.system) // DIGEST_BYTES, len(after.system) // DIGEST_BYTES
    if old == new or (place < old and place < new):
        return f"system block {first + place} changed"
    return f"system block {first + place} {'added' if new > old else 'removed'}"


def _messages(before: Prefix, after: Prefix) -> str | None:
    cached = before.cached_blocks
    place = common(cached, after.blocks)
    if place * DIGEST_BYTES == len(cached):
        return None
    if place * DIGEST_BYTES == len(after.blocks):
        return f"the conversation went back to message {len(after.lengths)}"
    number = _message_at(after.lengths, place)
    here, there = (pieces_of(chain[place * DIGEST_BYTES :]) for chain in (cached, after.blocks))
    if here[0] in there:
        return f"something was inserted at message {number}"
    if there[0] in here:
        return f"something was removed at message {number}"
    return f"message {number} edited"


def _changes(before: Prefix, after: Prefix) -> str | None:
    if before.changed == after.changed:
        return None
    return f"cctui changed the request for this target: {'; '.join(after.changed) or 'nothing is left out any more'}"


def common(one: bytes, other: bytes) -> int:
    """How many pieces two chains have in common at their beginning."""
    if other.startswith(one):
        return len(one) // DIGEST_BYTES
    pairs = zip(pieces_of(one), pieces_of(other), strict=False)
    return next((place for place, (mine, yours) in enumerate(pairs) if mine != yours), len(other) // DIGEST_BYTES)


def _message_at(lengths: Sequence[int], block: int) -> int:
    """The number, from 1, of the message that holds block number ``block`` (from 0)."""
    seen = 0
    for number, length in enumerate(lengths, 1):
        seen += length
        if block < seen:
            return number
    return len(lengths)


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    known = set(others)
    return [name for name in names if name not in known]


def _named(names: Sequence[str]) -> str:
    """``tool Bash``, ``12 tools of mcp github``, ``tool Bash and 3 more``."""
    servers = Counter(mcp_server(name) for name in names)
    first = mcp_server(names[0])
    if first is not None and servers[first] > 1:
        told, rest = f"{servers[first]} tools of mcp {first}", len(names) - servers[first]
    else:
        told, rest = f"tool {tool_name(names[0])}", len(names) - 1
    return f"{told} and {rest} more" if rest else told
