"""Starts an engine: ``python -P -m proxy``. What it cannot do it says on stderr, in sentences, before it ends.

Exit codes: 0 ended as told, 2 the settings are wrong, 3 the port cannot be had (1 in the foreground, where a
person started it), 1 anything else.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sys
from functools import partial
from typing import Any

from proxy.paths import Paths, find_paths

EXIT_FAILED = 1
EXIT_SETTINGS = 2
EXIT_PORT = 3
PORTS_TRIED = 50


class PortTaken(Exception):
    """The port cannot be had. ``str()`` names who has it."""


def main() -> int:
    """Run an engine in this process until it is told to stop."""
    arguments = _arguments()
    paths = find_paths()
    flags: dict[str, Any] = {"host": arguments.host, "port": arguments.port, "log_level": arguments.log_level}
    given = {"engine": {name: value for name, value in flags.items() if value is not None}}
    from proxy.settings import SettingsError, load_settings  # noqa: PLC0415  --help needs none of it

    try:
        settings = load_settings(paths.config_file, given)
        if arguments.check_settings:
            return 0
        load = partial(load_settings, paths.config_file, given)
        return _run(paths, settings, load, foreground=arguments.foreground)
    except SettingsError as error:
        return _complain(str(error), EXIT_SETTINGS)
    except PortTaken as error:
        return _complain(str(error), EXIT_FAILED if arguments.foreground else EXIT_PORT)
    except PermissionError as error:
        return _complain(f"cctui cannot use {error.filename}: {error.strerror}. Check its owner and mode.", EXIT_FAILED)
    except OSError as error:
        return _complain(f"cctui cannot start its engine: {error}", EXIT_FAILED)


def _run(paths: Paths, settings: Any, load: Any, *, foreground: bool) -> int:
    from proxy.addresses import is_loopback  # noqa: PLC0415
    from proxy.engine import Engine, handle_signals  # noqa: PLC0415
    from proxy.logs import start_log  # noqa: PLC0415
    from proxy.routefile import RouteFile  # noqa: PLC0415

    start_log(paths, settings.engine.log_level, foreground=foreground)
    host = settings.engine.host
    if not is_loopback(host):
        _say(
            f"cctui listens on {host}: other machines can reach it. They need the token in {paths.token_file}, and "
            "the traffic, prompts included, crosses the network unencrypted."
        )
    listener = _listen(host, settings.engine.port, RouteFile(paths.route_file, settings.route).port)

    async def serve() -> None:
        engine = Engine(paths, settings, os.environ, load=load)
        handle_signals(engine)
        if foreground:
            port = listener.getsockname()[1]
            _say(f"cctui engine on {host}:{port}. Ctrl-C drains and stops.")
        await engine.run(listener)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve())
    return 0


def _listen(host: str, fixed: int | None, last: int | None) -> socket.socket:
    """A listening socket: the fixed port, or the last one, or 8787, or the next free one. Raises ``PortTaken``."""
    from proxy.portowner import describe_owner  # noqa: PLC0415
    from proxy.settings import DEFAULT_PORT  # noqa: PLC0415

    if fixed is not None:
        try:
            return _bind(host, fixed)
        except OSError as error:
            owner = describe_owner(host, fixed)
            who = f"{owner} has it" if owner else str(error)
            raise PortTaken(
                f"port {fixed} on {host} cannot be used: {who}. Stop that, or set another engine.port."
            ) from None
    for port in dict.fromkeys([*([last] if last else []), *range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED), 0]):
        try:
            return _bind(host, port)
        except OSError as error:
            trouble = error
    raise PortTaken(f"no port can be had on {host}: {trouble}")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415  not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proxy", description="The engine of cctui.")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="fixed port")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"))
    parser.add_argument("--foreground", action="store_true", help="log to the terminal too")
    parser.add_argument("--check-settings", action="store_true", help="only read the settings and say what is wrong")
    return parser.parse_args()


def _complain(sentences: str, code: int) -> int:
    _say(sentences)
    return code


def _say(sentences: str) -> None:
    """On the terminal, if there still is one."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        sys.stderr.write(f"{sentences}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
