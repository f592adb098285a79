"""Where our files lie, who may read them, and how they are written."""

import stat
import threading
from pathlib import Path

import pytest

from proxy.paths import find_paths, local_token, make_private_dir, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_variable_puts_every_file_under_one_directory(tmp_path: Path) -> None:
    paths = find_paths({"CCTUI_HOME": str(tmp_path)})
    files = (
        paths.token_file,
        paths.ledger_file,
        paths.route_file,
        paths.catalog_file,
        paths.log_file,
        paths.runtime_file,
    )
    assert paths.config_file == tmp_path / "config.toml"
    assert all(file.is_relative_to(tmp_path) for file in (*files, paths.lock_file))
    assert len({*files, paths.lock_file}) == 7


def test_a_relative_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_paths({"CCTUI_HOME": "here"}).state_dir == tmp_path / "here" / "state"


def test_without_it_the_platform_decides_and_an_empty_one_counts_as_none() -> None:
    assert find_paths({}) == find_paths({"CCTUI_HOME": ""})
    assert find_paths({}).config_file.name == "config.toml"


def test_finding_the_paths_makes_no_file(tmp_path: Path) -> None:
    find_paths({"CCTUI_HOME": str(tmp_path / "new")})
    assert list(tmp_path.iterdir()) == []


def test_a_private_file_is_its_owner_s_alone_and_so_is_its_directory(tmp_path: Path) -> None:
    file = tmp_path / "run" / "engine.json"
    write_private(file, b"x")
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)


def test_a_file_that_others_could_read_is_replaced_by_one_that_they_cannot(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"old")
    file.chmod(0o644)
    write_private(file, b"new")
    assert (file.read_bytes(), mode(file)) == (b"new", 0o600)


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.write_bytes(b"theirs")
    ours.symlink_to(theirs)
    write_private(ours, b"ours")
    assert (theirs.read_bytes(), ours.read_bytes(), ours.is_symlink()) == (b"theirs", b"ours", False)


def test_a_write_that_fails_leaves_the_old_content_and_no_debris(tmp_path: Path) -> None:
    file = tmp_path / "f"
    write_private(file, b"old")
    with pytest.raises(TypeError):
        write_private(file, None)  # type: ignore[arg-type]
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_directory_may_be_there_already(tmp_path: Path) -> None:
    make_private_dir(tmp_path / "a" / "b")
    make_private_dir(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700


def test_the_token_is_made_once_and_is_private(tmp_path: Path) -> None:
    paths = find_paths({"CCTUI_HOME": str(tmp_path)})
    token = local_token(paths)
    assert local_token(paths) == token
    assert len(token) > 40
    assert mode(paths.token_file) == 0o600
    assert list(paths.state_dir.iterdir()) == [paths.token_file]


def test_two_installations_have_two_tokens(tmp_path: Path) -> None:
    homes = (find_paths({"CCTUI_HOME": str(tmp_path / name)}) for name in ("a", "b"))
    assert len({local_token(paths) for paths in homes}) == 2


@pytest.mark.parametrize("content", ["", "\n", "  \n"])
def test_an_empty_token_file_is_no_token_but_a_fresh_one(tmp_path: Path, content: str) -> None:
    paths = find_paths({"CCTUI_HOME": str(tmp_path)})
    make_private_dir(paths.state_dir)
    paths.token_file.write_text(content)
    token = local_token(paths)
    assert token.startswith("cctui-")
    assert paths.token_file.read_text().strip() == token


def test_those_who_race_for_the_token_agree(tmp_path: Path) -> None:
    paths = find_paths({"CCTUI_HOME": str(tmp_path)})
    tokens: list[str] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        tokens.append(local_token(paths))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1
