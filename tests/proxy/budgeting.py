"""Engines with budgets, requests that cost a cent, and what of a budget is reported."""

from typing import Any

import msgspec

from proxy import contract as c
from tests.proxy.running_engine import RunningEngine, provider, settings
from tests.upstreams import ScriptedUpstream, as_stream, message_stream

DOLLAR = 10**9
TURN = {"input_tokens": 1000, "output_tokens": 200}
TURN_COSTS = 1000 * 5_000 + 200 * 25_000
"""Ten thousandths of a dollar: one cent at the prices of ``CLAUDE``."""
LOGIN: dict[str, Any] = {"authorization": "Bearer sk-ant-oat01-login", "anthropic_beta": "oauth-2025-04-20"}
SESSION: dict[str, Any] = {"x_claude_code_session_id": "5e551011-aaaa", "x_cctui_project": "shop"}
SIMULATOR: dict[str, Any] = {"preset": "simulator", "simulator": {"first_event_s": 0, "tokens_per_s": 1e9}}


def budgeted(upstream: ScriptedUpstream, **budget: Any) -> dict[str, Any]:
    upstream.script = as_stream(message_stream(usage=TURN))
    return settings(provider(upstream), budget=budget)


async def report(engine: RunningEngine, **query: str) -> dict[str, c.Budget]:
    answer = msgspec.json.decode((await engine.look("budget", **query)).content, type=c.BudgetReport)
    return {budget.kind: budget for budget in answer.budgets}
