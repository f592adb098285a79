"""Who listens on a port of this machine, in words: asked when a port that we want is taken.

Reads the kernel's tables on Linux and asks ``lsof`` elsewhere. What the system does not tell stays unknown;
nothing here raises, and no process is touched.

``python -m proxy.portowner HOST PORT`` prints the same for those that may not import it.
"""

import contextlib
import ipaddress
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTEN_STATE = "0A"
"""The state ``listening`` in the kernel's table of TCP sockets."""

KERNEL_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

LSOF_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket in the kernel's table."""

    address: str
    port: int
    uid: int
    inode: str


def describe_owner(host: str, port: int) -> str | None:
    """``nginx, pid 812``, or ``a process of user root``; None where nobody can be named."""
    return _from_kernel(host, port) if KERNEL_TABLES[0].exists() else _from_lsof(port)


def parse_table(table: str) -> Iterator[Listener]:
    """The listening sockets in the text of ``/proc/net/tcp`` or ``/proc/net/tcp6``."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN_STATE:
            address, _, port = fields[1].rpartition(":")
            yield Listener(_parse_address(address), int(port, 16), int(fields[7]), fields[9])


def parse_lsof(output: str) -> str | None:
    """The first process in the answer of ``lsof -Fpc``."""
    fields = {line[:1]: line[1:] for line in reversed(output.splitlines()) if line}
    return f"{fields['c']}, pid {fields['p']}" if {"c", "p"} <= fields.keys() else None


def stands_in_the_way(listener: Listener, host: str, port: int) -> bool:
    """Whether ``listener`` keeps ``host`` from being bound: the same port on that address or on all."""
    if listener.port != port:
        return False
    address = ipaddress.ip_address(listener.address)
    wanted = _parse_host(host)
    return wanted is None or address.is_unspecified or wanted.is_unspecified or address == wanted


def _parse_address(text: str) -> str:
    """The kernel writes addresses as words of four bytes in the machine's own order."""
    words = [bytes.fromhex(text[start : start + 8]) for start in range(0, len(text), 8)]
    raw = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    address = ipaddress.ip_address(raw)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _parse_host(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None


def _from_kernel(host: str, port: int) -> str | None:
    culprits = [listener for listener in _listeners() if stands_in_the_way(listener, host, port)]
    if not culprits:
        return None
    pid = _pid_of_socket({listener.inode for listener in culprits})
    return _named(pid) if pid is not None else f"a process of user {_user(culprits[0].uid)}"


def _listeners() -> Iterator[Listener]:
    for table in KERNEL_TABLES:
        try:
            yield from parse_table(table.read_text())
        except (OSError, ValueError):
            continue


def _pid_of_socket(inodes: set[str]) -> int | None:
    links = {f"socket:[{inode}]" for inode in inodes}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and not links.isdisjoint(_descriptors(entry)):
            return int(entry.name)
    return None


def _descriptors(process: Path) -> Iterator[str]:
    """What the process holds open; nothing for other users' processes and for those that just ended."""
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(descriptor.readlink())


def _named(pid: int) -> str:
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()}, pid {pid}"
    except OSError:
        return f"pid {pid}"


def _user(uid: int) -> str:
    import pwd  # noqa: PLC0415  only where there is a kernel table is there surely this module

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _from_lsof(port: int) -> str | None:
    lsof = shutil.which("lsof")
    if lsof is None:
        return None
    command = [lsof, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=LSOF_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_lsof(answer.stdout)


if __name__ == "__main__":
    sys.stdout.write(describe_owner(sys.argv[1], int(sys.argv[2])) or "")
