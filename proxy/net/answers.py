"""How an answer is read, held and passed on: streams, whole Messages, token counts, and whatever else there is.

Bytes go to the client first and are looked at second; nothing that the look finds can hold them up. Until the
first meaningful event of a stream nothing has reached the client; from then on the stream belongs to its target.
What was seen is judged in ``protocol.outcome``.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx
import msgspec

from proxy.net.attempt import AnswerBroke, Attempt, Failure
from proxy.net.awaited import Awaited
from proxy.net.client import JSON_TYPE, STREAM_TYPE, Header
from proxy.net.failures import ERROR_BYTES_MAX, error_in_disguise, first_event_error
from proxy.net.headers import media_type, reply_headers
from proxy.net.translated import reply_headers_of, translated, whole_answer
from proxy.net.upstream import UpstreamFault, read_body, read_chunks
from proxy.protocol.answer_tap import AnswerTap
from proxy.protocol.outcome import Seen, judge
from proxy.protocol.usage import nano_usd, read_message
from proxy.protocol.whole import message_of, stream_of

log = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 64 * 1024 * 1024

HOLD_S = 10.0
"""A stream that began, but brings nothing that commits it for so long, is passed on, and so is one of which nothing but
signs of life came: the client grows uneasy after 20 s without a byte, and a model that thinks in silence is at work."""


class _Count(msgspec.Struct):
    """What a provider answers to ``count_tokens``."""

    input_tokens: int


async def relay_message(attempt: Attempt, response: httpx.Response) -> Failure | None:
    """An answer to ``POST /v1/messages``, streamed or whole."""
    if attempt.exchange.streaming:
        return await _relay_stream(attempt, response)
    return await _relay_whole(attempt, response)


async def _relay_stream(attempt: Attempt, response: httpx.Response) -> Failure | None:
    reader = attempt.parcel.reader
    chunks = read_chunks(response) if reader is None else translated(read_chunks(response), reader)
    tap = attempt.exchange.tap = AnswerTap()
    attempt.exchange.facts = tap.facts
    awaited = Awaited(chunks)
    try:
        held = await _hold(attempt, awaited, tap, response)
        if isinstance(held, bytes):
            return error_in_disguise(attempt, held, response)
        if isinstance(held, Seen):
            return first_event_error(attempt, tap, response) if tap.failed else attempt.failed(held)
        await _commit(attempt, held, response)
        seen = await _pump(attempt, awaited.rest(), tap)
        await _finish_stream(attempt, tap, seen)
    finally:
        _note_counts(attempt, tap)
        await awaited.close()
    return None


async def _relay_whole(attempt: Attempt, response: httpx.Response) -> Failure | None:
    """An answer that does not stream is read to its end first: half of it is of no use to the client."""
    whole = await read_whole(attempt, response)
    if isinstance(whole, Failure):
        return whole
    await serve_whole(attempt, response.status_code, whole)
    return None


@dataclass(frozen=True, slots=True)
class Whole:
    """A Message, and the headers with which it goes to the client."""

    body: bytes
    headers: Sequence[Header]


async def read_whole(attempt: Attempt, response: httpx.Response) -> Whole | Failure:
    """The Message that an answer is or was turned into. What it tells of itself is then known of the exchange."""
    exchange = attempt.exchange
    body = await read_body(response, ANSWER_BYTES_MAX)
    if not body:
        return attempt.failed(Seen("first_event", cause="empty"))
    headers = reply_headers(response)
    if (reader := attempt.parcel.reader) is not None:
        body, headers = whole_answer(reader, body), reply_headers_of(response, JSON_TYPE)
        exchange.usage_estimated = reader.estimated
    facts = read_message(body)
    if facts is None and (message := message_of(body)) is not None:
        body, facts, headers = message, read_message(message), _relabelled(response, JSON_TYPE)
    if facts is None:
        return attempt.failed(Seen("first_event", cause="not_a_stream", detail=_start_of(body)))
    exchange.facts = facts
    if facts.error_type is not None:
        return error_in_disguise(attempt, body, response)
    if (reported := nano_usd(response.headers.get("x-litellm-response-cost"))) and not facts.reported_nano_usd:
        facts.reported_nano_usd = reported
    return Whole(body, headers)


async def serve_whole(attempt: Attempt, status: int, whole: Whole) -> None:
    """The client gets a Message: as a stream, if it asked for one."""
    exchange, body, headers = attempt.exchange, whole.body, whole.headers
    if exchange.streaming and (stream := stream_of(body)) is not None:
        body, headers = stream, [STREAM_TYPE, *(each for each in headers if each[0] != b"content-type")]
    _note_commit(attempt, status)
    exchange.output_bytes = len(body)
    exchange.capture.add(body)
    exchange.outcome = "served"
    await attempt.client.answer(status, body, headers)


async def relay_count(attempt: Attempt, response: httpx.Response) -> Failure | None:
    """An answer to ``POST /v1/messages/count_tokens``."""
    body = await read_body(response, ERROR_BYTES_MAX)
    if (dialect := attempt.parcel.dialect) is not None:
        count = dialect.read_count(body)
        body = body if count is None else b'{"input_tokens":%d}' % count
    if not _is_count(body):
        return attempt.failed(Seen("first_event", cause="not_a_stream", detail=_start_of(body)))
    _note_commit(attempt, response.status_code)
    attempt.exchange.outcome = "served"
    headers = reply_headers(response) if attempt.parcel.dialect is None else [JSON_TYPE]
    await attempt.client.answer(response.status_code, body, headers)
    return None


async def relay_raw(attempt: Attempt, response: httpx.Response) -> Failure | None:
    """Whatever it is, byte by byte. A provider that breaks off breaks the client's connection too."""
    exchange, client = attempt.exchange, attempt.client
    _note_commit(attempt, response.status_code)
    await client.start(response.status_code, reply_headers(response))
    try:
        async for chunk in read_chunks(response):
            exchange.output_bytes += len(chunk)
            await client.write(chunk)
    except UpstreamFault as fault:
        attempt.verdict = judge(Seen("mid_stream", cause=fault.cause, detail=fault.detail), time.time())
        exchange.outcome, exchange.error = "broken", attempt.says(attempt.verdict)
        raise AnswerBroke(exchange.error) from fault
    exchange.outcome = "served"
    await client.end()
    return None


