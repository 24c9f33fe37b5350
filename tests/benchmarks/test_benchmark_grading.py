"""``python -m benchmarks grading``: the gate and what is printed; no statement about speed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from autograder.engine.job import Job
from autograder.exercise.assignment import Assignment, load_assignment
from autograder.sandbox.choice import Start
from benchmarks import publish
from benchmarks.__main__ import main
from benchmarks.grading import measure as whole
from benchmarks.grading import profile
from benchmarks.grading import starts as grading
from benchmarks.grading.contenders import ENGINE, FRESH_ALONE, NBGRADER, NO_WALLS, CommandFailed, Contender, Graded, grade_class
from benchmarks.grading.measure import GateError, measure_class, measure_growth
from benchmarks.grading.school import KINDS, found_school
from benchmarks.grading.starts import StartGateError, measure_starts, solved, start_up


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Start]]:
    """Stand in for grading; returns what was graded, in order."""
    seen: list[tuple[str, Start]] = []

    def grade(job: Job) -> SimpleNamespace:
        seen.append((job.notebook, job.start))
        return SimpleNamespace(receipt=b"the same")

    monkeypatch.setattr(grading, "grade_one", grade)
    monkeypatch.setattr(grading, "fork_faults", lambda: ())
    monkeypatch.setattr(grading, "start_up", lambda start: {"ready": 1.0 + (start is Start.FRESH), "imported": 2.0, "cpu": 0.5})
    return seen


def test_both_ways_take_turns_and_the_table_says_what_was_measured(
    graded: list[tuple[str, Start]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grading", "--part", "starts", "--rounds", "2", "--json"]) == 0
    assert graded == [("1_heatmaps", start) for start in (Start.FRESH, Start.FORKED, Start.FORKED, Start.FRESH)]
    told = json.loads(capsys.readouterr().out)["starts"]
    assert told["same_marks"] and told["start_up"][0] == {"what": "ready", "fresh_s": 2.0, "forked_s": 1.0, "speedup": 2.0}
    assert main(["grading", "--part", "starts", "--rounds", "1"]) == 0
    assert "ready                   fresh     2.0 s  forked     1.0 s  2.0 times" in capsys.readouterr().out


def test_no_figure_is_printed_where_marks_differ_or_nothing_can_be_forked(
    graded: list[tuple[str, Start]], root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    receipts = itertools.cycle([b"one", b"another"])
    monkeypatch.setattr(grading, "grade_one", lambda job: SimpleNamespace(receipt=next(receipts)))
    with pytest.raises(StartGateError, match="receipts depend on how the kernel was started: 1_heatmaps"):
        measure_starts(root, "a1_pose", ["1_heatmaps"], 1)
    monkeypatch.setattr(grading, "fork_faults", lambda: ("own namespaces: broken: net",))
    assert main(["grading", "--part", "starts"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "own namespaces: broken: net" in captured.err


def test_a_solved_notebook_is_handed_in_without_its_outputs(root: Path) -> None:
    job = solved(root, "a1_pose", "1_heatmaps")
    code = [cell for cell in nbformat.reads(job.content.decode(), as_version=4).cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs for cell in code) and job.walls


@pytest.mark.needs_walls
def test_a_kernel_starts_each_way() -> None:
    for start in Start.FRESH, Start.FORKED:
        found = start_up(start)
        assert 0 < found["ready"] <= found["imported"] and found["cpu"] > 0


def test_the_profile_adds_up_kernels_and_leaves_out_the_turn_that_warms_up(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = itertools.count()

    def grade(job: Job, witness: Callable[[SimpleNamespace], None]) -> None:
        assert job.start is Start.FORKED
        for cpu_s in (90.0, 9.0, 9.0) if next(turns) == 0 else (1.5, 0.25, 0.5):
            witness(SimpleNamespace(cpu_s=cpu_s))

    monkeypatch.setattr(profile, "grade_one", grade)
    told = profile.measure_profile(root, "a1_pose", "1_heatmaps", 2)
    assert (told["kernel"], told["test_kernels"], told["implementations"]) == (1.5, 0.75, 0.0) and next(turns) == 3
    monkeypatch.setattr("benchmarks.grading.parts.measure_profile", lambda *asked: told)
    assert main(["grading", "--part", "profile", "--rounds", "2"]) == 0
    assert "  test kernels               0.75 s of processors\n" in capsys.readouterr().out


@pytest.fixture(scope="module")
def a1(root: Path) -> Assignment:
    return load_assignment(root / "assignments" / "a1_pose")


WALL_S = {ENGINE.name: 10.0, "engine, 1 worker": 19.0, FRESH_ALONE.name: 44.0, NO_WALLS.name: 40.0, NBGRADER.name: 60.0}


def commanded(monkeypatch: pytest.MonkeyPatch, spoil: str = "", **spoilt: object) -> list[str]:
    """Stand in for the commands; one of them may leave something else. Returns what was asked for, in order."""
    asked: list[str] = []

    def grade(school: SimpleNamespace, contender: Contender) -> Graded:
        asked.append(contender.name)
        students = [f"s{number}" for number in range(school.students)]
        left = {"receipts": {} if contender.stock else dict.fromkeys(students, b"r"), "marks": dict.fromkeys(students, 3.0)}
        left |= spoilt if contender.name == spoil else {}
        return Graded(WALL_S[contender.name], 2 * WALL_S[contender.name], 99.0, (3.0,) * school.students, **left)

    monkeypatch.setattr(whole, "grade_class", grade)
    monkeypatch.setattr(
        whole, "found_school", lambda place, built, assignment, notebook, students, *more: SimpleNamespace(students=students)
    )
    return asked


def test_figures_of_a_class_are_ratios_of_whole_commands(a1: Assignment, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = commanded(monkeypatch)
    told = measure_class(root, a1, "1_heatmaps", 4, 2)
    assert asked[:5] == list(reversed(asked[5:])) == list(WALL_S)
    assert told["speedup_vs_nbgrader"] == 6.0 and told["speedup_vs_nbgrader_1_worker"] == 3.16 and told["two_workers"] == 1.9
    assert told["walls_cost"] == 0.1 and told["overhead_s"] == 1.75 and told["student_share"] == 0.632 and told["same_marks"]
    assert told["ways"][0] == {"way": "engine, 2 workers", "s_each": 2.5, "cpu_s_each": 5.0, "memory_mib": 99}


@pytest.mark.parametrize(
    ("spoil", "spoilt", "said"),
    [
        (
            ENGINE.name,
            {"receipts": {"s0": b"r", "s1": b"other"}},
            "engine, 2 workers: receipts differ from those of fresh kernels, 1 worker: s1",
        ),
        (ENGINE.name, {"receipts": {}}, "receipts differ"),
        (NO_WALLS.name, {"marks": {"s0": 3.0, "s1": 2.0}}, "no walls, 1 worker: marks in the gradebook differ"),
    ],
)
def test_a_class_that_is_marked_in_two_ways_has_no_figures(
    a1: Assignment, root: Path, monkeypatch: pytest.MonkeyPatch, spoil: str, spoilt: dict[str, object], said: str
) -> None:
    commanded(monkeypatch, spoil, **spoilt)
    with pytest.raises(GateError, match=said):
        measure_class(root, a1, "1_heatmaps", 2, 1)


def test_growth_is_time_a_submission(
    a1: Assignment, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = commanded(monkeypatch)
    told = measure_growth(root, a1, "1_heatmaps", "pose.norm_to_pixel", [5, 10])
    assert told["growth_50_to_1000"] == 0.5 and told["speedup_vs_nbgrader_one_exercise"] == 6.0
    # plain nbgrader is timed on the smallest class alone.
    assert asked == [ENGINE.name, NBGRADER.name, ENGINE.name]
    assert main(["grading", "--part", "class", "--part", "growth", "--submissions", "4", "--rounds", "1", "--growth", "5", "8"]) == 0
    out = capsys.readouterr().out
    assert "     6.0 times as fast as nbgrader, 2 workers\n" in out
    assert "    8 submissions         1.25 s a submission,    99 MiB, 0.0 s of the writer\n" in out


def test_a_part_that_is_measured_again_takes_its_place_in_what_was_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commanded(monkeypatch)
    monkeypatch.setattr(publish, "RESULTS", tmp_path / "benchmarks" / "results")
    publish.RESULTS.mkdir(parents=True)
    growth = ["grading", "--part", "growth", "--save", "--json", "--growth"]
    assert main(["grading", "--part", "class", "--submissions", "4", "--rounds", "1", "--save", "--json"]) == 0
    assert main([*growth, "5", "8", "--rounds", "1"]) == 0
    assert main([*growth, "5", "10", "--rounds", "1"]) == 0
    (path,) = publish.RESULTS.iterdir()
    told = json.loads(path.read_text())
    assert told["two_workers"] == 1.9 and [row["submissions"] for row in told["growth"]] == [5, 10]
    assert main([*growth, "5", "8", "--rounds", "2"]) == 2
    assert "was kept with other rounds, so a part does not go with it; measure all parts" in capsys.readouterr().err
    assert json.loads(path.read_text()) == told


def test_a_class_is_of_all_kinds_and_no_two_are_alike(a1: Assignment, root: Path, tmp_path: Path) -> None:
    school = found_school(tmp_path, root, a1, "1_heatmaps", 2 * len(KINDS))
    handed_in = sorted(school.root.glob("submitted/*/a1_pose/*.ipynb"))
    assert len(handed_in) == 8 and {path.stem for path in handed_in} == {"1_heatmaps"}
    sources = [[cell.source for cell in nbformat.read(path, as_version=4).cells] for path in handed_in]
    assert len({tuple(source) for source in sources}) == 8
    untouched = [sum("raise NotImplementedError" in cell for cell in source) for source in sources]
    solved_cells = set(sources[0])
    assert untouched[3] == untouched[7] >= 2 and untouched[0] == untouched[1] == untouched[2] == 0
    mistakes = [len(set(source) - solved_cells) - 1 for source in sources]
    assert mistakes[1] == mistakes[5] == 1 and mistakes[2] == mistakes[6] == 2 and mistakes[4] == 0


@pytest.mark.needs_walls
def test_one_hurried_submission_is_graded_by_the_engine_and_a_wrong_command_is_told(a1: Assignment, root: Path, tmp_path: Path) -> None:
    school = found_school(tmp_path, root, a1, "1_heatmaps", 1, "pose.norm_to_pixel")
    graded = grade_class(school, ENGINE)
    assert graded.marks == {"student-0000": 3.0} and list(graded.receipts) == ["student-0000"]
    assert 0 < sum(graded.run_s) < graded.wall_s and 0 < graded.own_cpu_s <= graded.cpu_s + 0.1 and graded.memory_mib > 10
    with pytest.raises(CommandFailed, match="nobody ended with 2"):
        grade_class(school, Contender("nobody", ("-m", "autograder", "grade", "a9_nothing")))
