"""Environment variables as text for each shell to evaluate. Pure."""

import json
from collections.abc import Mapping

SHELLS = ("sh", "fish", "powershell", "json", "settings")


def render(block: Mapping[str, str], shell: str) -> str:
    """``block`` in the words of ``shell``, one of ``SHELLS``."""
    if shell == "json":
        return json.dumps(block, indent=2)
    if shell == "settings":
        return json.dumps({"env": dict(block)}, indent=2)
    line = {"sh": _sh, "fish": _fish, "powershell": _powershell}[shell]
    return "\n".join(line(name, value) for name, value in block.items())


def _sh(name: str, value: str) -> str:
    quoted = value.replace("'", "'\\''")
    return f"export {name}='{quoted}'"


def _fish(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{quoted}'"


def _powershell(name: str, value: str) -> str:
    """On one line, since a pipe hands PowerShell one line at a time. It takes curly quotes for quotes too."""
    quoted = "".join(f"`{letter}" if letter in '`"$“”„' else letter for letter in value)
    lines = quoted.replace("\r", "`r").replace("\n", "`n")
    return f'$env:{name} = "{lines}"'
