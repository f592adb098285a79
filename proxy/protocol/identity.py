"""Who sent a request: session, agent, role, project and client, from headers and body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from proxy.contract import PROJECT_HEADER, Role
from proxy.protocol.messages import Body
from proxy.protocol.naming import family_of

_LABEL_MAX = 200
"""Characters of a client's own label that are kept: it ends up in the ledger and on screens."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The sender of a request."""

    session: str | None
    agent: str | None
    parent_agent: str | None
    project: str | None
    client: str | None
    role: Role


TELLING = (
    b"x-claude-code-session-id",
    b"x-claude-code-agent-id",
    b"x-claude-code-parent-agent-id",
    PROJECT_HEADER.encode(),
    b"user-agent",
)
"""The headers that tell of the sender."""


def identify(headers: Mapping[str, str], body: Body | None) -> Identity:
    """The sender, from ``headers`` (names in lower case) and the body where there is one."""
    agent = _label(headers.get("x-claude-code-agent-id"))
    session = _label(headers.get("x-claude-code-session-id"))
    if session is None and body is not None:
        session = _label(body.metadata_session)
    return Identity(
        session=session,
        agent=agent,
        parent_agent=_label(headers.get("x-claude-code-parent-agent-id")),
        project=_label(unquote(headers.get(PROJECT_HEADER, ""))) or _directory_name(body),
        client=_label(headers.get("user-agent", "").split(" ")[0]),
        role=_role(agent, body),
    )


def _role(agent: str | None, body: Body | None) -> Role:
    """Requests for the client's own purposes (titles, summaries of a page, searches) lack the conversation's tools."""
    if agent:
        return "agent"
    if body is None or body.wants_structure or body.only_searches:
        return "background"
    if not body.has_tools and family_of(body.model) == "haiku":
        return "background"
    return "main"


def _directory_name(body: Body | None) -> str | None:
    """The last part of where the client works: what a client that was started by hand has for a project."""
    path = body.working_directory if body is not None else None
    return _label(re.split(r"[/\\]", path.rstrip("/\\"))[-1]) if path else None


def _label(text: str | None) -> str | None:
    """``text`` as a single printable line; None where nothing is left."""
    if not text:
        return None
    start = text[:_LABEL_MAX]
    clean = start if start.isprintable() else "".join(filter(str.isprintable, start))
    return clean or None
