"""Probes of what is not as it should be: a model that does not exist, fields that a gateway may not know. Pure."""

from proxy.checkup.first_words import plain_question
from proxy.checkup.probe import (
    ROOM_TOKENS,
    Ask,
    Facts,
    Probe,
    Seen,
    Size,
    Verdict,
    degraded,
    failed,
    passed,
    skipped,
    unserved,
)

NO_MODEL = "cctui-check-no-such-model"
_BETA = "context-management-2025-06-27"
_FIELD = "context_management"
_SAYS = ("model_unknown", "invalid_request")
"""What is said of a wrong model: then the client knows that it need not try again."""


def _wrong_model(seen: Seen) -> Ask:
    return Ask(plain_question(seen).body, model=NO_MODEL)


def _error(seen: Seen) -> Verdict:
    answer = seen.answers[0]
    attempt = answer.record.attempts[-1] if answer.record.attempts else None
    if attempt is None or attempt.status is None:
        return skipped(f"no answer came: {answer.record.error or 'nothing was sent'}")
    if answer.served:
        model = answer.record.served_model or "another one"
        return degraded(f"a model that does not exist is answered by {model}: a misspelt name goes unnoticed", answer)
    if attempt.status == 200:
        return degraded("an error comes with HTTP 200; the engine tells it as one", answer)
    if attempt.outcome not in _SAYS:
        text = (
            f"of a model that does not exist it says HTTP {attempt.status}, which the engine takes for another trouble"
        )
        return degraded(text, answer)
    if answer.message is not None or not answer.words:
        return degraded(f"HTTP {attempt.status} without a word on what is wrong", answer)
    return passed(f"HTTP {attempt.status} with its reason")


def _foreign(facts: Facts) -> str | None:
    return "the engine writes the request in the provider's own format" if facts.foreign else None


def _extra_fields(seen: Seen) -> Ask:
    """What Claude Code itself sends, and not every gateway takes."""
    edits = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    user = {"user_id": f"check-{seen.facts.nonce}"}
    return Ask({**plain_question(seen).body, _FIELD: edits, "metadata": user}, betas=(_BETA,))


def _fields(seen: Seen) -> Verdict:
    answer = seen.answers[0]
    left_out = [each for attempt in answer.record.attempts for each in attempt.changed if "rejects it" in each]
    headers = [each.reason for each in answer.record.attempts if each.outcome == "invalid_request" and each.reason]
    if not answer.served:
        return unserved(seen) or failed("not answered", answer)
    if left_out or headers:
        what = ", ".join(each.split(" left out")[0] for each in left_out) or "a beta"
        return Verdict("degraded", f"rejects {what}: the engine leaves it out from now on", "; ".join(headers)[:300])
    return passed("fields that a gateway may not know are taken")


ERROR = Probe("error", "errors", _error, (_wrong_model,), Size(1, 30, 0, ROOM_TOKENS))
FIELDS = Probe("fields", "extra fields", _fields, (_extra_fields,), Size(1, 60, 20, ROOM_TOKENS), unfit=_foreign)