async def _hold(
    attempt: Attempt, chunks: Awaited, tap: AnswerTap, response: httpx.Response
) -> list[bytes] | Seen | bytes:
    """Read until the stream commits. What was read, or what came instead of a stream: bytes are an error's body."""
    held: list[bytes] = []
    until = time.monotonic() + HOLD_S
    while True:
        begun = tap.facts.message_id is not None
        chunk = await chunks.next(max(0.0, until - time.monotonic()) if begun else None)
        if chunk == "late":
            return held
        if chunk is None:
            break
        held.append(chunk)
        attempt.exchange.capture.add(chunk)
        _look(tap, chunk)
        if tap.failed and not tap.meaningful:
            return Seen("first_event", status=response.status_code, cause="error_event")
        if tap.broken:
            return Seen("first_event", cause="not_a_stream")
        overdue = time.monotonic() > until
        if not tap.facts.message_id and overdue:
            _begin_unasked(attempt, tap, held)
        if tap.meaningful or (tap.facts.message_id and overdue):
            return held
        attempt.live(asyncio.get_running_loop().time())
    tap.end()
    if tap.meaningful:
        return held
    body = b"".join(held)
    if not body.strip() or tap.facts.message_id or _is_stream(response, body):
        return Seen("first_event", cause="empty")
    facts = read_message(body)
    if facts is not None and facts.error_type is not None:
        tap.facts.error_type, tap.facts.error_message = facts.error_type, facts.error_message
        return body
    if (stream := stream_of(body)) is not None:
        _look(tap, stream)
        return [stream]
    return Seen("first_event", cause="not_a_stream", detail=_start_of(body))


def _begin_unasked(attempt: Attempt, tap: AnswerTap, held: list[bytes]) -> None:
    """A translated answer of which only signs of life came begins all the same, so that the client gets some too."""
    reader = attempt.parcel.reader
    if reader is not None and (start := reader.begin()):
        held.append(start)
        attempt.exchange.capture.add(start)
        _look(tap, start)


async def _commit(attempt: Attempt, held: list[bytes], response: httpx.Response) -> None:
    """From here on the stream belongs to this target."""
    exchange = attempt.exchange
    _note_commit(attempt, response.status_code)
    attempt.committed(attempt)
    exchange.output_bytes = sum(map(len, held))
    start = b"".join(held)
    labelled = media_type(response).startswith(b"application/json")
    headers = _relabelled(response, STREAM_TYPE) if labelled else reply_headers(response)
    if attempt.parcel.reader is not None:
        headers = reply_headers_of(response)
    await attempt.client.start(response.status_code, headers)
    await attempt.client.write(start)


