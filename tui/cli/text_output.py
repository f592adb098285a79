"""What commands print for people. Pure: contract values and a width in, lines out."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from proxy import contract as c
from tui.cli.json_output import detours_of, target
from tui.cli.tables import Column, table
from tui.state import formats
from tui.state.detour import Detour, fallback_words, without_name
from tui.state.limits import all_limits, limit_warning, nearest
from tui.state.text import clean_line
from tui.state.who import models as models_asked_and_served
from tui.state.who import session_money, session_name

SLOT_WORDS: dict[c.Slot, str] = {
    "opus": "Opus requests",
    "sonnet": "Sonnet requests",
    "haiku": "Haiku and background requests",
    "subagent": "sub-agents",
}

REQUEST_COLUMNS = (
    Column("time"),
    Column("session", shrinks=True, drop=3),
    Column("who", drop=2),
    Column("model", shrinks=True),
    Column("provider", shrinks=True),
    Column("state", shrinks=True),
    Column("first", numeric=True, drop=4),
    Column("in", numeric=True),
    Column("out", numeric=True),
    Column("cached", numeric=True, drop=5),
    Column("cost", numeric=True),
)
PROVIDER_COLUMNS = (
    Column("provider", shrinks=True),
    Column("state"),
    Column("key", shrinks=True),
    Column("limit", drop=4),
    Column("first token", drop=3),
    Column("models", numeric=True),
    Column("found in", shrinks=True),
    Column("speaks", drop=2),
    Column("address", shrinks=True, drop=1),
)
MODEL_COLUMNS = (
    Column(" "),
    Column("provider", shrinks=True),
    Column("model", shrinks=True),
    Column("window", numeric=True),
    Column("in $/M", numeric=True),
    Column("out $/M", numeric=True),
    Column("can", drop=1),
)


def status(state: c.Snapshot, now: float) -> list[str]:
    """The engine, its route, its sessions and the way of the last request, with the reason for it."""
    engine = state.engine
    draining = ", ending" if engine.draining else ""
    facts = [
        ("engine", f"{engine.url}, pid {engine.pid}, version {engine.version}{draining}"),
        ("", f"up {formats.age(now - engine.started_at)}, {formats.size(engine.rss_bytes)} of memory"),
        *_headed("route", route(state.route)),
        *chains(state.route),
        *_headed("detour", [_detour(one, now) for one in detours_of(state, now)]),
        *_headed("sessions", [_session(session, state, now) for session in state.sessions] or ["none yet"]),
        *_headed("last", _last(state.requests)),
        ("today", _spent(state.today)),
        *_headed("budgets", [_budget(one) for one in state.budgets if one.kind != "session"]),
        *_headed("trouble", [*state.problems, *_all_troubles(state, now)]),
    ]
    return [f"{head:<10}{clean_line(text)}" for head, text in facts]


def route(value: c.Route) -> list[str]:
    """Where requests go, the most general rule first."""
    general = [override for override in value.overrides if not override.session and not override.slot]
    special = [override for override in value.overrides if override.session or override.slot]
    first = f"all to {target(general[-1])}" if general else f"as asked, {value.default}"
    return [first, *(f"{_scope(override)} to {target(override)}" for override in special)]


def chains(value: c.Route) -> list[tuple[str, str]]:
    """Fallback with every chain and every group, as heads and texts."""
    state = "on, then" if value.fallback_enabled else "off; when on, then"
    nothing = f"{'on' if value.fallback_enabled else 'off'}, no target follows; `cctui fallback set` names some"
    common = f"{state} {', '.join(value.chain)}" if value.chain else nothing
    own = [f"{SLOT_WORDS[slot]}: {', '.join(chain)}" for slot, chain in value.slot_chains.items()]
    groups = [f"group {name}: {', '.join(members)}" for name, members in value.groups.items()]
    return _headed("fallback", [common, *own, *groups])


def requests(rows: Sequence[c.Request], now: float, width: int) -> list[str]:
    """A line each, in the order given; the date only where it is not today's."""
    return table(REQUEST_COLUMNS, [_request(row, now) for row in rows], width)


def providers(rows: Sequence[c.Provider], now: float, width: int) -> list[str]:
    """The table, then a sentence for each provider in trouble."""
    lines = table(PROVIDER_COLUMNS, [_provider(row, now) for row in rows], width)
    troubles = [clean_line(text) for row in rows for text in _troubles(row, now)]
    return [*lines, *(["", *troubles] if troubles else [])]


def models(listed: c.ModelList, now: float, width: int) -> list[str]:
    lines = table(MODEL_COLUMNS, [_model(model) for model in listed.models], width)
    errors = [_list_error(row, now) for row in listed.providers if row.models_error]
    return [*lines, *(["", *map(clean_line, errors)] if errors else [])]


def _headed(head: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(head if place == 0 else "", text) for place, text in enumerate(texts)]


def _scope(override: c.Override) -> str:
    parts = [SLOT_WORDS[override.slot]] if override.slot else []
    return " of ".join([*parts, *([f"session {override.session}"] if override.session else [])])


def _session(session: c.Session, state: c.Snapshot, now: float) -> str:
    busy = f"{session.in_flight} in flight" if session.in_flight else f"quiet {formats.age(now - session.last_at)}"
    name = " ".join(dict.fromkeys(filter(None, (session_name(session), clean_line(session.id)[:8]))))
    told = [name, _counted(session.tally.requests), session_money(session), busy]
    told += [_budget(one) for one in state.budgets if (one.kind, one.name) == ("session", session.id)]
    return ", ".join([*told, *(["passes every budget"] if session.id in state.passing else [])])


