"""A line under Claude Code's prompt: who serves, what the session costs, what is left of its budget.

Claude Code runs this after each message, so it must be over before anybody notices: nothing heavy is imported, the
engine is asked over a bare socket, and what cannot be known is left out. It never fails and never waits long. The
engine proves that it holds the local token before it is sent any.
"""

import hashlib
import hmac
import json
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

from tui.state import unpriced

TIMEOUT_S = 0.5
"""An engine on this machine answers within milliseconds; without an answer the client's own figures do."""
ANSWER_BYTES_MAX = 1 << 16
SEPARATOR = " · "
OWN_MAX_USD = 1e9
"""The client's own figure is left out from there on: what is no number, too, is not below it."""

DOOR, TOKEN_HEADER = "/_cctui", "x-cctui-token"
"""As in the contract, which would take longer to import than there is time; so does ``proof``."""

STATE_FOLDERS: Mapping[str, str] = {"linux": "~/.local/state", "darwin": "~/Library/Application Support"}
"""Where programs keep their state, by platform."""

Facts = Mapping[str, Any]


def runtime_file() -> str:
    """Where the engine tells of itself: as ``proxy.paths`` says, which takes as long to import as all else takes."""
    if home := os.environ.get("CCTUI_HOME"):
        return os.path.join(os.getcwd(), os.path.expanduser(home), "run", "engine.json")
    named = os.environ.get("XDG_STATE_HOME", "")
    folder = os.path.expanduser(STATE_FOLDERS.get(sys.platform, ""))
    usual = os.path.isabs(folder) and "ANDROID_ROOT" not in os.environ
    if usual and (not named or (sys.platform == "linux" and os.path.isabs(named))):
        return os.path.join(named or folder, "cctui", "run", "engine.json")
    from proxy.paths import find_paths

    return str(find_paths().runtime_file)


def line(given: Facts, facts: Facts | None) -> str:
    """The line, from what Claude Code ``given`` and from the engine's ``facts`` where there are any."""
    engine = facts or {}
    own_model = _table(given, "model").get("display_name")
    served = engine.get("served_model") or own_model
    parts = [
        _text(served),
        _text(engine.get("provider")) if facts else "no engine",
        _cost(given, engine),
        _share("cache", engine.get("cached")),
        _share("context", engine.get("context", _own_context(given))),
        _budget(engine),
    ]
    return SEPARATOR.join(part for part in parts if part)


def facts_of(file_name: str, session: str) -> Facts | None:
    """What the engine knows of ``session``; None where it does not answer, or somebody else does."""
    try:
        with open(file_name, "rb") as file:
            runtime = json.load(file)
        url, token, nonce = runtime["url"], runtime["token"], os.urandom(16).hex()
        hello = _get(url, f"{DOOR}/hello?nonce={nonce}")
        if not hmac.compare_digest(hello["proof"].encode(), proof(token, nonce).encode()):
            return None
        facts: Facts = _get(url, f"{DOOR}/statusline?session={_quoted(session)}", f"{TOKEN_HEADER}: {token}\r\n")
        return facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def proof(token: str, nonce: str) -> str:
    """What only a holder of the token can answer to ``nonce``."""
    return hmac.new(token.encode(), f"cctui-hello:{nonce}".encode(), hashlib.sha256).hexdigest()


def read_given(text: str) -> Facts:
    """What Claude Code says on standard input; empty where it is nothing of use."""
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def show(file_name: str) -> None:
    """Print the line for what stands on standard input; ``file_name`` is the ``runtime_file``."""
    try:
        given = read_given("" if sys.stdin.isatty() else sys.stdin.read())
        text = line(given, facts_of(file_name, _text(given.get("session_id"))))
        sys.stdout.buffer.write(f"{text}\n".encode())
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _cost(given: Facts, engine: Facts) -> str:
    """The engine's figure; the client's own is right only where the engine has none."""
    if engine.get("known"):
        real, simulated = engine.get("cost_nano_usd", 0), engine.get("simulated_nano_usd", 0)
        amount = _dollars(real) if real or not simulated else f"~{_dollars(simulated)}"
        return unpriced.told(amount, real > 0 or simulated > 0, engine.get("unpriced_requests", 0))
    own = _table(given, "cost").get("total_cost_usd")
    return _dollars(round(own * 1e9)) if isinstance(own, int | float) and 0 <= own < OWN_MAX_USD else ""


def _budget(engine: Facts) -> str:
    budget = engine.get("budget")
    if not isinstance(budget, dict) or "limit_nano_usd" not in budget:
        return ""
    if engine.get("passing"):
        return "passes budgets"
    left = budget["limit_nano_usd"] - budget.get("spent_nano_usd", 0)
    whose = budget.get("kind", "")
    amount = unpriced.left(_dollars(left), budget.get("unpriced_requests", 0))
    return f"{amount} left ({whose})" if left > 0 else f"{whose} budget used up"


def _own_context(given: Facts) -> float | None:
    used = _table(given, "context_window").get("used_percentage")
    return used / 100 if isinstance(used, int | float) else None


def _share(name: str, share: object) -> str:
    return f"{name} {share:.0%}" if isinstance(share, int | float) else ""


def _dollars(nano_usd: int) -> str:
    """As ``tui.state.formats`` rounds and writes it, which takes too long to import: the panel beside it says the same.

    From a dollar on to the cent, below to the hundredth of a cent; never nothing where there is something.
    """
    if 0 < nano_usd < 50_000:
        return "<$.0001"
    hundredths_of_cents = (nano_usd + 50_000) // 100_000
    if hundredths_of_cents == 0 or hundredths_of_cents >= 10_000:
        cents = (nano_usd + 5_000_000) // 10_000_000
        return f"${cents // 100:,}.{cents % 100:02d}"
    return f"$0.{hundredths_of_cents:04d}"


def _table(given: Facts, name: str) -> Facts:
    value = given.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Printable, on one line."""
    return "".join(letter for letter in value if letter.isprintable()) if isinstance(value, str) else ""


def _get(url: str, path: str, header: str = "") -> Any:
    """The JSON at ``path``. Raises ``OSError`` and ``ValueError``."""
    authority = url.removeprefix("http://")
    host, _, port = authority.rpartition(":")
    request = f"GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n{header}\r\n"
    with socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S) as connection:
        connection.sendall(request.encode())
        answer = b""
        while len(answer) < ANSWER_BYTES_MAX and (part := connection.recv(ANSWER_BYTES_MAX)):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        raise ValueError(head[:80])
    return json.loads(body)


def _quoted(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter in "-_.")


if __name__ == "__main__":
    show(sys.argv[1] if len(sys.argv) > 1 else runtime_file())
