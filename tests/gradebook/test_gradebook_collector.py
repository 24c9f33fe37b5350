"""nbgrader zip_collect with our extractor and collector, on downloads as the learning-management systems make them."""

from __future__ import annotations

import io
import logging
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from nbgrader.apps.zipcollectapp import ZipCollectApp
from traitlets.config import Config

from autograder.gradebook.collector import LmsCollector, SafeExtractor
from autograder.intake.archive import REFUSED_MARK

ROOT = Path(__file__).resolve().parents[2]
CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
c = get_config()
c.CourseDirectory.course_id = "test"
c.CourseDirectory.submitted_directory = "intake"
c.ZipCollectApp.CourseDirectory.submitted_directory = "submitted"
c.ZipCollectApp.extractor_plugin = "autograder.gradebook.collector.SafeExtractor"
c.ZipCollectApp.collector_plugin = "autograder.gradebook.collector.LmsCollector"
"""


def packed(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class Download:
    """A course into whose download folder files are put and collected."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.archive = root / "downloaded" / "a1" / "archive"
        self.archive.mkdir(parents=True)
        release = root / "release" / "a1"
        release.mkdir(parents=True)
        for name in ("1_pose", "2_tail"):
            (release / f"{name}.ipynb").write_text("{}")

    def put(self, name: str, content: bytes | dict[str, bytes]) -> None:
        path = self.archive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(content) if isinstance(content, dict) else content)

    def collect(self, **collector: object) -> dict[str, bytes]:
        config = Config()
        config.CourseDirectory.root = str(self.root)
        config.CourseDirectory.submitted_directory = "intake"
        config.ZipCollectApp.CourseDirectory.submitted_directory = "submitted"
        config.ZipCollectApp.extractor_plugin = SafeExtractor
        config.ZipCollectApp.collector_plugin = LmsCollector
        config.LmsCollector.update(collector)
        app = ZipCollectApp(config=config)
        app.initialize(["a1"])
        # handlers of nbgrader's own would write to the terminal and outlive the test.
        app.log = logging.getLogger("zip_collect")
        app.start()
        return self.submitted()

    def submitted(self) -> dict[str, bytes]:
        folder = self.root / "submitted"
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Download:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    return Download(tmp_path)


def test_a_canvas_download(download: Download, caplog: pytest.LogCaptureFixture) -> None:
    download.put(
        "submissions.zip",
        {
            "doejane_4321_98765_1_pose.ipynb": b"J1",
            "doejane_4321_98766_2_tail.ipynb": b"J2",
            "roejohn_LATE_777_98767_1_pose-2.ipynb": b"R1",
            "poeedgar_888_98768_homework.zip": packed({"homework/1_pose.ipynb": b"P1", "homework/w.bin": b"W"}),
            "lazylou_999_98769_essay.docx": b"D",
        },
    )
    assert download.collect() == {
        "4321/a1/1_pose.ipynb": b"J1",
        "4321/a1/2_tail.ipynb": b"J2",
        "777/a1/1_pose.ipynb": b"R1",
        "888/a1/homework/1_pose.ipynb": b"P1",
        "888/a1/homework/w.bin": b"W",
        "999/a1/essay.docx": b"D",
    }
    assert "Canvas marks it as late but not since when" in caplog.text


def test_a_moodle_download(download: Download) -> None:
    download.put(
        "CV-A1-55.zip",
        {
            "Jane Doe_12345_assignsubmission_file_/1_pose.ipynb": b"J",
            "Zoë O'Brien_12346_assignsubmission_file_/1_pose.ipynb": b"Z",
            "John_Roe_12347_assignsubmission_file_/sub/2_tail.ipynb": b"R",
            "Flat Name_12348_assignsubmission_file_1_pose.ipynb": b"F",
        },
    )
    assert download.collect() == {
        "Flat Name/a1/1_pose.ipynb": b"F",
        "Jane Doe/a1/1_pose.ipynb": b"J",
        "John_Roe/a1/sub/2_tail.ipynb": b"R",
        "Zoë O_Brien/a1/1_pose.ipynb": b"Z",
    }


