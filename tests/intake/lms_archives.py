"""Downloads of learning-management systems with something wrong in them, each named for it, and what must come of it.

Every download holds the honest work of Alice beside what Mallory handed in: hers must arrive whole, whatever his does.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import nbformat
from intake_notebooks import SYMBOLS, as_bytes, release_notebook, solved
from nbgrader.apps.zipcollectapp import ZipCollectApp
from traitlets.config import Config

from autograder.gradebook.collector import LmsCollector, SafeExtractor
from autograder.intake.course import intake_assignment

ALICE, MALLORY = "11", "66"
SOLVED = as_bytes(solved())
UNPACKED_BYTES_MAX = 150 << 20
Entries = list[tuple[str | zipfile.ZipInfo, bytes]]


@dataclass(frozen=True)
class Download:
    """One recipe.

    Args:
        name: what is wrong.
        make: gives the download's files.
        status: what intake must say of Mallory's submission; None where nothing of it arrives.
        said: words of the log, where something is left out.
        student: Mallory's id.
    """

    name: str
    make: Callable[[], dict[str, bytes]]
    status: str | None
    said: str
    student: str


DOWNLOADS: list[Download] = []


def packed(entries: Entries, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def download(status: str | None, said: str = "", student: str = MALLORY) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register a recipe that returns Mallory's own archive as bytes, entries of the class's archive as a list, or all files as a dict."""

    def register(recipe: Callable[[], object]) -> Callable[[], object]:
        def make() -> dict[str, bytes]:
            made = recipe()
            if isinstance(made, dict):
                return {f"alice_{ALICE}_98765_1_pose.ipynb": SOLVED, **made}
            entries = made if isinstance(made, list) else [(f"mallory_{MALLORY}_98766_work.zip", made)]
            return {"submissions.zip": packed([(f"alice_{ALICE}_98765_1_pose.ipynb", SOLVED), *entries])}

        DOWNLOADS.append(Download(recipe.__name__, make, status, said, student))
        return recipe

    return register


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.create_system = 3
    return info


def patched(raw: bytes, local: int, listed: int, form: str, value: int) -> bytes:
    """Write a number into every entry's own header and into the list of entries, at these offsets."""
    changed = bytearray(raw)
    for mark, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", listed)):
        place = changed.find(mark)
        while place >= 0:
            struct.pack_into(form, changed, place + offset, value)
            place = changed.find(mark, place + 4)
    return bytes(changed)


@download("repaired")
def a_zip_of_zips() -> bytes:
    return packed([("work.zip", packed([("homework/1_pose.ipynb", SOLVED)]))])


@download("unreadable", "archives are nested too deeply")
def archives_nested_too_deeply() -> bytes:
    content = SOLVED
    for depth in range(9):
        content = packed([("1_pose.ipynb" if depth == 0 else "deeper.zip", content)])
    return content


@download("ok", student="Mallory O_Neill")
def moodles_folder_names() -> Entries:
    return [("Mallory O'Neill_12345_assignsubmission_file_/1_pose.ipynb", SOLVED)]


@download("ok", student="mallory")
def blackboards_attempt_in_the_name() -> Entries:
    return [("1 Pose_mallory_attempt_2027-02-05-23-59-00_1_pose.ipynb", SOLVED)]


@download("ok", student="Łukasz Żółć")
def moodle_name_beyond_ascii() -> Entries:
    return [("Łukasz Żółć_777_assignsubmission_file_/1_pose.ipynb", SOLVED)]


@download("ok")
def canvas_marks_it_as_late() -> Entries:
    return [("mallory_LATE_66_98766_1_pose-3.ipynb", SOLVED)]


@download("repaired")
def name_with_emoji_and_a_mark_that_turns_it_round() -> bytes:
    return packed([("\U0001f680 1_pose \u202egnp.ipynb", SOLVED)])


@download("repaired")
def name_with_control_characters() -> bytes:
    return packed([("1_pose\x1b[2J\r\n\x07.ipynb", SOLVED)])


@download("unreadable", "no zip archive, or is damaged")
def name_that_is_no_utf_8() -> bytes:
    raw = packed([("1_p\u00f6se.ipynb", SOLVED)])
    return raw.replace("ö".encode(), b"\xed\xa0")


@download("repaired")
def name_in_an_old_code_page() -> bytes:
    raw = packed([("1_poseXX 1_pose.ipynb", SOLVED)])
    return raw.replace(b"1_poseXX", b"1_pose\x84\xe1")


@download("repaired")
def name_longer_than_a_disk_allows() -> bytes:
    return packed([(f"1_pose {'x' * 400}.ipynb", SOLVED)])


