"""The control door: where it is, how the two sides know each other, and the engine's life."""

from proxy.contract.frozen import Frozen
from proxy.contract.providers import Model

CONTRACT = 4
"""Version of everything in this package."""

DOOR = "/_cctui"
"""Path prefix of the control door; every other path belongs to the client's traffic."""

TOKEN_HEADER = "x-cctui-token"  # noqa: S105  the header's name
"""Carries the local token beside whatever credential the client sends. Never goes upstream."""

PROJECT_HEADER = "x-cctui-project"
"""The launcher names the project (the git root's name) in it. Never goes upstream."""


class Hello(Frozen, frozen=True):
    """Answer to ``GET /_cctui/hello?nonce=N``, which needs no token and so proves that the engine has it."""

    product: str
    contract: int
    version: str
    pid: int
    proof: str
    draining: bool = False
    """It takes no new requests and ends soon."""


class Refusal(Frozen, frozen=True):
    """What the control door answers when it does not do as told."""

    code: str
    message: str


class Stop(Frozen, frozen=True):
    """Command: drain and end. ``drain_s`` bounds the wait for running streams; None: the settings' bound."""

    drain_s: float | None = None


class LaunchPlan(Frozen, frozen=True):
    """What the launcher must know to set up ``claude``: answer to ``GET /_cctui/launch``."""

    url: str
    provider: str
    """The provider in force for the conversation."""
    own_credential: bool
    """That provider takes a key of the engine's: the client needs no login."""
    real_claude: bool
    """Claude itself answers there: tool search and fine-grained tool streaming make sense."""
    favourite: Model | None = None
    """The favourite foreign model, for clients that do not ask for our list."""


def proof_of_token(token: str, nonce: str) -> str:
    """What only a holder of the local token can answer to ``nonce``; the token itself is not sent."""
    import hmac

    return hmac.digest(token.encode(), f"cctui-hello:{nonce}".encode(), "sha256").hex()