def test_two_students_of_one_name_stay_two(download: Download, caplog: pytest.LogCaptureFixture) -> None:
    for number in (1, 2):
        download.put(f"Jane Doe_{number}_assignsubmission_file_/1_pose.ipynb", str(number).encode())
    assert download.collect() == {"Jane Doe 1/a1/1_pose.ipynb": b"1", "Jane Doe 2/a1/1_pose.ipynb": b"2"}
    assert "2 students are called Jane Doe" in caplog.text


def test_a_blackboard_download_brings_its_times(download: Download) -> None:
    download.put("1 Pose_jdoe_attempt_2027-02-05-23-59-00_1_pose.ipynb", b"J")
    assert download.collect() == {"jdoe/a1/1_pose.ipynb": b"J", "jdoe/a1/timestamp.txt": b"2027-02-05 23:59:00"}


def test_folders_archives_trees_and_single_files(download: Download) -> None:
    download.put("alice/1_pose.ipynb", b"A")
    download.put("bob.zip", {"1_pose.ipynb": b"B", "2_tail.ipynb": b"C"})
    download.put("carol/a1/1_pose.ipynb", b"D")
    download.put("dave_1_pose.ipynb", b"E")
    download.put("1_pose-erna.ipynb", b"F")
    assert download.collect() == {
        "alice/a1/1_pose.ipynb": b"A",
        "bob/a1/1_pose.ipynb": b"B",
        "bob/a1/2_tail.ipynb": b"C",
        "carol/a1/1_pose.ipynb": b"D",
        "dave/a1/1_pose.ipynb": b"E",
        "erna/a1/1_pose.ipynb": b"F",
    }


def test_a_file_of_nobody_is_skipped_and_said(download: Download, caplog: pytest.LogCaptureFixture) -> None:
    download.put("1_pose.ipynb", b"?")
    download.put("alice/1_pose.ipynb", b"A")
    assert download.collect() == {"alice/a1/1_pose.ipynb": b"A"}
    assert "whose file it is cannot be told from its name; rename it or set LmsCollector.named_regexp" in caplog.text


def test_the_courses_own_ids_and_formats(download: Download) -> None:
    download.put("doejane_4321_98765_1_pose.ipynb", b"J")
    download.put("roejohn_777_98766_1_pose.ipynb", b"R")
    assert download.collect(student_ids={"4321": "jane"}, student_formats={"canvas": "{name}-{id}"}) == {
        "jane/a1/1_pose.ipynb": b"J",
        "roejohn-777/a1/1_pose.ipynb": b"R",
    }


def test_an_instructors_expression_comes_first(download: Download) -> None:
    download.put("x__alice__2027-02-05__1_pose.ipynb", b"A")
    download.put("x__bob__soon__1_pose.ipynb", b"B")
    expression = r".*__(?P<student_id>\w+)__(?P<timestamp>[^_]+)__(?P<file_id>\w+)"
    assert download.collect(named_regexp=expression, valid_ext=[".ipynb"]) == {
        "alice/a1/1_pose.ipynb": b"A",
        "alice/a1/timestamp.txt": b"2027-02-05 00:00:00",
        "bob/a1/1_pose.ipynb": b"B",
    }


def test_the_newest_resubmission_bears_the_notebooks_name(download: Download) -> None:
    for number, content in ((2, b"new"), (10, b"newest"), (1, b"old")):
        download.put(f"doejane_4321_9876{number}_1_pose-{number}.ipynb", content)
    collected = download.collect()
    assert collected["4321/a1/1_pose.ipynb"] == b"newest"
    assert sorted(collected.values()) == [b"new", b"newest", b"old"]


def test_nobody_can_hand_in_for_somebody_else(download: Download) -> None:
    download.put("alice_11_98765_1_pose.ipynb", b"A")
    download.put(
        "mallory_66_98766_work.zip",
        {
            "alice_11_99999_1_pose.ipynb": b"M",
            "Alice A_11_assignsubmission_file_/1_pose.ipynb": b"M",
            "alice/a1/1_pose.ipynb": b"M",
            "../../11/a1/1_pose.ipynb": b"M",
            "/submitted/11/a1/1_pose.ipynb": b"M",
            "x_11_attempt_2027-02-05-23-59-00_1_pose.ipynb": b"M",
        },
    )
    download.put("oscar_77_98767_y_11_98765_1_pose.ipynb", b"O")
    collected = download.collect()
    assert {name: content for name, content in collected.items() if name.startswith("11/")} == {"11/a1/1_pose.ipynb": b"A"}
    assert {name.split("/")[0] for name, content in collected.items() if content == b"M"} == {"66"}
    assert collected["77/a1/y_11_98765_1_pose.ipynb"] == b"O"