@download("ok")
def name_that_ends_in_dots_and_blanks() -> bytes:
    return packed([("1_pose.ipynb. .", SOLVED)])


@download("repaired")
def path_from_another_system() -> bytes:
    return packed([("C:\\Users\\mallory\\1_pose.ipynb", SOLVED)])


@download("unreadable", "it is a symbolic link")
def symbolic_link() -> Entries:
    return [(special(f"mallory_{MALLORY}_98766_1_pose.ipynb", stat.S_IFLNK | 0o777), b"/etc/passwd")]


@download("ok")
def symbolic_link_to_write_through() -> bytes:
    return packed([(special("way", stat.S_IFLNK | 0o777), b"/tmp"), ("way/evil", b"x"), ("1_pose.ipynb", SOLVED)])


@download("ok", "it is no regular file")
def fifo_and_device() -> bytes:
    return packed([(special("fifo", stat.S_IFIFO | 0o644), b""), (special("tty", stat.S_IFCHR | 0o644), b""), ("1_pose.ipynb", SOLVED)])


@download("ok")
def program_with_set_uid() -> bytes:
    return packed([(special("run", stat.S_IFREG | 0o6755), b"#!/bin/sh"), ("1_pose.ipynb", SOLVED)])


@download("unreadable", "it grows more than 200 times when it is unpacked")
def bomb_of_one_entry() -> Entries:
    return [(f"mallory_{MALLORY}_98766_1_pose.ipynb", b"\0" * (65 << 20))]


@download("unreadable", "has more than 2,000 entries")
def bomb_of_many_entries() -> bytes:
    return packed([(f"{number}", b"") for number in range(2_100)], zipfile.ZIP_STORED)


@download("unreadable", "entries")
def bomb_of_archives_in_archives() -> bytes:
    content = packed([(f"{number}", b"") for number in range(40)])
    return packed([(f"{number}.zip", content) for number in range(60)])


@download("unreadable", "has a list of entries of")
def bomb_in_the_list_of_entries() -> bytes:
    raw = bytearray(packed([("1_pose.ipynb", SOLVED)]))
    struct.pack_into("<L", raw, raw.rindex(b"PK\x05\x06") + 12, 0x7FFFFFFF)
    return bytes(raw)


@download("unreadable", "it is damaged")
def declared_size_is_a_lie() -> bytes:
    return patched(packed([("1_pose.ipynb", SOLVED)]), 22, 24, "<L", 1)


@download("repaired")
def names_that_differ_in_case_alone() -> bytes:
    return packed([("1_pose.ipynb", SOLVED), ("1_POSE.ipynb", b"{}"), ("x", b"1"), ("X/y", b"2")])


@download("repaired")
def the_same_name_twice() -> bytes:
    with mock.patch("warnings.warn"):
        return packed([("1_pose.ipynb", SOLVED), ("1_pose.ipynb", SOLVED), ("1_pose.ipynb/x", b"1")])


@download("unreadable", "it is encrypted")
def encrypted() -> bytes:
    return patched(packed([("1_pose.ipynb", SOLVED)]), 6, 8, "<H", 1)


@download("unreadable", "no zip archive, or is damaged")
def truncated() -> bytes:
    return packed([("1_pose.ipynb", SOLVED)])[:-60]


@download("unreadable", "it is damaged")
def damaged_in_the_middle() -> bytes:
    raw = packed([("1_pose.ipynb", os.urandom(4000))], zipfile.ZIP_STORED)
    return raw[:1000] + b"\xff\xff\xff" + raw[1003:]


@download("unreadable", "it is damaged")
def compressed_in_an_unknown_way() -> bytes:
    return patched(packed([("1_pose.ipynb", SOLVED)]), 8, 10, "<H", 97)


@download("ok")
def absolute_path() -> bytes:
    return packed([("/etc/cron.d/evil", b"x"), ("/1_pose.ipynb", SOLVED)])


@download("ok", "its path leads out of the folder")
def path_that_leads_out() -> bytes:
    out = [(f"{'../' * depth}submitted/{ALICE}/a1/1_pose.ipynb", b"mallory") for depth in range(1, 7)]
    return packed([*out, ("..\\..\\evil", b"x"), ("a/.. /evil", b"x"), ("1_pose.ipynb", SOLVED)])


@download("repaired")
def path_of_another_student() -> bytes:
    return packed([(f"submitted/{ALICE}/a1/1_pose.ipynb", SOLVED), (f"alice_{ALICE}_98765_1_pose.ipynb", SOLVED)])


