"""What decides the target of a request, and the commands that change it."""

from typing import Literal

from msgspec import field

from proxy.contract.frozen import Frozen

Slot = Literal["opus", "sonnet", "haiku", "subagent"]
"""A kind of request that can have a target of its own: a model family that the client asks for, or sub-agents."""
SLOTS: tuple[Slot, ...] = ("opus", "sonnet", "haiku", "subagent")

AS_ASKED = "as-asked"
"""The target text that removes an override."""


class Override(Frozen, frozen=True):
    """A target chosen by the user for some traffic. The most specific one wins."""

    provider: str
    model: str | None = None
    """None: the provider's own name for the model that was asked."""
    session: str | None = None
    slot: Slot | None = None


class Route(Frozen, frozen=True):
    """What decides the target of a request."""

    default: str
    """The provider (or provider/model) that serves what nothing else decides."""
    overrides: tuple[Override, ...] = ()
    fallback_enabled: bool = True
    chain: tuple[str, ...] = ()
    """Targets (``provider/model``), providers or groups that follow the first target, in order."""
    slot_chains: dict[Slot, tuple[str, ...]] = field(default_factory=dict)
    """Chains of their own for some slots; the others have ``chain``."""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Providers or targets under one name, from the settings."""


class Use(Frozen, frozen=True):
    """Command: send traffic to ``target`` (``provider/model``, ``provider``, ``model`` or ``as-asked``)."""

    target: str
    session: str | None = None
    slot: Slot | None = None


class SetFallback(Frozen, frozen=True):
    """Command: turn fallback on or off and, where given, replace the chain (of all slots, or of ``slot``)."""

    enabled: bool | None = None
    chain: tuple[str, ...] | None = None
    slot: Slot | None = None
    """An empty ``chain`` for a slot removes the slot's own."""
