"""The exchange of a lab: released, fetched, handed in, collected, and feedback that finds its way back."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from fake_grader import prepare
from nbgrader.coursedir import CourseDirectory
from tiny_course import ASSIGNMENT, TinyCourse

from autograder.gradebook.exchange import SECRET_FILE, read_secret, replaced
from autograder.gradebook.run import autograde, generate_feedback
from autograder.intake.course import intake_assignment

HERE = Path(__file__).resolve().parent
# nbgrader names a student by the account.
STUDENT = pwd.getpwuid(os.getuid()).pw_name
SYMBOLS = {"pose.first": "first", "pose.extra": "extra", "pose.second": "second"}


def students_commands() -> list[list[str]]:
    """What docs/student.md tells students of a lab to type, with this course's assignment."""
    page = (HERE.parents[1] / "docs" / "student.md").read_text(encoding="utf-8")
    block = re.search(r"^## In the lab$.*?^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert block is not None
    lines = [shlex.split(line, comments=True) for line in block[1].replace("a1_pose", ASSIGNMENT).splitlines()]
    assert all(program == "nbgrader" for program, *_ in lines)
    return [words for _, *words in lines]


class Lab:
    """One account that plays both parts, each in its own folder."""

    def __init__(self, course: TinyCourse, student: Path) -> None:
        self.course, self.student = course, student
        exchange = student.parent / "exchange"
        exchange.mkdir()
        exchange.chmod(0o777)
        student.mkdir()
        with (course.root / "nbgrader_config.py").open("a") as file:
            file.write(f"c.Exchange.root = {str(exchange)!r}\n")
        setting = f'c = get_config()\nc.CourseDirectory.course_id = "vislab"\nc.Exchange.root = {str(exchange)!r}\n'
        (student / "nbgrader_config.py").write_text(setting)

    def types(self, where: Path, *words: str) -> str:
        """Type an nbgrader command; return what it says."""
        home = {"HOME": str(self.student), "JUPYTER_DATA_DIR": str(self.student / ".jupyter"), "JUPYTER_CONFIG_DIR": str(self.student)}
        environment = {**os.environ, **home, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
        command = [str(Path(sys.executable).parent / "nbgrader"), *words]
        done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr and "Outdated config" not in done.stderr, done.stderr
        return done.stderr

    def take_in_and_grade(self, *students: str) -> None:
        intake_assignment(self.course.root, ASSIGNMENT, ["one", "two"], SYMBOLS)
        for student in students:
            prepare(self.course.root, student, "one", right={"pose.first": [4, 4], "pose.extra": [2, 2]})
            prepare(self.course.root, student, "two", right={"pose.second": [1, 1]})
        assert autograde(self.course.root, ASSIGNMENT).failed == ()
        assert generate_feedback(self.course.root, ASSIGNMENT).failed == ()


@pytest.fixture
def lab(course: TinyCourse, tmp_path: Path) -> Lab:
    return Lab(course, tmp_path / "student")


def test_fetch_submit_collect_and_feedback(lab: Lab) -> None:
    course, student = lab.course.root, lab.student
    lab.types(course, "release_assignment", ASSIGNMENT)
    listed, fetched, handed_in, feedback = students_commands()
    assert f"vislab {ASSIGNMENT}" in lab.types(student, *listed)
    lab.types(student, *fetched)
    assert {path.name for path in (student / ASSIGNMENT).iterdir()} == {"one.ipynb", "two.ipynb"}
    lab.types(student, *handed_in)
    lab.types(course, "collect", ASSIGNMENT)
    arrived = course / "submitted" / STUDENT / ASSIGNMENT
    assert {path.name for path in arrived.iterdir()} == {"one.ipynb", "two.ipynb", "timestamp.txt", SECRET_FILE}
    assert not (course / "intake").exists(), "what is collected must pass through intake"
    # somebody who sent the notebooks by mail.
    (course / "submitted" / "mia" / ASSIGNMENT).mkdir(parents=True)
    for name in ("one", "two"):
        (course / "submitted" / "mia" / ASSIGNMENT / f"{name}.ipynb").write_bytes((arrived / f"{name}.ipynb").read_bytes())
    lab.take_in_and_grade(STUDENT, "mia")
    page = course / "feedback" / STUDENT / ASSIGNMENT / "one.html"
    # the secret opens the way to the page: it is in no copy that is run, and on no page.
    secret = (arrived / SECRET_FILE).read_text()
    assert not (course / "intake" / STUDENT / ASSIGNMENT / SECRET_FILE).exists()
    assert secret not in page.read_text() and SECRET_FILE not in page.read_text()
    told = lab.types(course, "release_feedback", ASSIGNMENT)
    assert f"mia did not hand {ASSIGNMENT} in through the exchange; give them their pages from feedback/ yourself" in told
    lab.types(student, *feedback)
    (reached,) = (student / ASSIGNMENT / "feedback").glob("*/one.html")
    assert reached.read_bytes() == page.read_bytes()


def test_the_course_keeps_its_folders(tmp_path: Path) -> None:
    coursedir = CourseDirectory(root=str(tmp_path), submitted_directory="intake")
    with pytest.raises(RuntimeError), replaced(coursedir, submitted_directory="submitted"):
        assert coursedir.submitted_directory == "submitted"
        raise RuntimeError
    assert coursedir.submitted_directory == "intake"


def test_a_secret_is_a_plain_small_file(tmp_path: Path) -> None:
    usable, link, long, blank = (tmp_path / name for name in ("usable", "link", "long", "blank"))
    usable.write_text("ab12")
    link.symlink_to(usable)
    long.write_bytes(b"a" * 1025)
    blank.write_bytes(b"\n")
    os.mkfifo(tmp_path / "fifo")
    assert read_secret(usable) == b"ab12"
    assert [read_secret(path) for path in (link, long, blank, tmp_path / "fifo", tmp_path, tmp_path / "gone")] == [None] * 6
