"""What an issuer of thinking gets back, and nobody else."""

import json

from hypothesis import given

from proxy.dialects.signatures import digest, is_sealed, opened, sealed
from tests.proxy.dialects.conversations import TEXTS


@given(TEXTS)
def test_a_sealed_payload_opens_for_its_dialect_alone(payload: str) -> None:
    signature = sealed("gemini", payload)
    assert opened("gemini", signature) == payload
    assert opened("openai-chat", signature) is None
    assert is_sealed(signature)


@given(TEXTS)
def test_json_writes_a_signature_as_it_is(payload: str) -> None:
    signature = sealed("gemini", payload)
    assert json.dumps(signature) == f'"{signature}"'


def test_claudes_signature_is_nobodys() -> None:
    assert opened("gemini", "EqoBCkgIARABGAIiQL") is None
    assert not is_sealed("EqoBCkgIARABGAIiQL")


def test_digests_tell_texts_apart() -> None:
    assert digest("a") != digest("b")
    assert digest("a") == digest("a")
