"""Reports about a session's prompts to show: a window two thirds full, a cache that broke now and then."""

from proxy import contract as c
from tests.tui.scenes import NOW

SESSION = "5e551011-aaaa"


def _item(kind: c.ContextKind, name: str, tokens: int, count: int = 1) -> c.ContextItem:
    return c.ContextItem(kind=kind, name=name, tokens=tokens, count=count)


def context() -> c.ContextReport:
    """128 k of 200 k: a large file, many tools, a picture."""
    return c.ContextReport(
        session_id=SESSION,
        request_id="r00000011",
        model="anthropic/claude-opus-4.8",
        window=200_000,
        tokens=128_000,
        counted=True,
        parts=(
            _item("system", "system", 4_900, 5),
            _item("tools", "tools", 23_600, 61),
            _item("messages", "messages", 21_100, 104),
            _item("tool_results", "tool_results", 71_300, 44),
            _item("images", "images", 2_600, 2),
            _item("thinking", "thinking", 4_500, 19),
        ),
        items=(
            _item("tool_results", "Read", 48_200, 21),
            _item("tool_results", "Bash", 16_400, 18),
            _item("tools", "mcp github", 12_300, 38),
            _item("messages", "tool calls", 11_700, 44),
            _item("tools", "built-in tools", 11_300, 23),
            _item("messages", "user", 6_200, 31),
            _item("tool_results", "Grep", 5_100, 4),
            _item("thinking", "thinking", 4_500, 19),
            _item("system", "system prompt", 3_200, 3),
            _item("images", "images", 2_600, 2),
            _item("messages", "reminders", 1_700, 9),
            _item("system", "system messages", 1_700, 2),
            _item("tool_results", "WebFetch", 1_600, 1),
            _item("messages", "assistant", 1_300, 19),
            _item("messages", "last answer", 200),
        ),
        biggest=(
            _item("tool_results", "Read src/big.json", 31_000),
            _item("tool_results", "Bash npm test -- --reporter verbose --coverage --runInBand …", 8_800),
            _item("tool_results", "Read src/orders/日本語/retry.py", 6_100),
            _item("images", "image of Read docs/panel.png", 1_600),
            _item("tools", "tool mcp github create_pull_request_with_copilot", 480),
            _item("messages", "user message 1", 12),
        ),
    )


def cache() -> c.CacheReport:
    """93 % read, four breaks, one of them of a sub-agent and one without a price."""
    usage = c.Usage(
        input_tokens=23_000,
        cache_read_tokens=1_930_000,
        cache_write_5m_tokens=92_000,
        cache_write_1h_tokens=31_000,
        output_tokens=40_000,
    )
    return c.CacheReport(
        session_id=SESSION,
        tally=c.Tally(requests=41, usage=usage, cost_nano_usd=3_200_000_000),
        saved_nano_usd=8_410_000_000,
        lost_nano_usd=1_077_500_000,
        shares=(0.0, *(0.9 + number / 300 for number in range(20)), 0.12, *(0.97,) * 14, 0.55, 0.98, 0.99, 0.99),
        breaks=(
            c.CacheBreak(
                at=NOW - 95, request_id="r00000011", reason="message 12 edited", lost_tokens=58_000,
                lost_nano_usd=333_500_000, read_before=0.98, read_after=0.55,
            ),
            c.CacheBreak(
                at=NOW - 300, request_id="r00000010", reason="the provider changed from anthropic to openrouter",
                agent_id="a2", lost_tokens=24_200, read_before=0.95,
            ),
            c.CacheBreak(
                at=NOW - 1_900, request_id="r00000002",
                reason="the cache's 5 minutes had passed: 14 minutes since the last request",
                lost_tokens=99_000, lost_nano_usd=569_200_000, read_before=0.97, read_after=0.12,
            ),
            c.CacheBreak(
                at=NOW - 90_000, request_id="r00000001", reason="38 tools of mcp github added",
                lost_tokens=30_400, lost_nano_usd=174_800_000, read_before=0.92,
            ),
        ),
    )  # fmt: skip


def simulated_cache() -> c.CacheReport:
    """A session of the simulator in which writing cost more than reading saved."""
    usage = c.Usage(input_tokens=400, cache_write_5m_tokens=21_000, output_tokens=900)
    return c.CacheReport(
        session_id=SESSION,
        tally=c.Tally(requests=1, usage=usage, simulated_nano_usd=150_000_000),
        saved_nano_usd=0,
        simulated_saved_nano_usd=-26_250_000,
        lost_nano_usd=0,
        shares=(0.0,),
    )
