"""Speeds: percentiles of what was served and streamed, from rows and from counts by day alike."""

import random
from pathlib import Path

import msgspec
import pytest

from proxy import contract as c
from proxy.ledger import schema
from proxy.ledger.latencies import percentile
from proxy.ledger.queries import LedgerReader
from proxy.ledger.retention import remove_old
from tests.proxy.ledger import generated
from tests.proxy.ledger.filled import filled_ledger
from tests.proxy.ledger.generated import BEGIN, KEYS

DAYS = 80.0
ROWS = generated.requests(5, 3000, DAYS)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> LedgerReader:
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    filled_ledger(file, ROWS).close()
    return LedgerReader(file)


def meant(choice: c.Choice, who: tuple[str, str]) -> list[c.Request]:
    return [
        each
        for each in generated.chosen(ROWS, choice)
        if each.outcome == "served" and each.streaming and each.ttft_ms is not None
        if (each.provider or "", KEYS["model"](each)) == who
    ]


def rates(rows: list[c.Request]) -> list[float]:
    return [
        each.usage.output_tokens * 1000 / (each.duration_ms - each.ttft_ms)
        for each in rows
        if each.duration_ms is not None and each.ttft_ms is not None
        if each.usage.output_tokens and each.duration_ms > each.ttft_ms
    ]


def plain(values: list[float], share: float) -> float | None:
    return percentile([(value, 1) for value in values], share)


def near(found: float | None, true: float | None) -> bool:
    """Right to 7 %, and to a tenth."""
    if found is None or true is None:
        return found is true
    return abs(found - true) <= max(0.07 * true, 0.1)


@pytest.mark.parametrize("seed", range(40))
def test_percentiles_are_right_to_seven_percent_and_counts_exact(reader: LedgerReader, seed: int) -> None:
    choice = generated.choice(random.Random(seed), DAYS)
    for row in reader.latency(choice).rows:
        rows = meant(choice, (row.provider, row.model))
        ttfts, speeds = [each.ttft_ms or 0.0 for each in rows], rates(rows)
        assert row.requests == len(rows)
        assert near(row.ttft_p50_ms, plain(ttfts, 0.5))
        assert near(row.ttft_p95_ms, plain(ttfts, 0.95))
        assert near(row.tokens_per_s_p50, plain(speeds, 0.5))
        assert near(row.tokens_per_s_p5, plain(speeds, 0.05))


def test_every_model_that_streamed_has_a_row_and_the_most_used_comes_first(reader: LedgerReader) -> None:
    rows = reader.latency(c.Choice()).rows
    everybody = {(each.provider or "", KEYS["model"](each)) for each in ROWS}
    assert {(row.provider, row.model) for row in rows} == {who for who in everybody if meant(c.Choice(), who)}
    assert [row.requests for row in rows] == sorted((row.requests for row in rows), reverse=True)


def test_within_a_day_and_in_a_session_percentiles_are_exact(reader: LedgerReader) -> None:
    within = c.Choice(since=BEGIN + 86400 * 3 + 1, until=BEGIN + 86400 * 4 - 1)
    for choice in (within, c.Choice(session="s-1")):
        for row in reader.latency(choice).rows:
            ttfts = [each.ttft_ms or 0.0 for each in meant(choice, (row.provider, row.model))]
            assert row.ttft_p50_ms == plain(ttfts, 0.5)


def test_nobody_streamed_and_there_is_nothing_to_tell(reader: LedgerReader) -> None:
    assert reader.latency(c.Choice(project="elsewhere")).rows == ()


def test_speeds_outlive_their_rows(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    filled_ledger(file, ROWS).close()
    before = LedgerReader(file).latency(c.Choice())
    connection = schema.connect(str(file))
    newest = msgspec.structs.replace(ROWS[0], id="newest", kind="count_tokens", started_at=BEGIN + 400 * 86400.0)
    filled_ledger(file, [newest]).close()
    while remove_old(connection, 1, BEGIN + 400 * 86400):
        pass
    connection.close()
    assert (LedgerReader(file).latency(c.Choice()), LedgerReader(file).last(9)) == (before, [newest])


def test_a_replaced_row_is_not_counted_twice(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    row = msgspec.structs.replace(
        ROWS[0], kind="messages", outcome="served", streaming=True, ttft_ms=500.0, duration_ms=1500.0,
        usage=c.Usage(output_tokens=50), started_at=BEGIN + 86400.0,
    )  # fmt: skip
    for each in (row, msgspec.structs.replace(row, ttft_ms=900.0)):
        filled_ledger(file, [each]).close()
    (found,) = LedgerReader(file).latency(c.Choice()).rows
    assert found.requests == 1
    assert near(found.ttft_p50_ms, 900.0)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([7.0], 0.5, 7.0), ([1.0, 2.0], 0.5, 1.0), ([1.0, 2.0, 3.0], 0.5, 2.0), ([1.0, 2.0], 0.95, 2.0)],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], share: float, expected: float | None) -> None:
    assert plain(values, share) == expected
