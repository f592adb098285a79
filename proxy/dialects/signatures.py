"""Thinking of other providers in the client's hands: what must come back to its issuer, sealed as a signature.

Claude Code keeps a thinking block's signature as it is and sends it back. What another dialect needs returned
(encrypted reasoning, thought signatures) travels in it, marked with the dialect, so that nobody else ever gets it.
"""

import hashlib
import string
from urllib.parse import quote, unquote

MARK = "cctui1"
_PLAIN = "".join(each for each in string.punctuation if each not in '"\\%')
"""Beside letters and digits: what JSON does not escape, so that a signature is found in a body without decoding it."""

DIGEST_CHARS = 24
"""Of a hash: enough to tell one thinking from another."""


def sealed(dialect: str, payload: str) -> str:
    """``payload`` as a signature of ``dialect``."""
    return f"{MARK}.{dialect}.{quote(payload, safe=_PLAIN, errors='replace')}"


def opened(dialect: str, signature: str) -> str | None:
    """What ``dialect`` sealed in ``signature``; None where somebody else signed."""
    mark = f"{MARK}.{dialect}."
    return unquote(signature.removeprefix(mark)) if signature.startswith(mark) else None


def is_sealed(signature: str) -> bool:
    """Signed by the engine for some dialect, so never by Claude."""
    return signature.startswith(f"{MARK}.")


def digest(text: str) -> str:
    """Tells one thinking from another where a provider signs nothing."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST_CHARS]
