"""What all values of the contract have in common."""

from msgspec import Struct


class Frozen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the contract's values."""
