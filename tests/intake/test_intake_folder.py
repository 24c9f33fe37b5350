"""A submission folder gives up regular files and nothing else."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from autograder.intake.folder import Changed, FoundFile, survey
from autograder.intake.limits import FolderLimits


def reasons(folder: Path, limits: FolderLimits | None = None) -> dict[str, str]:
    return {each.name: each.reason for each in survey(folder, limits or FolderLimits()).ignored}


def test_regular_files_are_found_in_order(tmp_path: Path) -> None:
    for name in ("b.ipynb", "a.ipynb", "sub/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"123")
    found = survey(tmp_path)
    assert list(found.files) == ["a.ipynb", "b.ipynb", "sub/c.txt"]
    assert found.files["sub/c.txt"].size_bytes == 3 and found.files["sub/c.txt"].depth == 1
    assert found.ignored == []


def test_links_to_the_outside_are_left_out(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the course secret")
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "symbolic.ipynb").symlink_to(secret)
    (folder / "dangling.ipynb").symlink_to("nowhere")
    (folder / "folder").symlink_to(tmp_path)
    os.link(secret, folder / "hard.ipynb")
    assert survey(folder).files == {}
    found = reasons(folder)
    assert found["symbolic.ipynb"] == found["dangling.ipynb"] == found["folder"] == "a symbolic link"
    assert "hard link whose other name lies outside" in found["hard.ipynb"]


def test_hard_links_within_the_folder_are_plain_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    os.link(tmp_path / "a", tmp_path / "b")
    assert set(survey(tmp_path).files) == {"a", "b"}


def test_fifos_sockets_and_devices_are_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.ipynb")
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.getcwd()
        os.chdir(tmp_path)
        try:
            sock.bind("socket.ipynb")
        finally:
            os.chdir(here)
        found = reasons(tmp_path)
    assert found == {"fifo.ipynb": "a FIFO", "socket.ipynb": "a socket"}


def test_a_device_is_left_out(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "zero.ipynb", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("making a device needs root")
    assert reasons(tmp_path) == {"zero.ipynb": "a device"}


def test_a_file_that_became_a_link_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("mine")
    found = survey(tmp_path).files["a"]
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(OSError):
        found.read(100)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Changed, match="changed while it was read"):
        found.read(100)


def test_reading_stops_behind_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1000)
    assert len(FoundFile("a", tmp_path / "a", 1000).read(10)) == 11


def test_the_number_of_entries_and_levels_is_bounded(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}").write_text("")
    assert list(survey(tmp_path, FolderLimits(entries=3)).files) == ["0", "1", "2"]
    assert "more than 3 entries" in reasons(tmp_path, FolderLimits(entries=3))["."]
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("")
    assert reasons(tmp_path, FolderLimits(depth=1)) == {"a/b": "nested deeper than 1 folders"}


def test_odd_names_are_printable(tmp_path: Path) -> None:
    os.symlink("x", os.fsencode(tmp_path) + b"/\xff\x1b[31m\n")
    assert list(reasons(tmp_path)) == ["\ufffd\ufffd[31m\ufffd"]


def test_litter_is_not_worth_a_word(tmp_path: Path) -> None:
    for name in (".ipynb_checkpoints/1_pose-checkpoint.ipynb", "__MACOSX/._a", ".DS_Store", "._1_pose.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = survey(tmp_path)
    assert (found.files, found.ignored) == ({}, [])
