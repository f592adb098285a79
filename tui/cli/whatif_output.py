"""What ``cctui whatif`` prints. Pure: the contract's values and a width in, lines or JSON out."""

from proxy import contract as c
from tui.cli.json_output import Json, moment, tally
from tui.cli.tables import Column, table
from tui.state import formats
from tui.state.lines import line_text
from tui.state.whatif import ROUGH, base, same_words, spent, times

COLUMNS = (
    Column("provider", shrinks=True),
    Column("model", shrinks=True),
    Column("would cost", numeric=True),
    Column("× of now", numeric=True),
    Column("tokenizer", drop=3),
    Column("price from", drop=2),
    Column("problem", shrinks=True, drop=1),
)
PRICE_SOURCES = {"listed": "its list", "settings": "settings", "genai-prices": "price list", "free": "free"}


def what_if(report: c.WhatIf, limit: int, width: int) -> list[str]:
    """What was used, then the cheapest ``limit`` models."""
    if not report.total.requests:
        return ["No request was chosen; `cctui usage --by day` tells when there was something."]
    rows = [_row(row, base(report)) for row in report.rows[:limit]]
    lines = [_whose(report.choice), *(line_text(each).strip() for each in spent(report, width)), ""]
    lines += table(COLUMNS, rows, width) if rows else ["No provider lists a model; `cctui models` shows why."]
    if (more := len(report.rows) - limit) > 0:
        lines += ["", f"{more} dearer ones are left out; --limit shows more."]
    if any(row.same_tokenizer < 1 for row in report.rows[:limit]):
        lines += ["", "Where another tokenizer counts, the same text can be more tokens, or fewer."]
    return [*lines, "", ROUGH] if report.rough else lines


def what_if_json(report: c.WhatIf) -> Json:
    """``would_usd`` and ``list_usd`` are null where no price is known; ``same_tokenizer`` is a share of the tokens."""
    return {
        "choice": _choice(report.choice),
        "total": tally(report.total),
        "list_usd": _dollars(report.list_nano_usd),
        "list_simulated_usd": _dollars(report.list_simulated_nano_usd),
        "longest_prompt": None if report.rough else report.longest_prompt,
        "rough": report.rough,
        "rows": [
            {
                "provider": row.provider,
                "model": row.model,
                "would_usd": _dollars(row.cost_nano_usd),
                "price_source": row.price_source,
                "same_tokenizer": round(row.same_tokenizer, 4),
                "misfit": row.misfit,
                "simulated": row.simulated,
            }
            for row in report.rows
        ],
    }


def _row(row: c.WhatIfRow, of_nano_usd: int) -> list[str]:
    return [
        row.provider,
        row.model,
        formats.money(row.cost_nano_usd, simulated=row.simulated),
        times(row.cost_nano_usd, of_nano_usd),
        same_words(row.same_tokenizer),
        PRICE_SOURCES.get(row.price_source, formats.UNKNOWN),
        row.misfit or "",
    ]


def _whose(choice: c.Choice) -> str:
    """What was chosen, in a line."""
    words = [
        f"{name} {moment(value) if isinstance(value, float) else value or 'none'}"
        for name, value in _choice_values(choice).items()
        if value is not None
    ]
    return ", ".join(words) or "everything"


def _choice(choice: c.Choice) -> Json:
    return {
        name: moment(value) if isinstance(value, float) else value for name, value in _choice_values(choice).items()
    }


def _choice_values(choice: c.Choice) -> dict[str, float | str | None]:
    return {name: getattr(choice, name) for name in choice.__struct_fields__}


def _dollars(nano_usd: int | None) -> float | None:
    return None if nano_usd is None else c.dollars(nano_usd)