def _last(rows: Sequence[c.Request]) -> list[str]:
    if not rows:
        return ["no request yet; `cctui claude` in another terminal makes one"]
    row = rows[-1]
    first = f"{formats.clock(row.started_at)} {models_asked_and_served(row)}"
    why = f": {row.why}" if row.why else ""
    if row.fell_back:
        why = f" as fallback, {fallback_words(row.attempts[0])}"
    return [f"{first} at {row.provider or 'nobody'}, {_state(row)}{why}"]


def _spent(today: c.Tally) -> str:
    return f"{_counted(today.requests)}, {formats.spent(today)}"


def _budget(one: c.Budget) -> str:
    """``session budget: $4.12 of $10.00``"""
    whose = f" {one.name}" if one.kind == "project" else ""
    return f"{one.kind} budget{whose}: {formats.used(one)} of {formats.limit(one.limit_nano_usd)}"


def _counted(requests: int) -> str:
    return f"{requests:,} request{'' if requests == 1 else 's'}"


def _state(row: c.Request) -> str:
    if row.live:
        return row.phase
    if row.outcome == "served":
        return "served"
    return f"{row.outcome} {row.status or ''}".strip()


def _when(at: float, now: float) -> str:
    today = formats.date(at)[:10] == formats.date(now)[:10]
    return formats.clock(at) if today else formats.date(at)[5:-3]


def _request(row: c.Request, now: float) -> list[str]:
    who = {"main": "main", "agent": "agent", "background": "bg"}[row.role]
    prompt = row.usage.prompt_tokens
    return [
        _when(row.started_at, now),
        row.project or (row.session_id or "")[:8],
        who,
        models_asked_and_served(row),
        row.provider or "",
        _state(row),
        "" if row.ttft_ms is None else formats.duration(row.ttft_ms),
        formats.count(prompt) if prompt else "",
        formats.output_tokens(row),
        formats.percent(row.usage.cache_read_tokens / prompt) if prompt else "",
        formats.money(row.cost_nano_usd, simulated=row.simulated),
    ]


def _provider(row: c.Provider, now: float) -> list[str]:
    key = row.key or {"passthrough": "your login", "none": "none needed"}.get(row.auth, "none")
    limit = nearest(all_limits(row), now)
    return [
        row.name,
        "resting" if row.resting else row.health if row.enabled else "off",
        f"{key} and {len(row.keys) - 1} more" if len(row.keys) > 1 else key,
        f"{limit.name} {formats.percent(limit.used)}" if limit is not None else "",
        "" if row.ttft_p50_ms is None else formats.duration(row.ttft_p50_ms),
        str(row.models) if row.models_at else formats.UNKNOWN,
        row.origin,
        row.dialect,
        "in the engine" if row.simulated else urlsplit(row.base_url).netloc + urlsplit(row.base_url).path,
    ]


def _troubles(row: c.Provider, now: float) -> list[str]:
    listing = _list_error(row, now) if row.models_error and not row.key_error else ""
    return [text for text in (_trouble(row, now), *_key_troubles(row, now), listing) if text]


def _all_troubles(state: c.Snapshot, now: float) -> list[str]:
    found = [(_trouble(row, now), limit_warning(row, now), row) for row in state.providers]
    return [text for trouble, warning, row in found for text in (trouble, warning and f"{row.name}: {warning}") if text]


def _trouble(row: c.Provider, now: float) -> str:
    if row.resting:
        return f"{row.name}: put aside; `cctui providers wake {row.name}` takes it back"
    if row.key_error:
        return f"{row.name}: {row.key_error}"
    if row.health not in {"limited", "failing", "refused"}:
        return ""
    text = without_name(clean_line(row.health_text or row.health), row.name)
    return f"{row.name}: {text}{_retry(row.retry_at, now)}"


def _key_troubles(row: c.Provider, now: float) -> list[str]:
    bad = [key for key in row.keys if key.state not in ("ok", "unused")]
    return [
        f"{row.name}, key {key.name}: {without_name(key.text or key.state, row.name)}{_retry(key.retry_at, now)}"
        for key in bad
    ]


def _retry(at: float | None, now: float) -> str:
    return f", next try in {formats.age(max(1.0, at - now))}" if at is not None and at > now else ""


def _detour(detour: Detour, now: float) -> str:
    since = f"{detour.serving} in place of {detour.first_choice} since {_when(detour.since, now)}"
    return f"{since}: {detour.why}{_retry(detour.retry_at, now)}"


def _list_error(row: c.Provider, now: float) -> str:
    kept = f"; the list of {formats.age(now - row.models_at)} ago is kept" if row.models_at else ""
    return f"{row.name}, list of models: {without_name(row.models_error or '', row.name)}{kept}"


def _model(model: c.Model) -> list[str]:
    able = {"tools": model.tools, "images": model.images, "thinking": model.thinking}
    return [
        "★" if model.favourite else "",
        model.provider,
        model.id,
        formats.window(model.context_window),
        formats.price(model.input_nano_usd),
        formats.price(model.output_nano_usd),
        " ".join(name for name, has in able.items() if has),
    ]
