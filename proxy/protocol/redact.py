"""Secrets never leave the engine: what a key looks like on screen and in memory, and texts with keys taken out."""

import hashlib
import re

_KEY_LIKE = re.compile(
    r"(?:sk|pk|rk|sess|key|cctui|gsk|xai|AIza|eyJ)[-_A-Za-z0-9]{1,12}[-_.A-Za-z0-9]{12,}|(?i:bearer)\s+\S{8,}"
)


def mask(secret: str) -> str:
    """Enough of a secret to recognise it, too little to use it."""
    secret = secret.strip()
    if len(secret) < 16:
        return "…" + secret[-2:] if len(secret) >= 8 else "…"
    return f"{secret[:5]}…{secret[-4:]}"


def fingerprint(secret: str) -> str:
    """What a secret is known by later, or a signature: too little to be of use to anyone."""
    return hashlib.sha256(secret.encode()).hexdigest()[:20]


def redact(text: str, secrets: tuple[str, ...] = ()) -> str:
    """``text`` without the known ``secrets`` (the longest first: one may begin like another) and without anything
    that looks like a key."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 6:
            text = text.replace(secret, mask(secret))
    return _KEY_LIKE.sub(lambda found: mask(found.group()), text)
