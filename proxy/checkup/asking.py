"""Asks for a probe: sends a request the way of all traffic, in the place of a client, and keeps what came when.

The request goes through the same relay as the client's, to the check's own target and no other, and is recorded and
paid like any other. Only the socket between client and engine is left out, so that times are the provider's.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from proxy import __version__
from proxy.checkup.probe import Answer, Ask
from proxy.net.attempt import AnswerBroke
from proxy.net.client import Client
from proxy.net.exchange import Exchange
from proxy.net.server import new_exchange
from proxy.protocol.identity import Identity
from proxy.protocol.routing import Target
from proxy.protocol.whole import message_of

log = logging.getLogger(__name__)

BODY_KEPT = 1024 * 1024
"""Of an answer; no probe asks for one so long."""
_TEXT = b"content_block_delta"
_numbers = itertools.count(1)

Serve = Callable[[Exchange, Client], Awaitable[None]]


class Asker:
    """Sends requests of checks."""

    def __init__(
        self,
        opened: Callable[[Exchange], None],
        messages: Serve,
        count_tokens: Serve,
        running: set["asyncio.Task[None]"],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``running`` has the tasks that the engine lets end before it stops."""
        self._opened, self._messages, self._count_tokens = opened, messages, count_tokens
        self._running = running
        self.clock = clock

    async def ask(self, asked: Ask, target: Target, session: str, take: Callable[[Answer], None]) -> None:
        """``take`` gets the answer of ``target``, or what came instead of one; of a request that is broken off too."""
        exchange = _exchange(asked, target, session)
        heard = _Heard(self.clock, cut=asked.cut)
        client = Client(heard.send)
        self._opened(exchange)
        serve = self._count_tokens if asked.counts else self._messages
        heard.task = asyncio.create_task(_served(serve(exchange, client), client), name="request of a check")
        heard.client = client
        self._running.add(heard.task)
        try:
            await asyncio.wait({heard.task})
        except asyncio.CancelledError:
            client.left = True
            heard.task.cancel()
            await asyncio.wait({heard.task})
            raise
        finally:
            self._running.discard(heard.task)
            take(_answer(exchange, heard))


class _Heard:
    """The client's end: what came, and when."""

    def __init__(self, clock: Callable[[], float], *, cut: bool) -> None:
        self._clock, self._cut = clock, cut
        self._began = clock()
        self.status = 0
        self.body = bytearray()
        self.arrivals: list[float] = []
        self.task: asyncio.Task[None] | None = None
        self.client: Client | None = None

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        chunk = bytes(message.get("body", b""))
        if not chunk:
            return
        self.arrivals.append(self._clock() - self._began)
        self.body += chunk[: max(0, BODY_KEPT - len(self.body))]
        if self._cut and _TEXT in chunk and self.client is not None and self.task is not None:
            self.client.left = True
            self.task.cancel()


async def _served(serving: Awaitable[None], client: Client) -> None:
    try:
        await serving
    except AnswerBroke as error:
        log.info("an answer to a check broke off: %s", error)
    except Exception:
        log.exception("a check's request failed inside the engine")
        with contextlib.suppress(RuntimeError):
            await client.break_off("api_error", "The cctui engine made a mistake; its log says which.")


def _exchange(asked: Ask, target: Target, session: str) -> Exchange:
    model = asked.model or target.model
    raw = msgspec.json.encode({"model": model, **asked.body})
    path = "/v1/messages/count_tokens" if asked.counts else "/v1/messages"
    scope = {"path": path, "method": "POST", "query_string": b"", "headers": list(_headers(asked).items())}
    exchange = new_exchange(scope, _headers(asked), raw)
    exchange.id = f"{exchange.id}c{next(_numbers) & 0xFF:02x}"
    exchange.identity = Identity(session, None, None, None, "cctui-check", "background")
    exchange.pinned = dataclasses.replace(target, model=model)
    exchange.tells_health = asked.model is None
    return exchange


def _headers(asked: Ask) -> dict[bytes, bytes]:
    headers = {
        b"content-type": b"application/json",
        b"anthropic-version": b"2023-06-01",
        b"user-agent": f"cctui-check/{__version__}".encode(),
    }
    return headers | ({b"anthropic-beta": ",".join(asked.betas).encode()} if asked.betas else {})


def _answer(exchange: Exchange, heard: _Heard) -> Answer:
    body = bytes(heard.body)
    whole = message_of(body) if exchange.streaming else body
    return Answer(exchange.view(), heard.status, body, _message(whole, heard.status), tuple(heard.arrivals))


def _message(body: bytes | None, status: int) -> Mapping[str, Any] | None:
    if not body or status != 200:
        return None
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return decoded if isinstance(decoded, dict) and decoded.get("type") != "error" else None
