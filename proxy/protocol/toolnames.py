"""Tools and their calls as a person knows them: ``Bash npm test``, ``mcp github``. Pure.

Names and arguments come from outside: what is told of them is one line, bounded, without what looks like a key.
"""

from collections.abc import Mapping

from proxy.protocol.redact import redact

NAME_MAX = 60
"""Characters of a tool's name that are told."""
ARGUMENT_MAX = 60
"""Characters of a call's argument that are told."""

_PATHS = ("file_path", "notebook_path", "path")
_TELLING = ("file_path", "notebook_path", "command", "pattern", "url", "query", "description", "prompt", "path")
"""Arguments that tell one call of a tool from another, the most telling first."""


def mcp_server(tool: str) -> str | None:
    """The MCP server in a tool's name, which is ``mcp__SERVER__TOOL``; None for the client's own tools."""
    parts = tool.split("__", 2)
    if len(parts) < 3 or parts[0] != "mcp":
        return None
    return one_line(parts[1], NAME_MAX) or None


def tool_name(tool: str) -> str:
    """``Bash``, ``mcp github create_issue``."""
    server = mcp_server(tool)
    if server is not None:
        return f"mcp {server} {one_line(tool.split('__', 2)[2], NAME_MAX)}".rstrip()
    return one_line(tool, NAME_MAX) or "without a name"


def call_name(tool: str, arguments: object) -> str:
    """A call by its tool and the argument that tells it from others: ``Read src/big.json``."""
    name = tool_name(tool)
    key, argument = _telling(arguments)
    if not argument:
        return name
    shown = one_line(argument, ARGUMENT_MAX, keep_end=key in _PATHS)
    return f"{name} {redact(shown)}" if shown else name


def one_line(text: str, limit: int, *, keep_end: bool = False) -> str:
    """``text`` on one printable line of at most ``limit`` characters, cut with an ellipsis."""
    start = text[-4 * limit :] if keep_end else text[: 4 * limit]
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in start).split())
    if len(clean) <= limit:
        return clean
    return f"…{clean[-limit + 1 :]}" if keep_end else f"{clean[: limit - 1].rstrip()}…"


def _telling(arguments: object) -> tuple[str, str]:
    """Name and value of the most telling argument; of an unknown tool, its first text."""
    if not isinstance(arguments, Mapping):
        return "", ""
    texts = {str(name): value for name, value in arguments.items() if isinstance(value, str) and value.strip()}
    key = next((name for name in _TELLING if name in texts), next(iter(texts), ""))
    return key, texts.get(key, "")
