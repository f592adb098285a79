"""Who listens on a port, from the kernel's tables and from lsof."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxy import portowner
from proxy.portowner import Listener, describe_owner, parse_lsof, parse_table, stands_in_the_way
from tests.upstreams import Refused

LOOPBACK = bytes([127, 0, 0, 1][:: -1 if sys.byteorder == "little" else 1]).hex().upper()
TABLE = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    f"   0: {LOOPBACK}:2253 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0\n"
    f"   1: {LOOPBACK}:2253 {LOOPBACK}:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0\n"
)


def test_only_listening_sockets_count() -> None:
    assert list(parse_table(TABLE)) == [Listener("127.0.0.1", 8787, 1000, "4242")]


@pytest.mark.parametrize(
    ("address", "host", "port", "in_the_way"),
    [
        ("127.0.0.1", "127.0.0.1", 8787, True),
        ("127.0.0.1", "localhost", 8787, True),
        ("0.0.0.0", "127.0.0.1", 8787, True),
        ("127.0.0.1", "0.0.0.0", 8787, True),
        ("::", "127.0.0.1", 8787, True),
        ("10.0.0.5", "127.0.0.1", 8787, False),
        ("127.0.0.1", "127.0.0.1", 8788, False),
    ],
)
def test_a_listener_stands_in_the_way_of_the_same_address(address: str, host: str, port: int, in_the_way: bool) -> None:
    assert stands_in_the_way(Listener(address, 8787, 0, "1"), host, port) is in_the_way


def test_the_owner_of_a_port_is_named_with_its_pid() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert (describe_owner("127.0.0.1", server.getsockname()[1]) or "").endswith(f"pid {os.getpid()}")


def test_of_a_process_out_of_reach_the_user_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portowner, "_listeners", lambda: [Listener("127.0.0.1", 8787, 4_000_000, "no-such-inode")])
    monkeypatch.setattr(portowner, "KERNEL_TABLES", (Path("/"),))
    assert describe_owner("127.0.0.1", 8787) == "a process of user 4000000"


def test_a_free_port_has_no_owner() -> None:
    with Refused() as kept:
        assert describe_owner("127.0.0.1", urlsplit(kept.url).port or 0) is None


def test_lsof_is_understood() -> None:
    assert parse_lsof("p812\ncnginx\np813\ncnginx\n") == "nginx, pid 812"
    assert parse_lsof("") is None


def test_the_module_answers_as_a_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = [sys.executable, "-m", "proxy.portowner", "127.0.0.1", str(server.getsockname()[1])]
        answer = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert f"pid {os.getpid()}" in answer.stdout
