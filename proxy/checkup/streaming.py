"""Probes of how answers travel: in pieces while they are written, and no further once the client is gone. Pure."""

from proxy.checkup.first_words import plain_question
from proxy.checkup.probe import (
    ROOM_TOKENS,
    Answer,
    Ask,
    Probe,
    Seen,
    Size,
    Verdict,
    degraded,
    failed,
    passed,
    question,
    seconds,
    skipped,
    unserved,
)

PIECES_LEAST = 3
SPAN_LEAST = 0.05
"""Of the whole time: an answer that was written before it was sent arrives within less."""
QUICK_S = 0.3
"""Of an answer that takes no longer nobody can tell whether it was held back."""
LATE_FACTOR, LATE_S = 3.0, 3.0
"""A question right after a cancelled one is late when it waits so much longer than one before."""


def _counting(stop: int, *, cut: bool) -> Ask:
    text = f"Write the numbers from 1 to {stop} in English words, separated by commas, and nothing else."
    return Ask(question(text, stream=True), cut=cut)


def _stream(seen: Seen) -> Verdict:
    if wrong := unserved(seen):
        return wrong
    answer = seen.answers[0]
    if not answer.text.strip():
        return failed("the stream brought no text", answer)
    return _in_pieces(answer)


def _in_pieces(answer: Answer) -> Verdict:
    first, last = answer.arrivals[0], answer.arrivals[-1]
    moments = len(dict.fromkeys(answer.arrivals))
    if moments < PIECES_LEAST and last <= QUICK_S:
        return skipped(f"the whole answer took {last * 1000:.0f} ms: too quick to tell pieces apart")
    if moments < PIECES_LEAST:
        times = {1: "at once", 2: "in two pieces"}[moments]
        return degraded(f"buffered: the whole answer came {times} after {seconds(last)}", answer)
    if last > QUICK_S and last - first < SPAN_LEAST * last:
        return degraded(f"buffered: first piece after {seconds(first)} of {seconds(last)}", answer)
    return passed(f"{moments} pieces over {seconds(last - first)}, the first after {seconds(first)}")


def _cancelled(seen: Seen) -> Verdict:
    if not seen.answers:
        return skipped("not asked")
    first = seen.answers[0]
    if first.record.outcome != "cancelled":
        if first.served:
            return skipped("the answer was over before it could be cancelled")
        return unserved(Seen(seen.facts, [first])) or skipped("nothing was there to cancel")
    after = seen.answers[-1]
    if not after.served:
        words = after.record.error or f"status {after.status}"
        return degraded(f"goes on with what was cancelled: it refuses the next request ({words})", after)
    usual = max((each.first_s for each in seen.others.get("key", ())), default=0.0)
    if after.first_s > usual * LATE_FACTOR + LATE_S:
        waited = f"{seconds(after.first_s)}, {seconds(usual)} before"
        return degraded(f"goes on with what was cancelled: the next answer had to wait ({waited})", after)
    return passed(f"closed at once; the next answer came after {seconds(after.first_s)}")


def _after_it(seen: Seen) -> Ask | None:
    return plain_question(seen) if seen.answers[0].record.outcome == "cancelled" else None


STREAM = Probe("stream", "streaming", _stream, (lambda _: _counting(60, cut=False),), Size(1, 40, 250, ROOM_TOKENS))
CANCEL = Probe(
    "cancel",
    "cancellation",
    _cancelled,
    (lambda _: _counting(200, cut=True), _after_it),
    Size(2, 70, 150, 2 * ROOM_TOKENS),
    ("key",),
)
