"""Who may use the local port."""

import pytest

from proxy.protocol.guard import check

TOKEN = "cctui-the-token-of-this-installation"
HERE = {b"host": b"127.0.0.1:8787"}
WITH_TOKEN = {**HERE, b"x-cctui-token": TOKEN.encode()}


def status(
    headers: dict[bytes, bytes], path: str = "/v1/messages", listen: str = "127.0.0.1", method: str = "POST"
) -> int:
    denied = check(method, path, headers, TOKEN, listen)
    return denied.status if denied else 200


@pytest.mark.parametrize(
    "host",
    [
        b"127.0.0.1",
        b"127.0.0.1:8787",
        b"localhost:8787",
        b"LOCALHOST",
        b"[::1]",
        b"[::1]:8787",
        b"localhost:",
        b" localhost ",
    ],
)
def test_every_name_of_this_machine_is_let_in(host: bytes) -> None:
    assert status({**WITH_TOKEN, b"host": host}) == 200


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example", b"localhost.evil.example", b"127.0.0.1.evil.example", b"evil.example:8787",
        b"localhost@evil.example",
        b"evil.example#localhost", b"127.0.0.1:8787.evil.example", b"localhost:8787:80", b"127.0.0.2", b"0.0.0.0",
        b"::1",
        b"[::1].evil.example", b"[::2]", b"", b" ", b":8787", b"localhost.", b"2130706433", b"0x7f000001", b"127.1",
        b"localhost,evil.example", b"\xff", b"localhost\x00.evil.example", b"192.168.1.5",
    ],
)  # fmt: skip
def test_every_other_name_is_refused(host: bytes) -> None:
    assert status({**WITH_TOKEN, b"host": host}) == 403


def test_a_request_without_a_host_is_refused() -> None:
    assert status({b"x-cctui-token": TOKEN.encode()}) == 403
    assert status({b"x-cctui-token": TOKEN.encode()}, listen="") == 403


@pytest.mark.parametrize(
    "origin", [b"https://evil.example", b"http://127.0.0.1:8787", b"http://localhost", b"null", b""]
)
@pytest.mark.parametrize("path", ["/v1/messages", "/", "/_cctui/state", "/_cctui/hello", "/api/hello"])
def test_any_origin_is_refused_even_with_the_token(origin: bytes, path: str) -> None:
    assert status({**WITH_TOKEN, b"origin": origin}, path, method="GET") == 403


def test_a_simple_cross_site_post_has_no_token_and_is_refused() -> None:
    assert status({**HERE, b"content-type": b"text/plain"}) == 401


@pytest.mark.parametrize(
    "header",
    [
        (b"x-cctui-token", TOKEN.encode()),
        (b"authorization", b"Bearer " + TOKEN.encode()),
        (b"authorization", b"bearer " + TOKEN.encode()),
        (b"authorization", b"Bearer   " + TOKEN.encode()),
        (b"x-api-key", TOKEN.encode()),
        (b"x-api-key", b" " + TOKEN.encode() + b" "),
    ],
)
def test_the_token_opens_in_each_of_three_headers(header: tuple[bytes, bytes]) -> None:
    assert status({**HERE, header[0]: header[1]}) == 200


@pytest.mark.parametrize(
    "header",
    [
        (b"x-cctui-token", TOKEN[:-1].encode()),
        (b"x-cctui-token", TOKEN.encode() + b"x"),
        (b"x-cctui-token", TOKEN.upper().encode()),
        (b"x-cctui-token", b""),
        (b"x-cctui-token", b"\xff\xfe"),
        (b"authorization", b"Bearer "),
        (b"authorization", b"Basic " + TOKEN.encode()),
        (b"x-api-key", b"sk-ant-of-the-user"),
        (b"cookie", TOKEN.encode()),
    ],
)
def test_anything_else_is_no_token(header: tuple[bytes, bytes]) -> None:
    assert status({**HERE, header[0]: header[1]}) == 401


def test_a_login_beside_the_token_does_no_harm() -> None:
    assert status({**WITH_TOKEN, b"authorization": b"Bearer sk-ant-oat01-of-the-user"}) == 200


@pytest.mark.parametrize("headers", [HERE, {**HERE, b"authorization": b"Bearer "}, {**HERE, b"x-api-key": b""}])
def test_an_engine_without_a_token_lets_no_one_in(headers: dict[bytes, bytes]) -> None:
    denied = check("POST", "/v1/messages", headers, "", "127.0.0.1")
    assert denied is not None
    assert denied.status == 401


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/api/hello", "/_cctui/hello"])
def test_probes_need_no_token(method: str, path: str) -> None:
    assert status(HERE, path, method=method) == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"), ("POST", "/_cctui/hello"), ("GET", "/_cctui/state"), ("GET", "/_cctui/hello/"), ("GET", "//"),
        ("GET", "/_cctui/hello/../state"), ("GET", "/v1/models"), ("GET", "/_cctui/launch"), ("OPTIONS", "/"),
        ("get", "/"),
        ("GET", "/favicon.ico"), ("GET", ""),
    ],
)  # fmt: skip
def test_everything_else_needs_it(method: str, path: str) -> None:
    assert status(HERE, path, method=method) == 401


def test_an_open_engine_is_reached_by_its_addresses_and_not_by_names() -> None:
    for listen in ("0.0.0.0", "::"):
        assert status({**WITH_TOKEN, b"host": b"192.168.1.5:8787"}, listen=listen) == 200
        assert status({**WITH_TOKEN, b"host": b"[fe80::1]:8787"}, listen=listen) == 200
        assert status({**WITH_TOKEN, b"host": b"evil.example"}, listen=listen) == 403


@pytest.mark.parametrize(
    ("listen", "host"), [("192.168.1.5", b"192.168.1.5:8787"), ("fd00::5", b"[fd00::5]:8787"), ("Box.lan", b"box.lan")]
)
def test_an_engine_on_one_address_is_reached_by_it(listen: str, host: bytes) -> None:
    assert status({**WITH_TOKEN, b"host": host}, listen=listen) == 200
    assert status({**WITH_TOKEN, b"host": b"evil.example"}, listen=listen) == 403


def test_the_refusal_says_what_to_run_and_never_the_token() -> None:
    denied = check("POST", "/v1/messages", HERE, TOKEN, "127.0.0.1")
    assert denied is not None
    assert "cctui claude" in denied.message
    assert TOKEN not in denied.message
