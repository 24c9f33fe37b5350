"""The course secret: what is refused, and why."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from autograder.engine.secret import SecretError, make_secret, read_secret, secret_path

GOOD = "0123456789abcdef" * 4


def written(path: Path, text: str = GOOD, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_made_secret_is_fit_and_is_never_replaced(tmp_path: Path) -> None:
    path = make_secret(tmp_path / "deep" / "secret")
    before = read_secret(path)
    assert len(before) == 64 and path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SecretError, match="exists; it is kept"):
        make_secret(path)
    assert read_secret(path) == before


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        (GOOD, 0o640, r"has mode 0640; it must be 0600: chmod 600"),
        ("changeme", 0o600, "default or trivial"),
        ("a" * 64, 0o600, "default or trivial"),
        ("0123456789abcdef", 0o600, "has 16 bytes; at least 32"),
    ],
)
def test_an_unfit_secret_is_refused(tmp_path: Path, text: str, mode: int, told: str) -> None:
    with pytest.raises(SecretError, match=told):
        read_secret(written(tmp_path / "secret", text, mode))


def test_a_missing_secret_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=r"No such file or directory; make one with 'python -m autograder doctor --make-secret'"):
        read_secret(tmp_path / "none")


def test_a_secret_in_git_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "secret")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=600)
    assert read_secret(path)
    subprocess.run(["git", "-C", str(tmp_path), "add", "secret"], check=True, timeout=600)
    with pytest.raises(SecretError, match="tracked by git"):
        read_secret(path)


@pytest.fixture
def in_git(tmp_path: Path) -> Path:
    """A secret that is tracked by git."""
    (tmp_path / "dotfiles").mkdir()
    path = written(tmp_path / "dotfiles" / "secret")
    for words in (["init", "-q"], ["add", "secret"]):
        subprocess.run(["git", "-C", str(path.parent), *words], check=True, timeout=30)
    return path


def test_a_link_to_a_secret_in_git_is_refused(in_git: Path, tmp_path: Path) -> None:
    link = tmp_path / "secret"
    link.symlink_to(in_git)
    with pytest.raises(SecretError, match="tracked by git"):
        read_secret(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_secret_in_the_repository_of_another_user_is_refused(in_git: Path) -> None:
    for path in (in_git.parent, in_git.parent / ".git"):
        os.chown(path, 65534, 65534)
    with pytest.raises(SecretError, match="tracked by git"):
        read_secret(in_git)


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VISLAB_SECRET_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert secret_path() == tmp_path / "vislab" / "secret"
    monkeypatch.setenv("VISLAB_SECRET_FILE", str(tmp_path / "other"))
    assert secret_path() == tmp_path / "other"