@download(None, "its path leads out of the folder, or names nothing")
def twenty_folders_deep() -> bytes:
    return packed([("/".join("d" * 20) + "/1_pose.ipynb", SOLVED)])


@download("ok", "cannot set the time of submission")
def time_stamp_of_its_own() -> bytes:
    return packed([("1_pose.ipynb", SOLVED), ("timestamp.txt", b"2000-01-01 00:00:00")])


@download("ok")
def settings_and_shadow_modules() -> bytes:
    names = ("nbgrader_config.py", "torch.py", "sitecustomize.py", "conftest.py", "vislab/__init__.py", "x.pth")
    return packed([*((name, b"raise SystemExit") for name in names), ("1_pose.ipynb", SOLVED)])


@download(None)
def nothing_but_litter() -> bytes:
    return packed([("__MACOSX/._1_pose.ipynb", b"x"), (".DS_Store", b"x"), ("a/.ipynb_checkpoints/1_pose.ipynb", SOLVED)])


@download(None)
def empty_archive() -> bytes:
    return packed([])


@download("unreadable", "no zip archive, or is damaged")
def another_kind_of_archive() -> bytes:
    return b"Rar!\x1a\x07\x01\x00" + bytes(200)


@download("ok")
def program_in_front_of_the_archive() -> bytes:
    return b"MZ" + bytes(3000) + packed([("1_pose.ipynb", SOLVED)])


@download("unreadable", "no zip archive, or is damaged")
def damaged_archive_at_the_top() -> dict[str, bytes]:
    return {f"mallory_{MALLORY}_98766_1_pose.zip": b"PK no zip"}


def run(recipe: Download, place: Path) -> str | None:
    """Collect a download through nbgrader's own zip_collect, take it in, and hold the result against everything that is promised.

    Args:
        recipe: which.
        place: an empty folder; the course is made in it.

    Returns:
        The status of Mallory's submission; None where nothing of it arrived.

    Raises:
        AssertionError: a promise is broken.
    """
    course = place / "course"
    archive = course / "downloaded" / "a1" / "archive"
    archive.mkdir(parents=True)
    (course / "release" / "a1").mkdir(parents=True)
    nbformat.write(release_notebook(), course / "release" / "a1" / "1_pose.ipynb")
    for name, content in recipe.make().items():
        (archive / name).write_bytes(content)
    log = _collected(course)
    assert recipe.said in log, f"the log lacks {recipe.said!r}: {log}"
    _assert_nothing_escaped(place, course)
    summary = intake_assignment(course, "a1", ["1_pose"], SYMBOLS)
    records = {record.student: record for record in summary.records}
    assert set(records) <= {ALICE, recipe.student}, f"work was given to {sorted(records)}"
    alice = records[ALICE].notebook("1_pose")
    assert alice is not None and alice.status == "ok", "Alice's work was touched"
    assert (course / "submitted" / ALICE / "a1" / "1_pose.ipynb").read_bytes() == SOLVED
    cleaned = {path.name for path in (course / "intake").rglob("*") if path.is_file()}
    assert cleaned <= {"1_pose.ipynb", "timestamp.txt"}, f"intake let through {sorted(cleaned)}"
    status = records[recipe.student].status if recipe.student in records else None
    assert status == recipe.status, f"{status}, expected {recipe.status}"
    return status


def _collected(course: Path) -> str:
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.submitted_directory = "intake"
    config.ZipCollectApp.CourseDirectory.submitted_directory = "submitted"
    config.ZipCollectApp.extractor_plugin = SafeExtractor
    config.ZipCollectApp.collector_plugin = LmsCollector
    heard = io.StringIO()
    log = logging.Logger("zip_collect")
    log.addHandler(logging.StreamHandler(heard))
    with contextlib.chdir(course), mock.patch.dict(os.environ, {"JUPYTER_CONFIG_DIR": str(course / "jupyter")}):
        app = ZipCollectApp(config=config)
        app.initialize(["a1"])
        app.log = log
        app.start()
    return heard.getvalue()


def _assert_nothing_escaped(place: Path, course: Path) -> None:
    assert [path.name for path in place.iterdir()] == ["course"], "something was written beside the course"
    assert {path.name for path in course.iterdir()} <= {"downloaded", "release", "submitted", "jupyter"}, "or into it"
    total = 0
    for path in course.rglob("*"):
        mode = path.lstat().st_mode
        assert stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and not mode & 0o7111), f"{path} is no plain file: {stat.filemode(mode)}"
        total += path.lstat().st_size if stat.S_ISREG(mode) else 0
    assert total < UNPACKED_BYTES_MAX, f"{total:,} bytes were unpacked"
