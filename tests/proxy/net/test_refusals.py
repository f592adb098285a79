"""What providers of other formats refuse, as the client reads it and the fallback acts on it."""

import json
from typing import Any

import pytest

from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import Answer, ScriptedUpstream, as_json, as_stream, error_body, error_event, message_stream

Told = tuple[int, str, str]
"""Status, type and words of an error."""


def foreign(upstream: ScriptedUpstream, dialect: str, **more: Any) -> dict[str, Any]:
    auth = "x-goog-api-key" if dialect == "gemini" else "bearer"
    return provider(upstream, dialect=dialect, auth=auth, models=["foreign-1"], **more)


async def abroad(start: StartEngine, upstream: ScriptedUpstream, dialect: str, **more: Any) -> RunningEngine:
    return await start(settings(foreign(upstream, dialect, **more), route={"default": "first/foreign-1"}))


def refused(status: int, payload: object, *headers: tuple[str, str]) -> Answer:
    return as_json(json.dumps(payload).encode(), status, headers)


async def told(engine: RunningEngine, *, stream: bool = True) -> Told:
    response = await engine.ask(message(stream=stream))
    error = response.json()["error"]
    return response.status_code, error["type"], error["message"]


CLAUDES = (
    "input length and `max_tokens` exceed context limit: 143653 + 64000 > 200000, decrease input length or "
    "`max_tokens` and try again"
)
VLLM = (
    "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 tokens "
    "and your request has 17459 input tokens (32000 > 32768 - 17459). (parameter=max_tokens, value=32000)"
)


class TestAnAnswerThatAsksForTooMuch:
    async def test_anthropics_own_words_reach_the_client_byte_for_byte(
        self, engine: RunningEngine, upstream: ScriptedUpstream
    ) -> None:
        body = error_body("invalid_request_error", CLAUDES)
        upstream.script = as_json(body, 400)

        response = await engine.ask()

        assert (response.status_code, response.content) == (400, body)
        assert (await engine.record()).attempts[0].outcome == "output_too_long"

    async def test_a_body_that_echoes_the_request_reaches_it_whole(
        self, engine: RunningEngine, upstream: ScriptedUpstream
    ) -> None:
        body = error_body("invalid_request_error", f"prompt is too long: 208310 tokens > 200000 {'echo ' * 20_000}")
        upstream.script = as_json(body, 400)

        response = await engine.ask()

        assert (response.status_code, response.content) == (400, body)
        assert (await engine.record()).attempts[0].outcome == "prompt_too_long"

    async def test_a_cloud_s_words_are_the_same(self, start: StartEngine, upstream: ScriptedUpstream) -> None:
        upstream.script = refused(400, {"message": CLAUDES}, ("x-amzn-errortype", "ValidationException"))
        assert await told(await abroad(start, upstream, "bedrock")) == (400, "invalid_request_error", CLAUDES)

    async def test_others_figures_stand_in_the_sentence_on_which_the_client_asks_for_less(
        self, start: StartEngine, upstream: ScriptedUpstream
    ) -> None:
        upstream.script = refused(400, {"error": {"message": VLLM, "type": "BadRequestError", "code": 400}})
        _, _, words = await told(await abroad(start, upstream, "openai-chat"))
        assert words.startswith("input length and `max_tokens` exceed context limit: 17459 + 32000 > 32768")


