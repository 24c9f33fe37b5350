"""The pages that students and graders open: the ledger on them, and nothing that runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from fake_grader import prepare
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from tiny_course import ASSIGNMENT, TinyCourse

from autograder.gradebook.run import generate_feedback, load_config

PWN = "document.title='OWNED'"
ANSWER = f"""Because $x^2$. <script>{PWN}</script> <img src=x onerror="{PWN}">

<svg onload="{PWN}"><script>{PWN}</script></svg>

<details open ontoggle="{PWN}"><summary>x</summary></details> [x](javascript:{PWN}) ![x](attachment:absent.png)
"""
OUTPUTS = {
    "solve-first": [
        {"output_type": "stream", "name": "stdout", "text": f"hidden input 4321 <script>{PWN}</script>\n"},
        {"output_type": "display_data", "data": {"text/html": f"<script>{PWN}</script>", "text/plain": "drawn 4321"}, "metadata": {}},
        {"output_type": "display_data", "data": {"image/svg+xml": f'<svg onload="{PWN}"/>'}, "metadata": {}},
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": [f"error 4321 <img src=x onerror={PWN}>"]},
    ],
    "check-first": [{"output_type": "stream", "name": "stdout", "text": "all hidden tests passed 4321\n"}],
}


@pytest.fixture
def graded(course: TinyCourse) -> TinyCourse:
    course.hand_in("ann", "2027-02-06 12:00:00 UTC", answer=ANSWER)
    raw = nbformat.v4.new_raw_cell(f"<script>{PWN}</script>", id="raw")

    def spoil(notebook: nbformat.NotebookNode) -> None:
        notebook.cells.insert(1, raw)
        notebook.cells[2].source = f"# <script>{PWN}</script>\ndef first(x):\n    return x"
        notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2, "version_minor": 0}}

    course.edit("ann", "one", spoil)
    text = f"max error 3.2 px; looks like the arg-max <img src=x onerror={PWN}> $y$"
    notes = [{"code": "check_missing", "text": f"The check of pose.extra was put back. <script>{PWN}</script>"}]
    prepare(
        course.root,
        "ann",
        "one",
        right={"pose.first": [3, 4], "pose.extra": [2, 2]},
        outputs=OUTPUTS,
        observed=[f"<script>{PWN}</script>"],
        text={"pose.first": text},
        intake=notes,
    )
    prepare(course.root, "ann", "two", right={"pose.second": [1, 1]})
    course.autograde()
    return course


class Page(HTMLParser):
    """What a browser would make of a page: its text, its tags, and whatever could run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.armed: list[str] = []
        self.silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style")
        self.armed += [f"{tag} {name}={value}" for name, value in attrs if "OWNED" in (value or "") and name not in ("alt", "title")]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if self.silent:
            self.armed += [data] if "OWNED" in data else []
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def _feedback(course: TinyCourse) -> str:
    outcome = generate_feedback(course.root, ASSIGNMENT)
    assert outcome.done == ("ann",)
    return (course.root / "feedback" / "ann" / ASSIGNMENT / "one.html").read_text()


def _formgrader(course: TinyCourse) -> str:
    # as the formgrader's server makes its exporter.
    config = load_config(course.root)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    path = course.root / "autograded" / "ann" / ASSIGNMENT / "one.ipynb"
    resources = {"assignment_id": ASSIGNMENT, "notebook_id": "one", "submission_id": "1", "index": 0, "total": 1, "base_url": ""}
    return HTMLExporter(config=config).from_filename(str(path), resources=resources)[0]


def test_feedback_shows_the_ledger(graded: TinyCourse) -> None:
    text = Page(_feedback(graded)).text
    for part in (
        "First <b>exercise</b> pose.first RULE used an operation that the exercise forbids · 3.5 of 5 points",
        "value 3 of 4 cases 3 / 4 proven",
        "rule found 0 / 0.5 observed",
        '[pose.first · value · "value 3"] max error 3.2 px; looks like the arg-max',
        "Extra exercise pose.extra",
        "2 of 2 points (bonus)",
        "The check of pose.extra was put back.",
        "unproven",
        "late submission −1",
        "pose.why not graded yet – 3",
        "sum so far 6.5 10",
    ):
        assert part in text, (part, text[:3000])


def test_feedback_shows_the_source_and_no_output_of_the_run(graded: TinyCourse) -> None:
    page = _feedback(graded)
    text = Page(page).text
    assert "def first ( x ):" in text and "Because $x^2$" in text
    # the hidden input stands in outputs, in the hidden tests and in the check cell's own output; none of it is shown.
    assert "4321" not in page
    assert "(hidden tests are not shown)" in text and "assert first ( 1 ) == 1" in text


def test_outputs_can_be_switched_on(graded: TinyCourse) -> None:
    with (graded.root / "nbgrader_config.py").open("a") as config:
        config.write("c.FeedbackView.show_outputs = True\n")
    page = Page(_feedback(graded))
    assert "hidden input 4321" in page.text and "drawn 4321" in page.text and "error 4321" in page.text
    assert page.armed == [] and "all hidden tests passed" not in page.text
    # the check cell's ledger stands there once, as a panel.
    assert "pose.first: RULE" not in page.text


