"""Requests as Claude Code sends them: headers, and bodies that grow with the conversation. Pure.

The words in them are ours; the sizes and the fields are those of the real client (tools of some 60 KB, cache
marks that move with the conversation, the session inside ``metadata.user_id``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy import contract as c

MAIN_MODEL = "claude-opus-5-5"
AGENT_MODEL = "claude-sonnet-5-5"
BACKGROUND_MODEL = "claude-haiku-5-5"

CLIENT = "claude-cli/2.1.329 (external, cli)"

Json = dict[str, object]

_MARK = {"cache_control": {"type": "ephemeral"}}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who asks: a session's conversation, or one of its sub-agents."""

    token: str
    """The local token of the demo's engine."""
    project: str
    session_id: str
    agent_id: str | None = None
    parent_agent_id: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        names = {
            "user-agent": CLIENT,
            "x-app": "cli",
            "anthropic-version": "2023-06-01",
            "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
            "content-type": "application/json",
            "x-claude-code-session-id": self.session_id,
            c.TOKEN_HEADER: self.token,
            c.PROJECT_HEADER: self.project,
        }
        agent = {
            "x-claude-code-agent-id": self.agent_id,
            "x-claude-code-parent-agent-id": self.parent_agent_id,
        }
        return names | {name: value for name, value in agent.items() if value}

    @property
    def metadata(self) -> Json:
        user = {"device_id": "demo", "account_uuid": "", "session_id": self.session_id}
        return {"user_id": json.dumps(user)}


def turn_body(speaker: Speaker, messages: Sequence[Json], *, stream: bool = True) -> Json:
    """A turn of a conversation or of a sub-agent."""
    is_agent = speaker.agent_id is not None
    return {
        "model": AGENT_MODEL if is_agent else MAIN_MODEL,
        "messages": _marked(messages),
        "system": _system(speaker, is_agent=is_agent),
        "tools": [_tool(name) for name in (AGENT_TOOLS if is_agent else MAIN_TOOLS)],
        "metadata": speaker.metadata,
        "max_tokens": 32_000,
        "thinking": {"type": "disabled"} if is_agent else {"type": "adaptive"},
        "output_config": {"effort": "medium"},
        "stream": stream,
    }


def title_body(speaker: Speaker, prompt: str) -> Json:
    """The request for a session's title that runs beside its first turn."""
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    return {
        "model": BACKGROUND_MODEL,
        "messages": [user(prompt)],
        "system": [{"type": "text", "text": "Name the conversation that begins like this, in a few words."}],
        "metadata": speaker.metadata,
        "max_tokens": 512,
        "thinking": {"type": "disabled"},
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "stream": True,
    }


def count_body(speaker: Speaker, messages: Sequence[Json]) -> Json:
    body = turn_body(speaker, messages)
    return {name: body[name] for name in ("model", "messages", "system", "tools")}


def user(text: str) -> Json:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def assistant(blocks: Sequence[Mapping[str, object]]) -> Json:
    return {"role": "assistant", "content": [dict(block) for block in blocks]}


def tool_results(results: Mapping[str, str], text: str | None) -> Json:
    """The results by call id, and the next step's words where there is one."""
    blocks: list[Json] = [
        {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": result}]}
        for call_id, result in results.items()
    ]
    return {"role": "user", "content": [*blocks, *([{"type": "text", "text": text}] if text else [])]}


def file_listing(name: str) -> str:
    """What reading a file or running a command brought: some 4 KB."""
    lines = [f"{number:4d}  {_CODE[number % len(_CODE)]}" for number in range(1, 90)]
    return "\n".join([f"# {name}", *lines])


def _marked(messages: Sequence[Json]) -> list[Json]:
    """``messages`` with a cache mark on the last block, as the client moves it along."""
    *before, last = messages
    content = last["content"]
    if not isinstance(content, list) or not content:
        return [*before, last]
    return [*before, {**last, "content": [*content[:-1], {**content[-1], **_MARK}]}]


def _system(speaker: Speaker, *, is_agent: bool) -> list[Json]:
    role = "You work on one task for another agent and report to it." if is_agent else "You work with a developer."
    rules = "\n".join(f"{number}. {rule}" for number, rule in enumerate(_RULES * (2 if is_agent else 8), 1))
    return [
        {"type": "text", "text": f"{role} The project is {speaker.project}."},
        {"type": "text", "text": rules, **_MARK},
    ]


def _tool(name: str) -> Json:
    manual = "\n".join(f"- {line.format(tool=name)}" for line in _MANUAL * 3)
    arguments = {each: {"type": "string", "description": f"The {each} for {name}."} for each in _ARGUMENTS}
    return {
        "name": name,
        "description": f"{name}: a tool of the client.\n{manual}",
        "input_schema": {"type": "object", "properties": arguments, "additionalProperties": False},
    }


MAIN_TOOLS = (
    *("Agent", "Bash", "Edit", "Glob", "Grep", "Read", "Write", "NotebookEdit", "WebFetch", "WebSearch"),
    *("TodoWrite", "AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "BashOutput", "KillShell", "Skill"),
    *("ListResources", "ReadResource", "Monitor", "Schedule", "SendMessage"),
)
AGENT_TOOLS = ("Agent", "Bash", "Edit", "Glob", "Grep", "Read", "Write", "WebFetch", "TodoWrite")

_ARGUMENTS = ("file_path", "content", "command", "description", "pattern", "prompt")

_MANUAL = (
    "Use {tool} when the task names a concrete object and the object can be reached from the working directory.",
    "Prefer one call with complete arguments over several calls that each bring a part of the result.",
    "Paths are absolute. A path with spaces needs no quotes, because arguments travel as JSON.",
    "The result of {tool} is text; what exceeds thirty thousand characters is cut in the middle and says so.",
    "A call that fails explains why in its result. Read the explanation before you repeat the call.",
    "{tool} never asks the user by itself. Where a permission is missing, the client asks and the call waits.",
    "Several independent calls of {tool} may stand in one answer; they run at the same time.",
    "Do not describe the call to the user beforehand in more than one sentence, and never promise its result.",
)

_RULES = (
    "Read before you write: look at the file, at its neighbours and at its tests, and follow their style.",
    "Change what the task needs and leave the rest as it is, also where it could be nicer.",
    "Run the tests that belong to the change and tell honestly what they said.",
    "Keep secrets out of files, logs and messages, and never commit on your own.",
    "Say what you did in few words. Name files with their line, so that the reader finds the place.",
    "When something is unclear and a guess would be expensive, ask one question and wait for the answer.",
)

_CODE = (
    "def submit(order, *, key):",
    "    with store.reserve(key) as slot:",
    "        if slot.result is not None:",
    "            return slot.result",
    "        slot.result = gateway.send(order)",
    "    return slot.result",
    "",
    "async def load(pool, tenant, sku):",
    "    async with pool.acquire() as connection:",
    "        return await connection.fetch_one(QUERY, tenant, sku)",
    "",
)