def test_plain_folders_cannot_be_taken_for_a_classs_archive(download: Download, caplog: pytest.LogCaptureFixture) -> None:
    download.put("alice.zip", {"1_pose.ipynb": b"A"})
    download.put("mallory.zip", {"alice_11_98765_1_pose.ipynb": b"M"})
    collected = download.collect()
    assert collected == {"alice/a1/1_pose.ipynb": b"A", "mallory/a1/alice_11_98765_1_pose.ipynb": b"M"}
    assert "mallory: if this is a whole class's download, collect it by itself" in caplog.text


def test_a_student_cannot_set_the_time(download: Download, caplog: pytest.LogCaptureFixture) -> None:
    download.put("alice.zip", {"1_pose.ipynb": b"A", "TimeStamp.txt": b"2000-01-01 00:00:00"})
    assert download.collect() == {"alice/a1/1_pose.ipynb": b"A"}
    assert "cannot set the time of submission" in caplog.text


def test_what_is_refused_still_reaches_its_student(download: Download, caplog: pytest.LogCaptureFixture) -> None:
    link = zipfile.ZipInfo("alice_11_98765_1_pose.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bob_12_98766_1_pose.zip", b"broken")
        archive.writestr("carol_13_98767_1_pose.ipynb", b"C")
    download.put("submissions.zip", buffer.getvalue())
    collected = download.collect()
    assert collected["11/a1/1_pose.ipynb"] == REFUSED_MARK + b"it is a symbolic link"
    assert collected["12/a1/1_pose.zip"] == b"broken" and collected["13/a1/1_pose.ipynb"] == b"C"
    assert "is no zip archive, or is damaged" in caplog.text


def test_a_damaged_archive_at_the_top_reaches_its_student(download: Download) -> None:
    download.put("dave_14_98768_1_pose.zip", b"no zip")
    assert download.collect() == {"14/a1/1_pose.zip": b"no zip"}


def test_links_in_the_download_are_not_followed(download: Download) -> None:
    (download.archive / "alice").mkdir()
    (download.archive / "alice" / "1_pose.ipynb").symlink_to("/etc/passwd")
    download.put("bob/1_pose.ipynb", b"B")
    assert download.collect() == {"bob/a1/1_pose.ipynb": b"B"}


def test_names_that_collide_all_arrive(download: Download) -> None:
    download.put("alice.zip", {"1_pose.ipynb": b"1", "1_POSE.ipynb": b"2", "x": b"3", "X/y": b"4"})
    collected = download.collect()
    assert sorted(collected.values()) == [b"1", b"2", b"3", b"4"] and all(name.startswith("alice/a1/") for name in collected)


def test_a_full_disk_is_said(download: Download, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    download.put("alice/1_pose.ipynb", b"A")

    def full(*rest: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autograder.gradebook.collector.shutil.copyfile", full)
    with pytest.raises(SystemExit):
        download.collect()
    assert "could not be taken ([Errno 28] No space left on device); free space or fix the permissions" in caplog.text


def test_nbgrader_zip_collect_itself(download: Download) -> None:
    """The command as an instructor types it, with the settings of the shipped configuration."""
    (download.root / "nbgrader_config.py").write_text(CONFIG)
    download.put("submissions.zip", {"doejane_4321_98765_1_pose.ipynb": b"J", "roejohn_777_98766_2_tail.ipynb": b"R"})
    command = [sys.executable, "-m", "nbgrader", "zip_collect", "a1"]
    environment = {**os.environ, "HOME": str(download.root)}
    done = subprocess.run(command, cwd=download.root, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert download.submitted() == {"4321/a1/1_pose.ipynb": b"J", "777/a1/2_tail.ipynb": b"R"}
    assert not (download.root / "intake").exists(), "submitted/ takes what arrives, although nbgrader grades from intake/"