def test_feedback_says_what_a_grader_has_changed(graded: TinyCourse) -> None:
    with graded.gradebook() as gradebook:
        gradebook.find_grade("check-pose-first", "one", ASSIGNMENT, "ann").manual_score = 5
        gradebook.find_grade("question-pose-why", "one", ASSIGNMENT, "ann").manual_score = 1.5
        gradebook.find_comment("question-pose-why", "one", ASSIGNMENT, "ann").manual_comment = f"Not quite. <script>{PWN}</script>"
        gradebook.db.commit()
    page = Page(_feedback(graded))
    assert "In the gradebook this counts 5 points : a grader has changed it." in page.text
    assert "pose.why marked by a grader 1.5 3" in page.text and "Not quite." in page.text
    assert page.armed == []


def test_the_formgrader_shows_ledger_and_outputs(graded: TinyCourse) -> None:
    text = Page(_formgrader(graded)).text
    for part in (
        "3 of 4 cases",
        "hidden input 4321",
        "drawn 4321",
        "Result of the judge",
        "For graders: 1 run (1.2 s); 2 kernels for tests (0.8 s)",
    ):
        assert part in text, part
    assert "all hidden tests passed" not in text


def test_the_formgrader_frames_no_picture_in_red(graded: TinyCourse) -> None:
    assert ".rendered_html img, .output_area img { border: none; }" in _formgrader(graded)


@pytest.mark.parametrize("make", [_feedback, _formgrader])
def test_nothing_of_the_student_runs_in_a_reader(graded: TinyCourse, make) -> None:
    html = make(graded)
    assert "OWNED" in html, "the attack must have reached the page"
    assert Page(html).armed == []


def test_the_same_attack_runs_on_nbgraders_own_page(graded: TinyCourse) -> None:
    """The twin: without our preprocessors, and with nbconvert's own sanitising on, nbgrader's page runs the student's script."""
    with (graded.root / "nbgrader_config.py").open("a") as config:
        config.write("c.GenerateFeedback.preprocessors = c.GenerateFeedback.preprocessors[:-1]\n")
    assert Page(_feedback(graded)).armed != []


@pytest.mark.parametrize("plan", [{"fault": "no space in /srv/course <b>"}, {"error": "OSError: no space in /srv/course <b>"}])
def test_a_failure_of_ours_is_explained_to_the_student_without_its_details(course: TinyCourse, plan: dict) -> None:
    course.hand_in("ann")
    prepare(course.root, "ann", "one", **plan)
    prepare(course.root, "ann", "two", right={})
    course.autograde()
    text = Page(_feedback(course)).text
    assert "could not be graded completely, through no fault of the submission" in text
    assert "/srv/course" not in text
    assert "no space in /srv/course <b>" in Page(_formgrader(course)).text


def test_an_unreadable_file_is_explained(course: TinyCourse) -> None:
    course.hand_in("ann")
    note = {"code": "unreadable", "text": "The notebook could not be read: the file is <b>no</b> JSON."}
    prepare(course.root, "ann", "one", unreadable="the file is <b>no</b> JSON", right={}, intake=[note])
    prepare(course.root, "ann", "two", right={})
    course.autograde()
    text = Page(_feedback(course)).text
    assert "could not be read as a notebook. the file is <b>no</b> JSON" in text.replace(" .", ".")
    assert "UNREADABLE the file is no notebook that can be read · 0 of 5 points" in text
    assert "pose.why no answer 0 3" in text and "sum 0 10" in text and "What was repaired" not in text


def test_notebooks_without_cell_ids_can_be_shown(graded: TinyCourse) -> None:
    path = graded.root / "autograded" / "ann" / ASSIGNMENT / "one.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.nbformat_minor = 4
    for cell in notebook.cells:
        cell.pop("id", None)
    path.chmod(0o644)
    nbformat.write(notebook, path)
    assert "3 of 4 cases" in Page(_feedback(graded)).text


@pytest.mark.browser
@pytest.mark.parametrize("make", [_feedback, _formgrader])
def test_a_real_browser_runs_nothing_of_the_student(graded: TinyCourse, tmp_path: Path, make) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("browser: Chromium is not installed")
    page, twin = tmp_path / "page.html", tmp_path / "twin.html"
    page.write_text(make(graded))
    # the twin proves that a script that does run would be seen.
    twin.write_text(page.read_text().replace("<body>", f'<body><img src=x onerror="{PWN}">'))

    def title(path: Path) -> str:
        profile = tmp_path / f"profile-{path.stem}"
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
        command += ["--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"]
        command += [f"--user-data-dir={profile}", "--virtual-time-budget=3000", "--dump-dom", path.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
        return re.search(r"<title>(.*?)</title>", done.stdout, re.S)[1]

    assert title(page) == "one"
    assert title(twin) == "OWNED"
