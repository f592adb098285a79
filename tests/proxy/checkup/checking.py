"""An engine with one provider that understands what it is asked, and a check of it to its end."""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, settings
from tests.upstreams import ScriptedUpstream
from tests.upstreams.clouds import KEY, cloud_of
from tests.upstreams.understanding import Clock, Fault, Format, Mind

MODELS: Mapping[Format, str] = {
    "anthropic": "claude-opus-4-8",
    "openai-chat": "gpt-5",
    "openai-responses": "gpt-5",
    "gemini": "gemini-2.5-pro",
    "bedrock": "global.anthropic.claude-haiku-4-5-20251001-v1:0",
    "vertex": "claude-haiku-4-5@20251001",
}
"""Such that a price is known."""


class Check:
    """A provider of one format behind an engine."""

    def __init__(self, speaks: Format, model: str | None = None) -> None:
        self.speaks, self.model = speaks, model or MODELS[speaks]
        self.clock = Clock()
        self.engine: RunningEngine

    @property
    def target(self) -> str:
        return f"first/{self.model}"

    async def begin(
        self, start: StartEngine, upstream: ScriptedUpstream, fault: Fault | None = None, **more: Any
    ) -> RunningEngine:
        upstream.script = Mind(self.speaks, self.model, self.clock, self._progress, fault)
        self.engine = await start(settings({**self._provider(upstream), **more}))
        self.engine.engine.checkups.asker.clock = self.clock
        return self.engine

    def _provider(self, upstream: ScriptedUpstream) -> dict[str, Any]:
        if cloud := cloud_of(self.speaks):
            own = {"base_url": upstream.url, "auth": "bearer", "api_key": KEY}
            return {"preset": cloud, **own, "models": [self.model]}
        auth = "x-goog-api-key" if self.speaks == "gemini" else "bearer"
        path = "models" if self.speaks != "anthropic" else "v1/models"
        return {
            "preset": "custom",
            "base_url": upstream.url,
            "dialect": self.speaks,
            "auth": auth,
            "api_key": KEY,
            "models_url": f"{upstream.url}/{path}",
            "models": [self.model],
            "count_tokens": self.speaks in ("anthropic", "gemini"),
        }

    def _progress(self) -> int:
        return self.engine.engine.exchanges[-1].output_bytes

    async def run(self, *only: str, skip: tuple[str, ...] = ()) -> dict[str, c.CheckResult]:
        """The results of a check by their names, once it ended."""
        response = await self.engine.command("check", c.RunCheck(target=self.target, only=only, skip=skip))
        assert response.status_code == 200, response.text
        await self.ended()
        return {result.name: result for result in (await self.report()).results}

    async def ended(self) -> None:
        """Wait until no check runs."""
        await self.engine.engine.checkups.idle.wait()

    async def report(self) -> c.CheckReport:
        response = await self.engine.look("check", target=self.target)
        return msgspec.json.decode(response.content, type=c.CheckReport)