async def _pump(attempt: Attempt, chunks: AsyncIterator[bytes], tap: AnswerTap) -> Seen | None:
    """Pass the rest of a stream on. None: the provider ended it; else what ended it. The hot path."""
    exchange, write, capture = attempt.exchange, attempt.client.write, attempt.exchange.capture.add
    clock, patience = asyncio.get_running_loop().time, attempt.provider.idle_timeout_s
    attempt.quiet_since = clock() if tap.between_events else None
    try:
        async with asyncio.timeout(patience) as timer:
            async for chunk in chunks:
                timer.reschedule(None)
                attempt.quiet_since = None
                try:
                    await write(chunk)
                except asyncio.CancelledError:  # the client left, and the provider bills it all the same
                    _look(tap, chunk)
                    raise
                now = clock()
                timer.reschedule(now + patience)
                _look(tap, chunk)
                attempt.quiet_since = now if tap.between_events else None  # a sign of life may have waited beside it
                capture(chunk)
                exchange.output_bytes += len(chunk)
                if exchange.first_text_at is None and tap.text_seen:
                    exchange.first_text_at = time.monotonic()
                exchange.dirty = True
    except UpstreamFault as fault:
        return Seen("mid_stream", cause="closed_early", detail=fault.detail)
    except TimeoutError:
        return Seen("mid_stream", cause="idle_timeout")
    finally:
        attempt.quiet_since = None
    return None


async def _finish_stream(attempt: Attempt, tap: AnswerTap, seen: Seen | None) -> None:
    exchange, client = attempt.exchange, attempt.client
    mid_line = tap.mid_line
    if seen is None:
        tap.end()
    if exchange.first_text_at is None and tap.text_seen:
        exchange.first_text_at = exchange.first_event_at
    if tap.ended:
        exchange.outcome = "served"
        await client.end()
        return
    exchange.outcome = "broken"
    if tap.failed:
        seen = Seen("mid_stream", error_message=tap.facts.error_message)
    seen = seen or Seen("end", cause="closed_early", detail="the stream ended without its last event")
    outcome = attempt.verdict = judge(seen, time.time())
    exchange.error = attempt.says(outcome)
    if tap.failed:
        await client.end()
    else:
        await client.break_off(outcome.row.error_type, exchange.error, mid_line=mid_line)


def _note_counts(attempt: Attempt, tap: AnswerTap) -> None:
    """However a translated answer ended: what its provider counted until then, or that it counted nothing; and who
    answered, which an answer that began unasked could not tell."""
    if (reader := attempt.parcel.reader) is None:
        return
    attempt.exchange.usage_estimated = not reader.writer.usage_told
    tap.facts.model = reader.writer.model or tap.facts.model
    if not tap.output_told:
        tap.facts.see_usage(reader.writer.told)


def _relabelled(response: httpx.Response, label: Header) -> list[Header]:
    """The provider's headers for a body that is not what its label says, or was turned into what was asked."""
    return [label, *(each for each in reply_headers(response) if each[0] not in (b"content-type", b"content-length"))]


def _note_commit(attempt: Attempt, status: int) -> None:
    exchange = attempt.exchange
    if attempt.timer is not None:
        attempt.timer.reschedule(None)
    exchange.first_event_at = time.monotonic()
    exchange.phase, exchange.status, exchange.reply_started = "streaming", status, True
    exchange.dirty = True


def _look(tap: AnswerTap, chunk: bytes) -> None:
    """Let the tap read. Whatever goes wrong there, the stream goes on."""
    try:
        tap.feed(chunk)
    except Exception:
        log.exception("an answer could not be read; it is passed on all the same")


def _is_stream(response: httpx.Response, body: bytes) -> bool:
    start = body.lstrip()[:6]
    labelled = response.headers.get("content-type", "").startswith("text/event-stream")
    return start.startswith((b"event:", b"data:", b":")) or (labelled and not start.startswith((b"{", b"[", b"<")))


def _is_count(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=_Count)
    except msgspec.DecodeError:
        return False
    return True


def _start_of(body: bytes) -> str:
    return "it starts with " + repr(body[:60].decode(errors="replace"))
