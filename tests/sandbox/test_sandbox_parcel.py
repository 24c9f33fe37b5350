from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from autograder.sandbox.faults import WorkFilesError
from autograder.sandbox.inner import read_exactly, read_plan
from autograder.sandbox.parcel import load_work_files, pack, regular_files


def test_what_is_packed_is_what_is_read() -> None:
    files = {"/home/student/work/a.txt": b"\x00binary\xff", "/home/student/work/empty": b""}
    stream = io.BytesIO(b"".join(pack({"argv": ["x"]}, files)))
    plan = read_plan(stream)
    assert plan == {"argv": ["x"], "files": [["/home/student/work/a.txt", 8], ["/home/student/work/empty", 0]]}
    assert read_exactly(stream, 8) == b"\x00binary\xff"
    assert stream.read() == b""


def test_a_parcel_that_ends_early_is_an_error() -> None:
    stream = io.BytesIO(b"".join(pack({}, {"/x": b"1234"}))[:-1])
    read_plan(stream)
    with pytest.raises(EOFError, match="ended after 3 of 4 bytes"):
        read_exactly(stream, 4)


def test_bytes_and_regular_files_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"notes")
    assert load_work_files({"a/b.txt": b"x", "ünï.txt": tmp_path / "notes.txt"}, 100) == {"a/b.txt": b"x", "ünï.txt": b"notes"}


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".", "a\0b"])
def test_a_name_that_leaves_the_folder_is_refused(name: str) -> None:
    with pytest.raises(WorkFilesError, match="must be a relative path inside the working directory"):
        load_work_files({name: b""}, 100)


def test_names_the_file_system_cannot_hold_are_refused() -> None:
    with pytest.raises(WorkFilesError, match="at most 255 bytes; shorten them"):
        load_work_files({"x" * 256: b""}, 100)
    with pytest.raises(WorkFilesError, match="valid Unicode"):
        load_work_files({"\ud800": b""}, 100)
    assert load_work_files({"x" * 255: b""}, 100)


def test_a_file_cannot_be_a_folder_too() -> None:
    with pytest.raises(WorkFilesError, match=r"'a/b' cannot be a file and the folder of 'a/b/c/d'"):
        load_work_files({"a/b": b"", "a/b/c/d": b""}, 100)


def test_too_much_in_total_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(60))
    assert load_work_files({"a": bytes(40), "b": tmp_path / "big"}, 100)
    with pytest.raises(WorkFilesError, match=r"more than 100 bytes \(at 'b'\) exceed limits.files_mib; leave files out or raise files_mib"):
        load_work_files({"a": bytes(41), "b": tmp_path / "big"}, 100)


def test_links_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("secret")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WorkFilesError, match=r"'a' cannot be read from .*link"):
        load_work_files({"a": tmp_path / "link"}, 100)
    with pytest.raises(WorkFilesError, match=r"'a' cannot be read from .*missing: No such file or directory; give a regular file"):
        load_work_files({"a": tmp_path / "missing"}, 100)
    for name in ("pipe", "."):
        with pytest.raises(WorkFilesError, match="which is no regular file"):
            load_work_files({"a": tmp_path / name}, 100)


def test_only_regular_files_of_a_folder_are_listed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_bytes(b"b")
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "link").symlink_to("a.txt")
    (tmp_path / "around").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    found = regular_files(tmp_path)
    assert found == {"a.txt": tmp_path / "a.txt", "sub/b.txt": tmp_path / "sub" / "b.txt"}
    assert load_work_files(found, 100) == {"a.txt": b"a", "sub/b.txt": b"b"}
