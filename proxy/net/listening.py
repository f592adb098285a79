"""The socket on which clients and panels reach an engine, and the HTTP server on it."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from proxy.net.server import Server

KEEP_ALIVE_S = 600
"""Idle connections of the client are kept: a client that meets a closing one would have to repeat."""


class QuietServer(uvicorn.Server):
    """A server that leaves signals to the engine."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: Server) -> QuietServer:
    """What serves ``app`` over HTTP."""
    return QuietServer(
        uvicorn.Config(
            app,
            http="httptools",
            loop="none",
            lifespan="off",
            access_log=False,
            proxy_headers=False,
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=2,
            backlog=1024,
        )
    )


def send_at_once(listener: socket.socket) -> None:
    """Small answers on its connections do not wait: where asyncio leaves that off, 40 ms each."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def url_of(host: str, port: int) -> str:
    """How this machine reaches what listens on ``host``."""
    return f"http://{_reached_at(host)}:{port}"


def _reached_at(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  compared, not listened on
