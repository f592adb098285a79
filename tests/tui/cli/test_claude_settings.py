"""What is found of Claude Code on a machine: settings, logins, projects."""

import json
import subprocess
from pathlib import Path

import pytest

from tui import claude_settings as found


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def test_the_layers_go_from_the_users_to_the_local_ones(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(tmp_path / ".claude" / "settings.json", {"env": {"A": "user", "B": "user", "C": "user"}})
    write(project / ".claude" / "settings.json", {"env": {"A": "project", "B": "project"}})
    write(project / ".claude" / "settings.local.json", {"env": {"A": "local"}})
    layers = found.read_layers({}, tmp_path, project)
    env = found.effective_env({"A": "process", "D": "process"}, [layer.env for layer in layers])
    assert env == {"A": "local", "B": "project", "C": "user", "D": "process"}


def test_another_configuration_directory_is_respected(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "settings.json", {"env": {"A": 1}})
    layers = found.read_layers({"CLAUDE_CONFIG_DIR": str(tmp_path / "elsewhere")}, tmp_path, tmp_path)
    assert [layer.env for layer in layers] == [{"A": "1"}]


def test_settings_that_cannot_be_read_count_as_absent(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text("{half")
    assert found.read_layers({}, tmp_path, tmp_path) == ()


@pytest.mark.parametrize(
    ("env", "settings", "name", "subscriber"),
    [
        ({"CLAUDE_CODE_OAUTH_TOKEN": "x", "ANTHROPIC_API_KEY": "k"}, {}, "CLAUDE_CODE_OAUTH_TOKEN", True),
        ({"ANTHROPIC_API_KEY": "k"}, {}, "ANTHROPIC_API_KEY", False),
        ({"ANTHROPIC_AUTH_TOKEN": "t"}, {}, "ANTHROPIC_AUTH_TOKEN", False),
        ({}, {"apiKeyHelper": "get-key"}, "apiKeyHelper", False),
    ],
)
def test_a_login_is_found(
    env: dict[str, str], settings: dict[str, object], name: str, subscriber: bool, tmp_path: Path
) -> None:
    assert found.find_login({}, env, [settings], tmp_path, "local") == found.Login(name, subscriber=subscriber)


def test_our_own_token_in_the_place_of_a_login_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert found.find_login({}, {"ANTHROPIC_AUTH_TOKEN": "local"}, [], tmp_path, "local") is None


def test_a_stored_login_is_found_where_the_client_keeps_it(tmp_path: Path) -> None:
    write(tmp_path / ".claude" / ".credentials.json", {"claudeAiOauth": {"accessToken": "secret"}})
    login = found.find_login({}, {}, [], tmp_path, "local")
    assert login is not None
    assert login.subscriber
    assert "secret" not in login.found


def test_a_stored_console_key_is_a_login(tmp_path: Path) -> None:
    write(tmp_path / ".claude.json", {"primaryApiKey": "secret"})
    login = found.find_login({}, {}, [], tmp_path, "local")
    assert login == found.Login(str(tmp_path / ".claude.json"), subscriber=False)


def test_the_keychain_entry_follows_the_configuration_directory() -> None:
    assert found.keychain_entry({}) == "Claude Code-credentials"
    assert found.keychain_entry({"CLAUDE_CONFIG_DIR": "/x"}) != "Claude Code-credentials"


def test_the_project_is_the_repository_even_below_its_root(tmp_path: Path) -> None:
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    (tmp_path / "shop" / "src").mkdir()
    assert found.project_name(tmp_path / "shop" / "src") == "shop"


def test_a_linked_work_tree_bears_its_repositorys_name(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "init", "-q", str(shop)], check=True)
    subprocess.run([*git, "-C", str(shop), "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    subprocess.run([*git, "-C", str(shop), "worktree", "add", "-q", str(tmp_path / "fix-17")], check=True)
    assert found.project_name(tmp_path / "fix-17") == "shop"


def test_outside_a_repository_the_project_is_the_directory(tmp_path: Path) -> None:
    assert found.project_name(tmp_path / "notes") == "notes"
