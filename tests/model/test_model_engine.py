"""Weights from intake to ledger: let through, covered by the submission's hash, run behind walls of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from autograder.engine.grade_one import Attempts, grade_one
from autograder.engine.job import Job, Result
from autograder.engine.model_run import ModelProcessFault, model_opener
from autograder.exercise.assignment import Assignment
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.intake.submission import intake_submission
from autograder.intake.template import make_template
from autograder.judge.model import judge_model
from autograder.judge.scoring import score
from autograder.sandbox.limits import Limits

NET = Path(__file__).parent / "fixtures" / "m1_net"
SOURCE = 'from vislab.check import check\nspot_file = "spot.safetensors"\nassert open(spot_file, "rb").read(8)'


def notebook() -> bytes:
    cells = [
        nbformat.v4.new_code_cell(SOURCE, id="file"),
        nbformat.v4.new_code_cell('check("net.spot", spot_file)', id="check", metadata={"vislab": {"check": "net.spot"}}),
    ]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


@pytest.fixture
def graded(tmp_path: Path) -> Callable[..., Result]:
    def grade(files: dict[str, bytes], walls: bool = True) -> Result:
        content = notebook()
        (tmp_path / "net.ipynb").write_bytes(content)
        digest = hashlib.sha256(content + b"".join(files.values())).hexdigest()
        secret = b"a secret of thirty-two bytes or so"
        return grade_one(Job("ada", "m1_net", "net", content, digest, NET, tmp_path, secret, extra_files=files, walls=walls))

    return grade


@pytest.mark.needs_walls
def test_weights_are_judged_behind_walls_of_their_own(graded: Callable[..., Result], good: bytes) -> None:
    result = graded({"spot.safetensors": good})
    (entry,) = result.ledger["exercises"]
    assert (entry["verdict"], entry["points"]) == ("OK", 4.0), result.log
    # the notebook ran once, with the file beside it, and its own check answered nothing.
    assert result.ledger["run"]["runs"] == 1 and b"not recorded" in result.executed and b"ename" not in result.executed


@pytest.fixture
def without_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the notebook's own run out: it has been seen above."""
    own = SimpleNamespace(
        records={}, outcome=SimpleNamespace(notebook=nbformat.v4.new_notebook(), output_cut=False, out_of_time=False), attempts=Attempts()
    )
    own.walls_s = []
    monkeypatch.setattr("autograder.engine.grade_one._rounds", lambda *told: own)


@pytest.mark.usefixtures("without_kernel")
def test_without_a_file_nothing_is_started(graded: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.engine.grade_one.model_opener", lambda limits, walls: None)
    (entry,) = graded({}).ledger["exercises"]
    assert (entry["verdict"], entry["points"]) == ("NOT_ATTEMPTED", 0.0)
    (entry,) = graded({"spot.safetensors": b"\0" * (2 << 20)}).ledger["exercises"]
    assert (entry["verdict"], entry["points"]) == ("OUTPUT_LIMIT", 0.0)
    assert "at most 1 MiB are taken" in entry["cases"][0]["message"]


@pytest.mark.needs_walls
@pytest.mark.usefixtures("without_kernel")
def test_a_hostile_file_has_its_verdict_from_behind_the_walls(graded: Callable[..., Result]) -> None:
    result = graded({"spot.safetensors": b"\x80\x04\x95\x1b\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94."})
    (entry,) = result.ledger["exercises"]
    assert (entry["verdict"], entry["points"], result.is_grader_error) == ("WRONG_TYPE", 0.0, False)
    assert "which is never opened" in entry["cases"][0]["message"]


@pytest.mark.usefixtures("without_kernel")
def test_a_process_that_does_not_start_is_our_failure(graded: Callable[..., Result], good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(limits: object, walls: bool) -> Callable[[bytes], object]:
        def opener(content: bytes) -> object:
            raise ModelProcessFault("no room")

        return opener

    monkeypatch.setattr("autograder.engine.grade_one.model_opener", broken)
    result = graded({"spot.safetensors": good})
    assert result.is_grader_error and "no room" in result.ledger["error"]


def test_without_walls_the_marks_are_the_same(exercise: Exercise, seeds: SeedSource, good: bytes) -> None:
    record = judge_model(exercise, seeds, good, model_opener(Limits(), walls=False))
    assert score(exercise, record).earned == 4.0


def test_intake_lets_the_file_through_and_the_hash_covers_it(net: Assignment, tmp_path: Path, good: bytes) -> None:
    templates = {"net": make_template("net", nbformat.reads(notebook().decode(), as_version=4), {"net.spot": "spot_file"})}

    def taken(**files: bytes) -> tuple[str | None, dict[str, str], list[str]]:
        submitted, cleaned = tmp_path / "submitted" / "ada" / "m1_net", tmp_path / "intake" / "ada" / "m1_net"
        submitted.mkdir(parents=True, exist_ok=True)
        (submitted / "net.ipynb").write_bytes(notebook())
        for name, content in files.items():
            (submitted / f"{name}.safetensors").unlink(missing_ok=True)
            (submitted / f"{name}.safetensors").write_bytes(content)
        record = intake_submission(submitted, cleaned, templates, net.extra_files, student="ada", assignment="m1_net")
        return record.notebooks[0].submission_hash, dict(record.extra_files), sorted(path.name for path in cleaned.iterdir())

    none, known, kept = taken()
    assert known == {} and kept == ["net.ipynb"]
    first, known, kept = taken(spot=good, other=good)
    assert known == {"spot.safetensors": hashlib.sha256(good).hexdigest()} and kept == ["net.ipynb", "spot.safetensors"]
    second, _, _ = taken(spot=good + b"\0")
    assert len({none, first, second}) == 3
    (tmp_path / "submitted" / "ada" / "m1_net" / "spot.safetensors").unlink()
    (tmp_path / "submitted" / "ada" / "m1_net" / "spot.safetensors").symlink_to(
        tmp_path / "submitted" / "ada" / "m1_net" / "other.safetensors"
    )
    assert taken()[1:] == ({}, ["net.ipynb"])
