"""Reports of a session: sums that agree, pages that need nothing else, nothing in them that a provider said."""

import json
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import contract as c
from tui.report.facts import SERIES_MAX, SessionFacts, session_facts
from tui.report.html import html_page
from tui.report.markdown import markdown_page
from tui.report.rows import export_rows

SESSION = "0d9f1c2e-8a43-4f0e-9f7e-0a1b2c3d4e5f"
BEGAN = 1_795_168_800.0
USAGE = c.Usage(input_tokens=1_000, output_tokens=200, cache_read_tokens=9_000)
SAID = "invalid x-api-key sk-or-v1-CANARYKEY0123456789: your prompt 'CANARYPROMPT' was flagged"
VOID = frozenset({"meta"})


def request(number: int, **fields: object) -> c.Request:
    plain: dict[str, object] = {
        "id": f"r{number}",
        "started_at": BEGAN + 60 * number,
        "session_id": SESSION,
        "project": "shop-api",
        "asked_model": "claude-opus-4-8",
        "served_model": "claude-opus-4-8",
        "provider": "anthropic",
        "phase": "done",
        "outcome": "served",
        "duration_ms": 4_000.0,
        "usage": USAGE,
        "cost_nano_usd": 14_500_000,
        "cost_source": "genai-prices",
    }
    return c.Request(**{**plain, **fields})  # type: ignore[arg-type]


def model(name: str, *amounts: int, provider: str = "anthropic", simulated: bool = False) -> c.ModelCost:
    real, made_up = (0, sum(amounts)) if simulated else (sum(amounts), 0)
    tally = c.Tally(requests=len(amounts), usage=USAGE, cost_nano_usd=real, simulated_nano_usd=made_up)
    return c.ModelCost(provider=provider, model=name, tally=tally, simulated=simulated, over_time=amounts)


def report(*models: c.ModelCost, kinds: tuple[c.KindCost, ...] = (), project: str | None = None) -> c.SessionReport:
    tally = c.Tally(
        requests=sum(one.tally.requests for one in models),
        usage=USAGE,
        cost_nano_usd=sum(one.tally.cost_nano_usd for one in models),
        simulated_nano_usd=sum(one.tally.simulated_nano_usd for one in models),
    )
    steps = len(models[0].over_time) if models else 0
    return c.SessionReport(
        session_id=SESSION,
        project=project,
        tally=tally,
        by_model=models,
        by_kind=kinds,
        begins_at=BEGAN,
        step_s=60.0,
        steps=steps,
    )


REQUESTS = (request(0), request(1))


def facts(*rows: c.Request) -> SessionFacts:
    kinds = (
        c.KindCost(kind="input", nano_usd=5_000_000, over_time=(5_000_000, 0)),
        c.KindCost(kind="output", nano_usd=24_000_000, over_time=(9_500_000, 14_500_000)),
    )
    models = (model("claude-opus-4-8", 14_500_000, 14_500_000),)
    return session_facts(report(*models, kinds=kinds, project=rows[0].project if rows else ""), rows or REQUESTS)


