"""Archives: everything honest comes out, nothing leaves the folder, no bomb goes off."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.intake.archive import ArchiveError, Unpacked, extract_archive, is_archive
from autograder.intake.limits import CLASS_DOWNLOAD, ONE_SUBMISSION, ArchiveLimits
from autograder.intake.member_names import NameTable, safe_parts

SMALL = ArchiveLimits(total_bytes=1 << 20, member_bytes=1 << 19, members=20, directory_bytes=4096, depth=2)


def packed(entries: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def unpack(tmp_path: Path, content: bytes, limits: ArchiveLimits = SMALL, inner: ArchiveLimits = SMALL) -> Unpacked:
    path = tmp_path / "class.zip"
    path.write_bytes(content)
    return extract_archive(path, tmp_path / "out", limits, inner)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def reasons(result: Unpacked) -> dict[str, str]:
    return {refused.name: refused.reason for refused in result.refused}


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.create_system = 3
    return info


def test_a_zip_of_zips_becomes_folders(tmp_path: Path) -> None:
    inner = packed({"1_pose.ipynb": b"A", "data/w.bin": b"W"})
    result = unpack(tmp_path, packed({"alice.zip": inner, "bob/1_pose.ipynb": b"B", "read me.txt": b"R"}))
    assert tree(tmp_path / "out") == {
        "alice/1_pose.ipynb": b"A",
        "alice/data/w.bin": b"W",
        "bob/1_pose.ipynb": b"B",
        "read me.txt": b"R",
    }
    assert sorted(result.files) == sorted(tree(tmp_path / "out"))
    assert result.refused == [] and result.size_bytes == len(inner) + 4


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "..\\evil", "/../evil", "C:\\..\\evil", "a/.. /evil", ".. ", "a/. ./evil"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    result = unpack(tmp_path, packed({name: b"x", "good": b"g"}))
    assert tree(tmp_path / "out") == {"good": b"g"}
    assert [refused.reason for refused in result.refused] == ["its path leads out of the folder, or names nothing"]
    assert not list(tmp_path.parent.glob("evil*"))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Users\\a\\1_pose.ipynb", "Users/a/1_pose.ipynb"),
        ("a\\b\\c.ipynb", "a/b/c.ipynb"),
        ("./a//b", "a/b"),
        ("a\x1b[31m\n.ipynb", "a_[31m_.ipynb"),
        ("con?.ipynb ", "con_.ipynb"),
        ("name...", "name"),
        ("e\u0301.ipynb", "\u00e9.ipynb"),
        ("...", "_"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    parts = safe_parts(name)
    assert parts is not None and "/".join(parts) == safe


def test_names_that_name_nothing_are_refused() -> None:
    assert safe_parts("") is None and safe_parts("/") is None and safe_parts("./.") is None
    assert safe_parts("/".join("a" * 17)) is None


def test_a_long_name_keeps_its_ending() -> None:
    (part,) = safe_parts("ä" * 300 + ".ipynb") or [""]
    assert part.endswith(".ipynb") and len(part.encode()) <= 200


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    entries = [
        (special("link.ipynb", stat.S_IFLNK | 0o777), b"/etc/passwd"),
        (special("fifo", stat.S_IFIFO | 0o644), b""),
        (special("device", stat.S_IFCHR | 0o644), b""),
        (special("plain", stat.S_IFREG | 0o4755), b"x"),
    ]
    result = unpack(tmp_path, packed(entries))
    assert tree(tmp_path / "out") == {"plain": b"x"}
    assert reasons(result) == {"link.ipynb": "it is a symbolic link", "fifo": "it is no regular file", "device": "it is no regular file"}
    assert (tmp_path / "out" / "plain").stat().st_mode & 0o7111 == 0, "neither set-uid nor executable"


def test_nothing_is_written_through_a_link_of_the_archive(tmp_path: Path) -> None:
    entries = [(special("out", stat.S_IFLNK | 0o777), str(tmp_path).encode()), ("out/evil", b"x")]
    unpack(tmp_path, packed(entries))
    assert tree(tmp_path / "out") == {"out (2)/evil": b"x"} and not (tmp_path / "evil").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_colliding_names_all_come_out(tmp_path: Path) -> None:
    entries = [("a.ipynb", b"1"), ("A.ipynb", b"2"), ("a.ipynb", b"3"), ("a.ipynb/x", b"4"), ("dir/x", b"5"), ("DIR", b"6")]
    result = unpack(tmp_path, packed([(name, content) for name, content in entries]))
    assert sorted(tree(tmp_path / "out").values()) == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert len({name.casefold() for name in result.files}) == 6
    assert tree(tmp_path / "out")["a.ipynb"] == b"1" and tree(tmp_path / "out")["A (2).ipynb"] == b"2"


def test_a_name_table_counts_on_without_starting_over() -> None:
    table = NameTable()
    assert [table.free(["x"]) for _ in range(3)] == ["x", "x (2)", "x (3)"]
    assert len({table.free(["y.ipynb"]) for _ in range(2000)}) == 2000
    assert table.free([".hidden"]) == ".hidden" and table.free([".hidden"]) == ".hidden (2)"


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        (replace(SMALL, total_bytes=30_000), "unpacks to more than 30,000 bytes"),
        # refused entries count as well: their bytes had to be unpacked to be refused.
        (replace(SMALL, total_bytes=30_000, member_bytes=19_000), "unpacks to more than 30,000 bytes"),
        (replace(SMALL, members=2), "has more than 2 entries"),
        (replace(SMALL, directory_bytes=50), "has a list of entries of"),
    ],
)
def test_a_bomb_is_refused_and_leaves_nothing(tmp_path: Path, limits: ArchiveLimits, word: str) -> None:
    with pytest.raises(ArchiveError, match=word) as caught:
        unpack(tmp_path, packed({"small": b"x", "b": b"\0" * 20_000, "c": b"\0" * 20_000}), limits)
    assert "that looks like a bomb; unpack it by hand if you trust it" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (replace(SMALL, member_bytes=1000), "it has more than 1,000 bytes"),
        (replace(SMALL, ratio=10.0, ratio_free_bytes=100), "it grows more than 10 times when it is unpacked"),
    ],
)
def test_a_huge_entry_costs_itself_alone(tmp_path: Path, limits: ArchiveLimits, reason: str) -> None:
    result = unpack(tmp_path, packed({"small": b"x", "a/b": b"\0" * 20_000}), limits)
    assert tree(tmp_path / "out") == {"small": b"x"}
    assert [(refused.name, refused.reason, refused.path) for refused in result.refused] == [("a/b", reason, "a/b")]


def test_an_honest_flood_of_one_line_is_unpacked(tmp_path: Path) -> None:
    flood = b"step 1 of 1\n" * 1_700_000
    result = unpack(tmp_path, packed({"1_pose.ipynb": flood}), CLASS_DOWNLOAD, ONE_SUBMISSION)
    assert result.refused == [] and result.size_bytes == len(flood)


def test_the_bomb_without_the_limits_would_have_unpacked(tmp_path: Path) -> None:
    assert unpack(tmp_path, packed({"small": b"x", "b": b"\0" * 20_000, "c": b"\0" * 20_000})).size_bytes == 40_001


def test_a_declared_size_is_not_believed(tmp_path: Path) -> None:
    raw = bytearray(packed({"b": os.urandom(3000)}))
    # the declared sizes of the one entry, in its own header and in the list of entries, become 1.
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", raw, raw.index(mark) + place, 1)
    result = unpack(tmp_path, bytes(raw), replace(SMALL, member_bytes=1000))
    assert tree(tmp_path / "out") == {} and "it is damaged" in reasons(result)["b"]


def test_a_bomb_inside_costs_its_student_alone(tmp_path: Path) -> None:
    bomb = packed({"zeros": b"\0" * 400_000})
    result = unpack(
        tmp_path, packed({"mallory.zip": bomb, "alice.zip": packed({"1_pose.ipynb": b"A"})}), SMALL, replace(SMALL, total_bytes=300_000)
    )
    assert tree(tmp_path / "out") == {"mallory.zip": bomb, "alice/1_pose.ipynb": b"A"}
    assert "unpacks to more than 300,000 bytes" in reasons(result)["mallory.zip"]


def test_archives_are_opened_to_a_stated_depth(tmp_path: Path) -> None:
    content = b"core"
    for _ in range(5):
        content = packed({"deeper.zip" if content != b"core" else "core": content})
    result = unpack(tmp_path, content, replace(SMALL, depth=2))
    assert list(tree(tmp_path / "out")) == ["deeper/deeper/deeper.zip"]
    assert reasons(result) == {"deeper.zip/deeper.zip/deeper.zip": "archives are nested too deeply"}


def test_a_zip_that_holds_itself_many_times_is_bounded(tmp_path: Path) -> None:
    content = packed({"core": b"x"})
    for _ in range(2):
        content = packed({f"{number}.zip": content for number in range(10)})
    with pytest.raises(ArchiveError, match="has more than 20 entries"):
        unpack(tmp_path, content)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    raw = bytearray(packed({"secret": b"x", "open": b"y"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", raw, raw.index(mark) + place, 1)
    result = unpack(tmp_path, bytes(raw))
    assert tree(tmp_path / "out") == {"open": b"y"} and reasons(result) == {"secret": "it is encrypted"}


def test_a_damaged_entry_costs_itself_alone(tmp_path: Path) -> None:
    raw = packed({"a": b"A" * 100, "b": os.urandom(500), "c": b"C"})
    place = raw.index(b"PK\x03\x04", 10) + 200
    result = unpack(tmp_path, raw[:place] + b"\xff\xff" + raw[place + 2 :])
    assert set(tree(tmp_path / "out")) == {"a", "c"} and "it is damaged" in reasons(result)["b"]


def test_an_unknown_compression_is_said(tmp_path: Path) -> None:
    raw = bytearray(packed({"a": b"A", "b": b"B"}))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", raw, raw.index(mark) + place, 97)
    assert "it is damaged" in reasons(unpack(tmp_path, bytes(raw)))["a"]


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"PK\x05\x06" + b"\0" * 5, b"PK\x03\x04" + b"\0" * 500], ids=range(5))
def test_what_is_no_zip_is_said(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArchiveError, match=r"class\.zip is no zip archive, or is damaged .*; download it again"):
        unpack(tmp_path, content)


@pytest.mark.parametrize("cut", [1, 10, 22, 60, 100])
def test_a_zip_that_breaks_off_is_said(tmp_path: Path, cut: int) -> None:
    with pytest.raises(ArchiveError, match="no zip archive, or is damaged"):
        unpack(tmp_path, packed({"a": b"A" * 50, "b": b"B"})[:-cut])


def test_a_huge_list_of_entries_is_refused_before_it_is_read(tmp_path: Path) -> None:
    raw = bytearray(packed({"a": b"A"}))
    struct.pack_into("<L", raw, raw.index(b"PK\x05\x06") + 12, 0x7FFFFFFF)
    with pytest.raises(ArchiveError, match="list of entries of 2,147,483,647 bytes"):
        unpack(tmp_path, bytes(raw))
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
    raw = bytearray(packed({"a": b"A"}))
    where = raw.index(b"PK\x05\x06")
    with pytest.raises(ArchiveError, match="list of entries of 1,099,511,627,776 bytes"):
        unpack(tmp_path, bytes(raw[:where] + record + raw[where:]))


def test_litter_is_left_out_without_a_word(tmp_path: Path) -> None:
    result = unpack(tmp_path, packed({"__MACOSX/._a": b"", "a/.ipynb_checkpoints/x": b"", "a/.DS_Store": b"", "a/x": b"X", "empty/": b""}))
    assert tree(tmp_path / "out") == {"a/x": b"X"} and result.refused == []


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    with pytest.raises(ArchiveError, match="is not empty"):
        unpack(tmp_path, packed({"a": b"A"}))
    assert (tmp_path / "out" / "mine").read_text() == "keep"


def test_which_names_are_archives() -> None:
    assert is_archive("a.zip") and is_archive("A.ZIP") and not is_archive("a.ipynb") and not is_archive("a.tar.gz")
