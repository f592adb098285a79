"""Fields and betas that a provider rejects: read from its words, taken out as a pair.

A body field and the ``anthropic-beta`` value that announces it belong together: a provider that refuses the one
gets neither. What Claude's own API says is never touched: the client mends that by itself.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.messages import Body

BETA_HEADER = b"anthropic-beta"

PAIRS: Mapping[str, tuple[str, ...]] = {
    "context_management": ("context-management-", "compact-"),
    "output_config": ("effort-", "structured-outputs-", "task-budgets-"),
    "output_format": ("structured-outputs-",),
    "thinking": ("interleaved-thinking-", "thinking-"),
    "mcp_servers": ("mcp-client-",),
    "container": ("code-execution-", "skills-"),
    "speed": ("fast-mode-",),
    "defer_loading": ("advanced-tool-use-", "tool-search-tool-"),
    "input_examples": ("advanced-tool-use-",),
    "allowed_callers": ("advanced-tool-use-",),
    "eager_input_streaming": ("fine-grained-tool-streaming-",),
    "fallbacks": ("server-side-fallback-",),
}
"""Starts of the betas that announce a field (the last name of its path)."""

NEEDED = frozenset({"model", "messages", "max_tokens", "system", "stream", "tools"})
"""A provider that refuses these cannot serve: they are never taken out."""

_EXTRA = re.compile(r"([\w.\-]+): Extra inputs are not permitted")
_EXTRANEOUS = re.compile(r"#: extraneous key \[([\w.\-]+)\] is not permitted")
"""Bedrock's own words for it."""
_TAG = re.compile(r"([\w.\-]+): Input tag '[^']*' found using 'type' does not match")
_UNKNOWN = re.compile(
    r"(?:unknown|unrecognized|unsupported) (?:field|parameter|argument)s?:? [`'\"]?([\w.]+)", re.IGNORECASE
)
_BETAS = re.compile(r"Unexpected value\(s\) (.+?) for the `anthropic-beta` header")
_QUOTED = re.compile(r"[`'\"]([\w\-]+)[`'\"]")
_ANY_BETA = re.compile(r"invalid beta flag", re.IGNORECASE)

ALL_BETAS = "*"


class Rejection(Struct, frozen=True):
    """What a provider does not take."""

    field: str = ""
    """Path of a body field, numbers for list items: ``tools.0.custom.defer_loading``."""
    betas: tuple[str, ...] = ()
    """Values of ``anthropic-beta``, ``*`` for any."""
    taken: tuple[str, ...] = ()
    """Other values that it takes, where it said so."""
    most: int | None = None
    """The largest value that it takes, where it said so."""

    @property
    def name(self) -> str:
        """What the user reads."""
        if self.most is not None:
            return f"{self.field} above {self.most:,}"
        if self.taken:
            return f"{self.field} other than {', '.join(self.taken)}"
        return wildcard(self.field) or ("every beta" if ALL_BETAS in self.betas else ", ".join(self.betas))


def read_rejection(message: str) -> Rejection | None:
    """What an ``invalid_request_error`` rejects; None where it is about something that cannot be left out."""
    if found := _BETAS.search(message):
        return Rejection(betas=tuple(_QUOTED.findall(found.group(1))) or (ALL_BETAS,))
    if _ANY_BETA.search(message):
        return Rejection(betas=(ALL_BETAS,))
    patterns = (_EXTRA, _EXTRANEOUS, _TAG, _UNKNOWN)
    found = next((found for each in patterns if (found := each.search(message))), None)
    if found is None or found.group(1) in NEEDED:
        return None
    return Rejection(field=found.group(1))


def concerns(rejection: Rejection, body: Body, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a request has anything of what is rejected: otherwise leaving it out cannot help."""
    announced = any(
        betas_without_rejected(value.decode("latin-1"), [rejection]) != value.decode("latin-1").replace(" ", "")
        for name, value in headers
        if name == BETA_HEADER
    )
    return announced or bool(without_rejected(body, [rejection])[1])


def wildcard(path: str) -> str:
    """A path with every list item alike: ``tools.0.name`` and ``tools.7.name`` are one field."""
    return ".".join("*" if part.isdigit() else part for part in path.split("."))


def without_rejected(body: Body, rejections: Sequence[Rejection]) -> tuple[Body, tuple[str, ...]]:
    """The body without the fields that are rejected, or announced by a rejected beta; and what was left out."""
    left_out: list[str] = []
    for path in dict.fromkeys(path for each in rejections for path in _paths(each, body)):
        smaller = _without(body, path.split("."))
        if smaller is not None:
            body = smaller
            left_out.append(f"{path} left out: the provider rejects it")
    return body, tuple(left_out)


def betas_without_rejected(value: str, rejections: Sequence[Rejection]) -> str:
    """An ``anthropic-beta`` header without what is rejected, or announces a rejected field."""
    kept = [beta for beta in (each.strip() for each in value.split(",")) if beta and not _refused(beta, rejections)]
    return ",".join(kept)


def _paths(rejection: Rejection, body: Body) -> list[str]:
    if rejection.field:
        return [wildcard(rejection.field)]
    fields = []
    for name, starts in PAIRS.items():
        announced = any(beta.startswith(start) for beta in rejection.betas for start in starts)
        if announced or ALL_BETAS in rejection.betas:
            fields.append(name if name in body.fields else f"tools.*.{name}")
    return [field for field in fields if field != "thinking"]


def _refused(beta: str, rejections: Sequence[Rejection]) -> bool:
    for rejection in rejections:
        if beta in rejection.betas or ALL_BETAS in rejection.betas:
            return True
        leaf = rejection.field.rpartition(".")[2]
        if leaf and any(beta.startswith(start) for start in PAIRS.get(leaf, ())):
            return True
    return False


def _without(body: Body, path: Sequence[str]) -> Body | None:
    """The body without a field; None where it has none. What surrounds the field keeps its bytes where it can."""
    top, *rest = path
    raw = body.fields.get(top)
    if raw is None or (not rest and top in NEEDED):
        return None
    if not rest:
        return body.without(top)
    try:
        value = read_json(raw)
    except NotJson:
        return None
    if not _remove(value, rest):
        return None
    return Body(msgspec.json.encode({**body.fields, top: Raw(msgspec.json.encode(value))}))


def _remove(value: Any, path: Sequence[str]) -> bool:
    """Take out what ``path`` names, in every list item; a part that names a variant (``custom``) is passed over."""
    step, *rest = path
    if isinstance(value, list):
        inner = rest if step == "*" else path
        return any([_remove(each, inner) for each in value]) if inner else False  # noqa: C419  all of them, not the first
    if not isinstance(value, dict):
        return False
    if not rest:
        return value.pop(step, _MISSING) is not _MISSING
    below = value.get(step)
    return _remove(below if isinstance(below, dict | list) else value, rest)


_MISSING = object()
