"""Implementations in a process of their own: inputs that hang, swell or crash them cost a trial and never the judge."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch

from autograder.audit.suite_audit import judge_test
from autograder.exercise.assignment import load_assignment
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.bench import BenchFault, LocalBench, ProcessBench, Reply
from autograder.judge.scoring import score
from vislab.check.crossing import pack_call
from vislab.check.verdict import Verdict

FRAIL = """
import ctypes
import torch

kept = []

def centre(rows):
    if rows.shape == (1, 1):
        while True:
            pass
    if rows.shape == (1, 2):
        return torch.ones(1 << 40)
    if rows.shape == (1, 3):
        ctypes.string_at(0)
    if rows.shape == (1, 4):
        return torch.ones(1 << 21)
    if rows.shape == (1, 5):
        raise SystemExit("a text")
    if rows.shape == (1, 6):
        kept.append(1)
        return torch.tensor(len(kept))
    return rows - rows.mean(dim=-1, keepdim=True)
"""


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("frail") / "s1_duo"
    shutil.copytree(Path(__file__).parent / "fixtures" / "s1_duo", folder)
    (folder / "accepted" / "centre" / "row_by_row.py").write_text(FRAIL)
    return load_assignment(folder).exercises["duo.test_centre"]


@pytest.fixture(scope="module")
def bench(frail: Exercise) -> Iterator[ProcessBench]:
    with ProcessBench(frail, trial_cpu_s=1, memory_mib=4096) as made:
        yield made


@pytest.fixture
def ask(bench: ProcessBench) -> Iterator[Callable[[int], Reply]]:
    bench.begin("accepted/row_by_row")
    yield lambda size: bench.call(*pack_call((torch.zeros(1, size),), {}))
    bench.end()


@pytest.mark.parametrize(
    ("size", "limit", "error"),
    [
        (1, "time", "TimeoutError"),
        (2, "memory", "MemoryError"),
        (3, "crash", "RuntimeError"),
        (4, "output", "MemoryError"),
        (5, "", "RuntimeError"),
    ],
    ids=["hangs", "swells", "crashes", "answers at length", "exits"],
)
def test_an_input_that_breaks_an_implementation_costs_its_trial(
    ask: Callable[[int], Reply], bench: ProcessBench, size: int, limit: str, error: str
) -> None:
    reply = ask(size)
    assert (reply.header["error"], reply.limit) == (error, limit)
    bench.end()
    bench.begin("accepted/by_a_matrix")
    assert ask(8).header["type"] == "returned"


def test_nothing_lives_from_one_trial_to_the_next(bench: ProcessBench) -> None:
    for _ in range(2):
        bench.begin("accepted/row_by_row")
        sizes = [int(bench.call(*pack_call((torch.zeros(1, 6),), {})).tensors["out"]) for _ in range(2)]
        bench.end()
        assert sizes == [1, 2]


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        ("time", Verdict.TIME_LIMIT),
        ("memory", Verdict.MEMORY_LIMIT),
        ("crash", Verdict.RUNTIME_ERROR),
        ("output", Verdict.OUTPUT_LIMIT),
    ],
)
def test_a_test_with_such_inputs_is_to_blame_itself(exercise: Exercise, seeds: SeedSource, limit: str, verdict: Verdict) -> None:
    class Breaking(LocalBench):
        def call(self, header: Mapping[str, object], tensors: Mapping[str, torch.Tensor]) -> Reply:
            return Reply({"type": "raised", "error": "TimeoutError"}, {}, limit)

    def swallowing(impl: Callable[..., object]) -> None:
        try:
            impl(torch.zeros(1, 1))
        except Exception:
            return

    scored = score(exercise, judge_test(exercise, seeds, swallowing, Breaking(exercise)))
    assert (scored.verdict, scored.earned) == (verdict, 0.0)


def test_implementations_that_cannot_be_loaded_are_our_failure(tmp_path: Path) -> None:
    folder = tmp_path / "s1_duo"
    shutil.copytree(Path(__file__).parent / "fixtures" / "s1_duo", folder)
    (folder / "mutants" / "centre" / "halved.py").write_text("def center(rows):\n    return rows\n")
    exercise = load_assignment(folder).exercises["duo.test_centre"]
    with pytest.raises(BenchFault, match=r"halved.py does not define centre, the symbol of duo.centre"), ProcessBench(exercise):
        pass
