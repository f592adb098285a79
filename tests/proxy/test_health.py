"""What the health book lets through, over any schedule of requests, failures, clocks and restarts."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.health import Admitted, Closed, HealthBook
from proxy.protocol.breaker import OWN_MAX_S, TRUSTED_S
from proxy.protocol.outcome import TABLE, Outcome
from proxy.providers import ProviderConfig, resolve_providers
from proxy.settings import load_settings
from tests.proxy.faults.clock import Clock

MODELS = ("claude-opus-4-8", "claude-haiku-4-5")
SESSION = "s1"


def provider(*keys: str) -> ProviderConfig:
    tables = {"providers": {"first": {"preset": "respan", "base_url": "http://127.0.0.1:9", "api_key": list(keys)}}}
    return resolve_providers(load_settings(Path("/nonexistent/config.toml"), tables, {}), {})["first"]


ONE_KEY, TWO_KEYS = provider("key-number-one"), provider("key-number-one", "key-number-two")


@dataclass
class Ward:
    """A book, and the requests that it admitted and that have not ended."""

    config: ProviderConfig
    file: Path
    clock: Clock = field(default_factory=Clock)
    under_way: list[tuple[str, Admitted]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.book = HealthBook(self.file, self.clock)

    def asks(self, model: str, *, only: bool = False) -> Admitted | Closed:
        admission = self.book.admit(self.config, model, SESSION, only=only)
        if isinstance(admission, Admitted):
            self.under_way.append((model, admission))
        return admission

    def begins(self, which: int) -> None:
        model, admission = self._one(which)
        self.book.began(self.config, model, admission.key, None, admission.number)

    def ends(self, which: int, outcome: Outcome | None) -> None:
        """None: nothing was sent after all."""
        model, admission = one = self._one(which)
        self.under_way.remove(one)
        if outcome is None:
            self.book.unsent(self.config, model, admission.key, None, admission.number)
        else:
            self.book.note(self.config, model, admission.key, outcome, {}, None, admission.number)

    def restarts(self, away_s: float) -> None:
        self.book.save_now()
        self.under_way.clear()
        self.clock.passes(away_s)
        self.book = HealthBook(self.file, self.clock)

    def _one(self, which: int) -> tuple[str, Admitted]:
        return self.under_way[which % len(self.under_way)]


@pytest.fixture
def there(tmp_path: Path) -> Ward:
    return Ward(ONE_KEY, tmp_path / "health.json")


def overloaded(wait_s: float | None = None) -> Outcome:
    return Outcome(TABLE["overloaded"], None, wait_s)


def test_a_clock_that_is_set_back_an_hour_closes_nothing_for_an_hour(there: Ward) -> None:
    there.asks(MODELS[0])
    there.ends(0, overloaded())
    there.clock.passes(-3600)

    assert isinstance(closed := there.asks(MODELS[0]), Closed)
    assert closed.wait_s < 6
    there.clock.passes(6)
    assert isinstance(there.asks(MODELS[0]), Admitted)


def test_a_limit_keeps_its_length_when_the_clock_is_set_back(there: Ward) -> None:
    there.asks(MODELS[0])
    there.ends(0, overloaded(600.0))
    there.clock.passes(-86400)

    assert isinstance(closed := there.asks(MODELS[0]), Closed)
    assert closed.wait_s == 600
    assert there.book.view(there.config).retry_at == there.clock.now + 600


def test_a_clock_that_is_set_back_between_two_runs_closes_nothing_for_longer_either(there: Ward) -> None:
    there.asks(MODELS[0])
    there.ends(0, overloaded(600.0))
    there.restarts(-86400)

    assert isinstance(closed := there.asks(MODELS[0]), Closed)
    assert closed.wait_s == 600


async def test_what_is_closed_is_written_once_however_often_it_is_kept(there: Ward) -> None:
    there.asks(MODELS[0])
    there.ends(0, overloaded(600.0))
    await there.book.save()
    there.file.unlink()
    there.clock.passes(10)

    await there.book.save()

    assert not there.file.exists()


async def test_it_is_written_again_when_it_is_over(there: Ward) -> None:
    there.asks(MODELS[0])
    there.ends(0, overloaded(600.0))
    await there.book.save()
    kept = there.file.read_bytes()
    there.clock.passes(600)

    await there.book.save()

    assert there.file.read_bytes() != kept


def test_a_request_that_fails_may_have_been_admitted_before_the_clock_was_set_back(there: Ward) -> None:
    there.asks(MODELS[0])
    there.clock.passes(-3600)
    there.ends(0, overloaded(600.0))
    there.asks(MODELS[0], only=True)
    there.ends(0, Outcome(TABLE["served"]))

    assert isinstance(there.asks(MODELS[0]), Admitted)


@pytest.mark.parametrize("only", [False, True], ids=["as the probe", "as the only target"])
def test_a_provider_is_well_again_when_its_answer_begins(there: Ward, only: bool) -> None:
    there.asks(MODELS[0])
    there.ends(0, overloaded())
    there.clock.passes(10)
    there.asks(MODELS[0], only=only)
    assert there.book.view(there.config).state == "limited"
    there.begins(0)
    assert (there.book.view(there.config).state, there.book.view(there.config).text) == ("ok", None)


def test_an_answer_that_breaks_off_leaves_the_trouble_as_it_was(there: Ward) -> None:
    there.asks(MODELS[0])
    there.ends(0, overloaded())
    there.clock.passes(10)
    there.asks(MODELS[0])
    there.begins(0)
    there.ends(0, overloaded())
    assert there.book.view(there.config).state == "limited"


def test_an_answer_to_what_was_sent_before_the_trouble_does_not_end_it(there: Ward) -> None:
    there.asks(MODELS[0])
    there.asks(MODELS[0])
    there.ends(0, overloaded())
    there.begins(0)
    assert there.book.view(there.config).state == "limited"


STEPS = st.one_of(
    st.tuples(st.just("asks"), st.sampled_from(MODELS), st.booleans()),
    st.tuples(st.just("begins"), st.integers(0, 9)),
    st.tuples(st.just("ends"), st.integers(0, 9), st.sampled_from(list(TABLE)), st.none() | st.floats(0, 10**6)),
    st.tuples(st.just("unsent"), st.integers(0, 9)),
    st.tuples(st.just("passes"), st.floats(-(10**5), 400)),
    st.tuples(st.just("restarts"), st.floats(-(10**5), 100)),
)


def play(there: Ward, step: tuple[object, ...]) -> None:
    match step:
        case ("asks", str(model), bool(only)):
            there.asks(model, only=only)
        case ("begins", int(which)) if there.under_way:
            there.begins(which)
        case ("ends", int(which), str(name), wait) if there.under_way:
            there.ends(which, Outcome(TABLE[name], None, wait if isinstance(wait, float) else None))
        case ("unsent", int(which)) if there.under_way:
            there.ends(which, None)
        case ("passes", float(seconds)):
            there.clock.passes(seconds)
        case ("restarts", float(seconds)):
            there.restarts(seconds)
        case _:
            pass


@settings(max_examples=150)
@given(st.sampled_from([ONE_KEY, TWO_KEYS]), st.lists(STEPS, max_size=50))
def test_nothing_stays_closed_without_a_time_or_half_open_without_a_probe(
    tmp_path_factory: pytest.TempPathFactory, config: ProviderConfig, steps: list[tuple[object, ...]]
) -> None:
    there = Ward(config, tmp_path_factory.mktemp("health") / "health.json")
    for step in steps:
        play(there, step)
        there.book.view(config)  # by now the book has seen that the clock was set
        now, numbers = there.clock.now, {admission.number for _, admission in there.under_way}
        for breaker in there.book._breakers.values():
            longest = OWN_MAX_S if breaker.told_after is None else TRUSTED_S
            assert breaker.wait_s(now) <= longest + 1
            assert breaker.state(now) != "probing" or breaker.probe in numbers
            assert breaker.state(now) != "answering" or breaker.probe in numbers
            assert breaker.admits(now) or breaker.wait_s(now) > 0 or breaker.state(now) == "probing"
    while there.under_way:
        there.ends(0, None)
    for model in MODELS:
        while isinstance(admission := there.asks(model), Closed):
            assert 0 < admission.wait_s < math.inf
            there.clock.passes(admission.wait_s)
        there.ends(0, None)