class Page(HTMLParser):
    """Tags, attributes and open tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    page = Page(html_page(facts(), "0.1.0"))
    assert page.open == []
    assert set(page.tags) & {"script", "link", "img", "iframe", "object", "embed", "base", "form"} == set()
    assert [name for name, _ in page.attributes if name in ("src", "href") or name.startswith("on")] == []
    assert "url(" not in html_page(facts(), "0.1.0")
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_a_page_has_its_graphs_and_reads_in_light_and_dark() -> None:
    text = html_page(facts(), "0.1.0")
    page = Page(text)
    assert page.tags.count("svg") == 3
    assert "prefers-color-scheme: dark" in text
    assert {"Cost over time", "Cost by model", "Cost by kind of token"} <= set(page.texts)


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_name_becomes_markup(project: str, model_name: str) -> None:
    row = request(0, project=project, asked_model=model_name, served_model=model_name, provider=model_name)
    page = session_facts(report(model(model_name, 10, 10, provider=project), project=project), [row])
    plain = Page(html_page(facts(), "0.1.0"))
    assert set(Page(html_page(page, "0.1.0")).tags) == set(plain.tags)
    lines = markdown_page(page, "0.1.0").splitlines()
    rows = [line for line in lines if line.startswith("| ") and line.endswith(" |")]
    assert {line.replace("\\\\", "").replace("\\|", "").count("|") for line in rows} == {9, 5}


def test_neither_keys_nor_what_providers_said_are_in_any_form() -> None:
    attempt = c.Attempt(
        provider="anthropic", model="claude-opus-4-8", outcome="refused", status=400, reason=SAID, key="sk-CANARY"
    )
    row = request(0, outcome="failed", error=SAID, attempts=(attempt,), status=400)
    forms = [
        html_page(facts(row), "0.1.0"),
        markdown_page(facts(row), "0.1.0"),
        json.dumps(list(export_rows([row]))),
    ]
    assert [form for form in forms if "CANARY" in form] == []
    assert '"outcome": "refused"' in forms[2]


def test_json_lines_have_every_ended_request_oldest_first_and_exact_money() -> None:
    rows = list(export_rows([request(2), request(1, cost_nano_usd=None), request(3, phase="streaming", outcome=None)]))
    assert [row["id"] for row in rows] == ["r1", "r2"]
    assert [row["cost_nano_usd"] for row in rows] == [None, 14_500_000]


def test_real_and_simulated_money_share_no_graph_and_no_sum() -> None:
    real = model("claude-opus-4-8", 14_500_000, 0)
    unreal = model("sim-1", 0, 99_000_000, provider="simulator", simulated=True)
    mixed = session_facts(report(real, unreal), [request(0), request(1, simulated=True, provider="simulator")])
    assert mixed.growth == (14_500_000, 14_500_000)
    text = markdown_page(mixed, "0.1.0")
    assert "$0.0145 and ~$0.0990" in text
    assert "simulator's: nobody pays them" in text


def test_a_session_of_the_simulator_alone_shows_its_money_marked() -> None:
    unreal = session_facts(report(model("sim-1", 99_000_000, provider="simulator", simulated=True)), [])
    assert unreal.simulated
    assert "~$0.0990 at the end" in markdown_page(unreal, "0.1.0")


def test_an_unknown_price_is_said_and_not_shown_as_zero() -> None:
    tally = c.Tally(requests=1, usage=USAGE, unpriced_requests=1)
    unpriced = c.SessionReport(session_id=SESSION, tally=tally)
    page = session_facts(unpriced, [request(0, cost_nano_usd=None, cost_source="unknown")])
    text = markdown_page(page, "0.1.0")
    assert "1 request without a known price" in text
    assert "| ? |" in text
    assert "<svg" not in html_page(page, "0.1.0")


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=12))
def test_few_colours_lose_no_money(amounts: list[tuple[int, int]]) -> None:
    whole = report(*(model(f"model-{number}", *each) for number, each in enumerate(amounts)))
    shown = session_facts(whole, [])
    assert len(shown.models) <= SERIES_MAX
    assert sum(one.total for one in shown.models) == whole.tally.cost_nano_usd
    assert (shown.growth or (0,))[-1] == whole.tally.cost_nano_usd


def test_sub_agents_have_their_numbers_and_not_their_errands() -> None:
    told = msgspec.structs.replace(
        report(),
        agents=(
            c.AgentTally(role="main"),
            c.AgentTally(role="agent", agent_id="a", ordinal=1, name='Explore "the plan"', tally=c.Tally(requests=3)),
            c.AgentTally(role="agent", agent_id="z", ordinal=2),
            c.AgentTally(role="background"),
        ),
    )
    shown = session_facts(told, [])
    assert [one.name for one in shown.threads] == ["conversation", "agent 1", "agent 2", "background"]
    assert shown.threads[1].tally.requests == 3
    assert "the plan" not in html_page(shown, "0.1.0")


@pytest.mark.parametrize(
    ("project", "shown"),
    [("a|b", "a\\|b, "), ("`x`", "\\`x\\`, "), ("<b>", "&lt;b>, "), ("*x*", "\\*x\\*, "), ("[y](z)", "\\[y\\](z), ")],
)
def test_markdown_shows_a_name_as_it_is(project: str, shown: str) -> None:
    assert markdown_page(facts(request(0, project=project)), "0.1.0").splitlines()[2].startswith(shown)
