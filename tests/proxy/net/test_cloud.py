"""Credentials of clouds: signatures checked against the rules of Signature Version 4, tokens against a real socket."""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from proxy.net.cloud import REFRESH_BEFORE_S, CloudCredentials, Header
from proxy.net.credentials import NoCredential
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.running_engine import message, settings
from tests.upstreams import Answer, ScriptedUpstream, as_json
from tests.upstreams.dialects import Said, answer

REGION = "eu-west-1"
URL = f"https://bedrock-runtime.{REGION}.amazonaws.com/model/arn:aws:bedrock:x%2Fabc-v1:0/invoke"
BODY = '{"messages": ["Grüße"]}'.encode()
SENT: list[Header] = [(b"content-type", b"application/json"), (b"accept-encoding", b"identity"), (b"user-agent", b"x")]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which nobody is logged in to any cloud."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("HOME", str(tmp_path))


async def signed() -> dict[str, str]:
    told = await CloudCredentials().aws_headers(REGION, "bedrock", "POST", URL, SENT, BODY)
    return {name.decode(): value.decode() for name, value in told}


def signature(
    headers: dict[str, str], signed_names: Sequence[str], url: str = URL, body: bytes = BODY, region: str = REGION
) -> str:
    """As AWS's description of Signature Version 4 has it, step by step."""
    parts = urlsplit(url)
    values = {**headers, "host": parts.netloc, "content-type": "application/json"}
    lines = [f"{name}:{values[name]}\n" for name in signed_names]
    path, digest = quote(parts.path, safe="/-_.~"), hashlib.sha256(body).hexdigest()
    canonical = "\n".join(["POST", path, "", "".join(lines), ";".join(signed_names), digest])
    date = headers["x-amz-date"]
    scope = f"{date[:8]}/{region}/bedrock/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4the-secret"
    for part in (date[:8], region, "bedrock", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("token", [None, "the-session"])
async def test_the_signature_is_the_one_that_aws_computes(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    headers = await signed()
    names = ["content-type", "host", "x-amz-date", *(["x-amz-security-token"] if token else [])]
    assert headers.get("x-amz-security-token") == token
    assert headers["user-agent"] == "x"
    assert f"SignedHeaders={';'.join(names)}," in headers["authorization"]
    assert headers["authorization"].endswith(f"Signature={signature(headers, names)}")


async def test_pieces_of_a_body_are_signed_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    pieces: list[bytes | memoryview] = [memoryview(BODY)[:5], BODY[5:]]
    told = dict(await CloudCredentials().aws_headers(REGION, "bedrock", "post", URL, SENT, pieces))
    headers = {name.decode(): value.decode() for name, value in told.items()}
    right = signature(headers, ["content-type", "host", "x-amz-date"])
    assert headers["authorization"].endswith(f"Signature={right}")


async def test_a_profile_is_found_in_the_users_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "aws-credentials").write_text("[team]\naws_access_key_id = OF_TEAM\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert "Credential=OF_TEAM/" in (await signed())["authorization"]


async def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    with pytest.raises(NoCredential, match="nobodys"):
        await signed()


async def test_a_role_of_the_machine_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    role = {"AccessKeyId": "OF_ROLE", "SecretAccessKey": "s", "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}
    with ScriptedUpstream(as_json(json.dumps(role).encode())) as metadata:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{metadata.url}/role")
        credentials = CloudCredentials()
        for _ in range(3):
            headers = dict(await credentials.aws_headers(REGION, "bedrock", "POST", URL, SENT, BODY))
        assert (headers[b"x-amz-security-token"], len(metadata.calls)) == (b"t", 1)


async def test_without_aws_credentials_it_says_how_to_get_them() -> None:
    with pytest.raises(NoCredential, match="aws sso login"):
        await signed()


async def test_without_botocore_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(NoCredential, match=r'pip install "cctui\[bedrock\]"'):
        await signed()


@pytest.mark.parametrize(
    ("service", "variable", "header"),
    [
        ("bedrock", "AWS_BEARER_TOKEN_BEDROCK", (b"authorization", b"Bearer the-key")),
        ("bedrock-mantle", "AWS_BEARER_TOKEN_BEDROCK", (b"authorization", b"Bearer the-key")),
        ("bedrock-mantle", "ANTHROPIC_AWS_API_KEY", (b"authorization", b"Bearer the-key")),
        ("aws-external-anthropic", "ANTHROPIC_AWS_API_KEY", (b"x-api-key", b"the-key")),
    ],
)
async def test_a_plain_key_needs_no_library(
    monkeypatch: pytest.MonkeyPatch, service: str, variable: str, header: Header
) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    credentials = CloudCredentials({variable: " the-key "})
    sent = [*SENT, (b"authorization", b"Bearer of-another")] if header[0] == b"authorization" else SENT
    assert await credentials.aws_headers(REGION, service, "POST", URL, sent, BODY) == [*SENT, header]


async def test_a_key_of_one_service_is_not_sent_to_another() -> None:
    with pytest.raises(NoCredential):
        await CloudCredentials({"ANTHROPIC_AWS_API_KEY": "k"}).aws_headers(REGION, "bedrock", "POST", URL, SENT, BODY)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def tokens() -> Answer:
    return as_json(json.dumps({"access_token": f"token-{time.monotonic_ns()}", "expires_in": 3600}).encode())


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScriptedUpstream:
    """Where a service account of the test's gets its tokens."""
    upstream = ScriptedUpstream(lambda call: tokens())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    return upstream


def log_in(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "client_email": "a@example.com", "private_key": pem, "project_id": "p"}
    (tmp_path / "account.json").write_text(json.dumps({**account, "token_uri": f"{upstream.url}/token"}))


async def test_many_requests_share_one_google_token(google: ScriptedUpstream, tmp_path: Path) -> None:
    with google:
        log_in(tmp_path, google)
        credentials = CloudCredentials()
        first = await asyncio.gather(*(credentials.google_token() for _ in range(5)))
        again = await credentials.google_token()
    assert (len({*first, again}), len(google.calls)) == (1, 1)


async def test_a_google_token_is_replaced_before_it_expires(google: ScriptedUpstream, tmp_path: Path) -> None:
    clock = Clock()
    with google:
        log_in(tmp_path, google)
        credentials = CloudCredentials(clock=clock)
        first = await credentials.google_token()
        clock.now += 3600 - REFRESH_BEFORE_S - 60
        assert await credentials.google_token() == first
        clock.now += 120
        assert await credentials.google_token() != first


async def test_a_google_token_that_still_holds_outlives_a_failed_renewal(
    google: ScriptedUpstream, tmp_path: Path
) -> None:
    clock = Clock()
    with google:
        log_in(tmp_path, google)
        credentials = CloudCredentials(clock=clock)
        first = await credentials.google_token()
        google.script = as_json(b'{"error": "invalid_grant", "error_description": "revoked"}', 400)
        clock.now += 3600 - 60
        assert await credentials.google_token() == first
        clock.now += 120
        with pytest.raises(NoCredential, match="revoked"):
            await credentials.google_token()


async def test_whoever_leaves_takes_no_token_from_the_others(google: ScriptedUpstream, tmp_path: Path) -> None:
    with google:
        log_in(tmp_path, google)
        credentials = CloudCredentials()
        leaving, staying = (asyncio.create_task(credentials.google_token()) for _ in range(2))
        await asyncio.to_thread(google.arrived_blocking, 1)
        leaving.cancel()
        assert (await staying).startswith("token-")
    assert len(google.calls) == 1


async def test_without_google_credentials_it_says_how_to_get_them() -> None:
    with pytest.raises(NoCredential, match="gcloud auth application-default login"):
        await CloudCredentials().google_token()


@pytest.mark.parametrize("text", ["", "{}", '{"type": "service_account"}'])
async def test_a_file_that_is_no_account_is_told(google: ScriptedUpstream, tmp_path: Path, text: str) -> None:
    (tmp_path / "account.json").write_text(text)
    with pytest.raises(NoCredential, match="Google: "):
        await CloudCredentials().google_token()


async def test_without_google_auth_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth.transport.requests", None)
    with pytest.raises(NoCredential, match=r'pip install "cctui\[vertex\]"'):
        await CloudCredentials().google_token()


async def test_a_request_to_bedrock_arrives_with_a_signature_that_fits_it(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    model = "eu.anthropic.claude-opus-4-8-v1:0"
    upstream.script = lambda call: answer("bedrock", call, Said("Grüße."))
    bedrock = {"preset": "bedrock", "base_url": upstream.url, "region": REGION, "models": [model]}
    engine = await start(settings(bedrock, route={"default": f"first/{model}"}))

    response = await engine.ask(message(), anthropic_beta="oauth-2025-04-20,context-1m-2025-08-07")

    assert checked(response.content).text == "Grüße."
    call = upstream.calls[0]
    assert call.path == f"/model/{model}/invoke-with-response-stream"
    assert json.loads(call.body)["anthropic_beta"] == ["context-1m-2025-08-07"]
    assert call.header("anthropic-beta") is None
    headers = {name.lower(): value for name, value in call.headers}
    right = signature(headers, ["content-type", "host", "x-amz-date"], f"{upstream.url}{call.target}", call.body)
    assert headers["authorization"].endswith(f"Signature={right}")


async def test_a_request_to_vertex_arrives_with_googles_token(
    start: StartEngine, upstream: ScriptedUpstream, google: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.script = lambda call: answer("vertex", call, Said("Grüße."))
    vertex = {"preset": "vertex", "base_url": upstream.url, "models": ["claude-opus-4-8"]}
    with google:
        log_in(tmp_path, google)
        engine = await start(settings(vertex, route={"default": "first/claude-opus-4-8"}))
        response = await engine.ask(message(), anthropic_beta="oauth-2025-04-20,web-search-2025-03-05")

    assert checked(response.content).text == "Grüße."
    call = upstream.calls[0]
    assert call.path == "/claude-opus-4-8:streamRawPredict"
    assert (call.header("authorization") or "").startswith("Bearer token-")
    assert (call.header("anthropic-beta"), json.loads(call.body)["anthropic_beta"]) == (None, ["web-search-2025-03-05"])


async def test_without_a_login_the_client_is_told_what_to_do(start: StartEngine, upstream: ScriptedUpstream) -> None:
    bedrock = {"preset": "bedrock", "base_url": upstream.url, "models": ["m"]}
    engine = await start(settings(bedrock, route={"default": "first/m"}))
    response = await engine.ask(message())
    assert (response.status_code, "aws sso login" in response.text) == (401, True)
