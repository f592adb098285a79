"""``cctui export`` and ``cctui import`` against a real engine, with the simulator behind it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from proxy import contract as c
from proxy.paths import Paths
from tests.tui.transcripts.lines import NANO_USD, assistant, user
from tui import supervisor
from tui.cli import cctui

Run = Callable[..., Result]

SESSION = "0d9f1c2e-8a43-4f0e-9f7e-0a1b2c3d4e5f"
PROMPT = "CANARYPROMPT the launch code is 0000"


@pytest.fixture
def run(home: Path) -> Run:
    """Runs ``cctui`` with the arguments."""
    (home / "cctui").mkdir()
    settings = '[engine]\nlocal_servers = false\nport = 0\n[route]\ndefault = "simulator"\n'
    (home / "cctui" / "config.toml").write_text(settings)
    return lambda *arguments: CliRunner().invoke(cctui, arguments, prog_name="cctui")


@pytest.fixture
def engine(run: Run, paths: Paths) -> Iterator[supervisor.RunningEngine]:
    """An engine that served two requests of a session."""
    engine = supervisor.ensure(paths)
    headers = {c.TOKEN_HEADER: engine.token, "x-claude-code-session-id": SESSION, c.PROJECT_HEADER: "shop-api"}
    body = {"model": "claude-opus-4-8", "max_tokens": 64, "messages": [{"role": "user", "content": PROMPT}]}
    with httpx.Client(base_url=engine.url, headers=headers, trust_env=False, timeout=30.0) as http:
        for _ in range(2):
            assert http.post("/v1/messages", json=body).status_code == 200
    yield engine
    supervisor.stop(paths, engine, 0.0)


@pytest.fixture
def transcripts(home: Path) -> Path:
    """Where Claude Code writes, with a session and its fork."""
    folder = home / ".claude" / "projects" / "-home-dev-shop-api"
    folder.mkdir(parents=True)
    shared = [user(), assistant("msg_1", request_id="req_1"), assistant("msg_1", request_id="req_1")]
    (folder / "s-1.jsonl").write_bytes(b"".join([*shared, assistant("msg_2", request_id="req_2")]))
    (folder / "s-2.jsonl").write_bytes(b"".join([*shared, b'{"type": "assist']))
    return folder


@pytest.mark.usefixtures("engine")
def test_a_session_is_exported_in_every_form_by_the_beginning_of_its_id(run: Run) -> None:
    answers = [run("export", SESSION[:8], "--format", form) for form in ("jsonl", "html", "markdown")]
    assert [answer.exit_code for answer in answers] == [0, 0, 0]
    assert [SESSION in answer.stdout for answer in answers] == [True, True, True]
    assert [answer for answer in answers if "CANARY" in answer.stdout] == []


def test_usage_lists_as_many_groups_as_are_asked_for(run: Run, engine: supervisor.RunningEngine) -> None:
    headers = {c.TOKEN_HEADER: engine.token, "x-claude-code-session-id": "another"}
    body = {"model": "claude-opus-4-8", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
    with httpx.Client(base_url=engine.url, headers=headers, trust_env=False, timeout=30.0) as http:
        assert http.post("/v1/messages", json=body).status_code == 200
    sums = json.loads(run("usage", "--by", "session", "--json").stdout)
    assert (len(sums["rows"]), sums["others"]) == (2, None)
    first = json.loads(run("usage", "--by", "session", "--limit", "1", "--json").stdout)
    assert (len(first["rows"]), first["total"]) == (1, sums["total"])
    assert first["others"]["requests"] + first["rows"][0]["requests"] == 3


@pytest.mark.usefixtures("engine")
def test_json_lines_are_one_request_each(run: Run) -> None:
    rows = [json.loads(line) for line in run("export", SESSION).stdout.splitlines()]
    assert [row["session_id"] for row in rows] == [SESSION, SESSION]
    assert rows[0]["started_at"] < rows[1]["started_at"]


@pytest.mark.usefixtures("engine")
def test_the_file_s_ending_says_the_format(run: Run, tmp_path: Path) -> None:
    for name, start in (("report.html", "<!doctype html>"), ("report.md", "# Session"), ("report.jsonl", '{"id"')):
        answer = run("export", SESSION, "--output", str(tmp_path / name))
        assert (answer.exit_code, answer.stdout) == (0, "")
        assert (tmp_path / name).read_text().startswith(start)


@pytest.mark.usefixtures("engine")
def test_a_file_that_cannot_be_written_and_a_session_that_is_none_are_said(run: Run, tmp_path: Path) -> None:
    unwritable = run("export", SESSION, "--output", str(tmp_path / "nowhere" / "report.html"))
    assert (unwritable.exit_code, "cannot be written" in unwritable.stderr) == (1, True)
    unknown = run("export", "ffffffff")
    assert (unknown.exit_code, "No session begins with 'ffffffff'" in unknown.stderr) == (1, True)


@pytest.mark.usefixtures("engine", "transcripts")
def test_transcripts_are_taken_in_once_and_bad_lines_are_told(run: Run, transcripts: Path) -> None:
    before = {file: file.read_bytes() for file in transcripts.iterdir()}
    dry = json.loads(run("import", "--dry-run", "--json").stdout)
    first = json.loads(run("import", "--json").stdout)
    again = json.loads(run("import", "--json").stdout)
    assert [each["added"]["requests"] for each in (dry, first, again)] == [2, 2, 0]
    assert first["added"]["cost_usd"] == 2 * NANO_USD / 1e9
    assert (first["known"], again["known"]) == (1, 3)
    assert first["bad_lines"] == [str(transcripts / "s-2.jsonl") + ":4"]
    assert {file: file.read_bytes() for file in transcripts.iterdir()} == before


@pytest.mark.usefixtures("engine", "transcripts")
def test_an_import_says_in_words_what_it_took_and_what_it_cannot_know(run: Run) -> None:
    said = run("import").stdout
    assert "2 transcripts, 8 lines read." in said
    assert "2 requests taken in: $0.0377, " in said
    assert "1 answer known already" in said
    assert "1 line cannot be read" in said
    assert "--subscription" in said


@pytest.mark.usefixtures("engine")
def test_another_folder_of_claude_code_s_is_respected(
    run: Run, transcripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "other"))
    answer = run("import")
    assert (answer.exit_code, f"no transcripts at {tmp_path / 'other' / 'projects'}" in answer.stderr) == (1, True)
    assert json.loads(run("import", str(transcripts / "s-1.jsonl"), "--json").stdout)["added"]["requests"] == 2


def test_a_folder_without_transcripts_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    answer = run("import", str(tmp_path / "empty"))
    assert (answer.exit_code, "no transcript" in answer.stderr) == (1, True)