async def sent_of(
    start: StartEngine, upstream: ScriptedUpstream, dialect: str, size: int, window: int
) -> tuple[int, Any]:
    """What of 32,000 ``max_tokens`` reaches a target with ``window``, beside a prompt of ``size`` bytes."""
    engine = await abroad(start, upstream, dialect, context_windows={"foreign-1": window})
    turn = {"role": "user", "content": "word " * (size // 5)}
    await engine.ask(message(max_tokens=32_000, messages=[turn]))
    return json.loads(upstream.calls[0].body)["max_tokens"], (await engine.record()).attempts[0].changed


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic", "bedrock"])
class TestAnAnswerThatTheWindowHasNoRoomFor:
    async def test_it_is_asked_for_shorter(self, start: StartEngine, upstream: ScriptedUpstream, dialect: str) -> None:
        sent, changed = await sent_of(start, upstream, dialect, 60_000, 32_768)
        assert 12_000 < sent < 20_000
        assert changed == (f"max_tokens lowered from 32000 to {sent}, what is left of the target's window",)

    async def test_but_not_shorter_than_is_of_use(
        self, start: StartEngine, upstream: ScriptedUpstream, dialect: str
    ) -> None:
        assert (await sent_of(start, upstream, dialect, 105_000, 32_768))[0] == 3000

    async def test_where_there_is_room_it_stays(
        self, start: StartEngine, upstream: ScriptedUpstream, dialect: str
    ) -> None:
        assert await sent_of(start, upstream, dialect, 60_000, 200_000) == (32_000, ())


LONG = "This endpoint's maximum context length is 131072 tokens. However, you requested about 140001 tokens"
LM_STUDIO = (
    "Trying to keep the first 30123 tokens when context the overflows. However, the model is loaded with context "
    "length of only 4096 tokens"
)
FAILED = {"type": "response.failed", "response": {"status": "failed", "error": {"code": "x", "message": LONG}}}
CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress"}}


def data(*payloads: object) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(payload).encode() for payload in payloads)


UNDER_200 = {
    "a chunk of the chat format": ("openai-chat", as_stream(data({"error": {"code": 400, "message": LONG}}))),
    "JSON": ("openai-chat", refused(200, {"error": {"code": 400, "message": LONG}})),
    "an event of no known type": ("openai-chat", as_stream(b"event: error\n" + data({"error": {"message": LONG}}))),
    "a failed response": ("openai-responses", as_stream(data(CREATED, FAILED))),
    "an event of Anthropic's format": ("anthropic", as_stream(error_event("api_error", LONG))),
    "JSON of Anthropic's format": ("anthropic", as_json(error_body("invalid_request_error", LONG))),
}


class TestAPromptThatIsTooLongUnderASuccess:
    @pytest.mark.parametrize(
        ("case", "stream"),
        [(case, stream) for case in UNDER_200 for stream in (True, False) if stream or "JSON" in case],
    )
    async def test_it_becomes_the_sentence_on_which_the_client_compacts(
        self, start: StartEngine, upstream: ScriptedUpstream, case: str, stream: bool
    ) -> None:
        dialect, upstream.script = UNDER_200[case]
        engine = await abroad(start, upstream, dialect)

        assert await told(engine, stream=stream) == (
            400,
            "invalid_request_error",
            "prompt is too long: 140001 tokens > 131072 maximum",
        )
        assert (await engine.record()).attempts[0].outcome == "prompt_too_long"

    async def test_a_local_server_s_words_are_not_a_fault_of_the_server(
        self, start: StartEngine, upstream: ScriptedUpstream
    ) -> None:
        upstream.script = as_stream(b"event: error\n" + data({"error": {"message": LM_STUDIO}}))
        status, _, words = await told(await abroad(start, upstream, "openai-chat"))
        assert (status, words) == (400, "prompt is too long: 30123 tokens > 4096 maximum")


QUOTA = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota, check your plan and billing details.\nPlease retry in 26.1s.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "26s"}],
    }
}
GROQ = {"error": {"message": "Request too large for model", "type": "tokens", "code": "rate_limit_exceeded"}}
MODEL_ERROR = ("x-amzn-errortype", "ModelErrorException")
EXPIRED = ("x-amzn-errortype", "ExpiredTokenException")
BALANCE = {"error": {"code": "1113", "message": "No resource package. Please recharge."}}
MINIMAX = {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}, "choices": None}

REFUSALS: dict[str, tuple[str, Answer, str, int]] = {
    "a minute's limit of Gemini": ("gemini", refused(429, QUOTA), "rate_limited", 429),
    "the same in a list": ("openai-chat", refused(429, [QUOTA]), "rate_limited", 429),
    "too large for any minute, at Groq": ("openai-chat", refused(413, GROQ), "request_too_large", 413),
    "a model's own failure, at Bedrock": ("bedrock", refused(424, {"message": "m"}, MODEL_ERROR), "server_error", 500),
    "an expired token of AWS": ("bedrock", refused(403, {"message": "m"}, EXPIRED), "key_refused", 401),
    "a spent balance at Z.ai": ("openai-chat", refused(429, BALANCE), "payment_required", 402),
    "a spent balance at MiniMax": ("openai-chat", refused(200, MINIMAX), "payment_required", 402),
    "the same in a stream": ("openai-chat", as_stream(data(MINIMAX)), "payment_required", 402),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_is_what_its_provider_means_by_it(
    start: StartEngine, upstream: ScriptedUpstream, case: str
) -> None:
    dialect, upstream.script, outcome, status = REFUSALS[case]
    engine = await abroad(start, upstream, dialect)

    assert (await told(engine))[0] == status

    assert (await engine.record()).attempts[0].outcome == outcome


@pytest.mark.parametrize(
    ("case", "served"), [("a model's own failure, at Bedrock", 200), ("too large for any minute, at Groq", 413)]
)
async def test_the_next_target_gets_what_another_may_serve_and_no_more(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, case: str, served: int
) -> None:
    dialect, upstream.script, _, _ = REFUSALS[case]
    second.script = as_stream(message_stream())
    route = {"default": "first/foreign-1", "fallback": ["second"]}
    engine = await start(settings(foreign(upstream, dialect), provider(second), fallback=True, route=route))

    assert (await engine.ask()).status_code == served


async def test_a_minute_s_limit_of_gemini_tells_the_client_how_long_to_wait(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = refused(429, QUOTA)
    engine = await abroad(start, upstream, "gemini")

    response = await engine.ask()

    assert (response.headers["retry-after"], response.json()["error"]["type"]) == ("26", "rate_limit_error")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"message": {"detail": [{"loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]}}, "x: Extra inputs"),
        (MINIMAX, "insufficient balance"),
    ],
)
async def test_the_provider_s_words_reach_the_user(
    start: StartEngine, upstream: ScriptedUpstream, payload: dict[str, Any], words: str
) -> None:
    upstream.script = refused(200 if payload is MINIMAX else 422, payload)
    engine = await abroad(start, upstream, "openai-chat")

    assert words in (await told(engine))[2]
    assert words in ((await engine.record()).error or "")
