"""Pages fetched over encrypted sockets: whom the fetcher trusts."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.net.webfetch import WebFetch
from tests.proxy.net.visits import fetched, refused
from tests.upstreams.sites import TRUST, names, only_loopback

pytestmark = pytest.mark.usefixtures("clean_environment")


def certificate(folder: Path, *hosts: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for ``hosts``, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = made.sign(key, hashes.SHA256())
    pem = folder / "site.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain) + signed.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


class TestEncryption:
    @contextlib.asynccontextmanager
    async def site(self, context: ssl.SSLContext) -> AsyncIterator[tuple[int, list[str | None], list[bytes]]]:
        """An encrypted site: its port, the names that it was asked for, the requests."""
        told: list[str | None] = []
        heads: list[bytes] = []
        context.sni_callback = lambda _socket, name, _context: told.append(name)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            yield server.sockets[0].getsockname()[1], told, heads

    async def test_the_name_is_kept_for_certificate_and_host(self, tmp_path: Path) -> None:
        server, trust = certificate(tmp_path, "docs.example.com")
        async with self.site(server) as (port, told, heads):
            web = WebFetch(trust, only_loopback, names({"docs.example.com": [("127.0.0.1", port)]}))
            assert (await fetched(web, "https://docs.example.com/")).text == "ok"
        assert told == ["docs.example.com"]
        assert b"\r\nHost: docs.example.com\r\n" in heads[0]

    @pytest.mark.parametrize(("host", "trusted"), [("docs.example.com", False), ("other.example.com", True)])
    async def test_a_certificate_that_does_not_fit_is_refused(self, tmp_path: Path, host: str, trusted: bool) -> None:
        server, trust = certificate(tmp_path, "docs.example.com")
        async with self.site(server) as (port, _, heads):
            places = names({host: [("127.0.0.1", port)]})
            result = await refused(WebFetch(trust if trusted else TRUST, only_loopback, places), f"https://{host}/")
        assert (result.code, heads) == ("url_not_accessible", [])
        assert "no certificate that can be trusted" in result.words
