"""The client's own line about itself, first in ``system``: api.anthropic.com takes it out, everybody else caches it."""

_MARK = "x-anthropic-billing-header:"


def unattributed(text: str) -> str:
    """``text`` of a system block without that line; empty where it is nothing else."""
    return text.partition("\n")[2].lstrip("\n") if text.startswith(_MARK) else text
