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
from autograder.judge.bench import BenchFault, LocalBench, ProcessBench, Reply, end_benches, lent_bench
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


@pytest.fixture
def no_bench_kept() -> Iterator[None]:
    end_benches()
    yield
    end_benches()


def ask_once(bench: ProcessBench, key: str = "accepted/row_by_row", size: int = 6) -> Reply:
    bench.begin(key)
    reply = bench.call(*pack_call((torch.zeros(1, size),), {}))
    bench.end()
    return reply


@pytest.mark.usefixtures("no_bench_kept")
def test_a_bench_in_which_nothing_went_wrong_is_lent_again_and_remembers_nothing(frail: Exercise) -> None:
    pids = []
    for _ in range(2):
        with lent_bench(frail) as bench:
            pids.append(bench.pid)
            # what it counts is how often this process was called.
            assert int(ask_once(bench).tensors["out"]) == 1
    assert pids[0] == pids[1] is not None


@pytest.mark.usefixtures("no_bench_kept")
@pytest.mark.parametrize("size", [3, 4], ids=["crashes", "answers at length"])
def test_a_bench_in_which_a_trial_went_wrong_is_lent_to_nobody_else(frail: Exercise, size: int) -> None:
    with lent_bench(frail) as bench:
        first = bench.pid
        assert ask_once(bench, size=size).limit
        # the trials after it are still this borrower's, in a process that can be the same.
        assert not ask_once(bench, "accepted/by_a_matrix", 8).limit
    with lent_bench(frail) as bench:
        assert bench.pid != first


@pytest.mark.usefixtures("no_bench_kept")
def test_a_bench_is_not_lent_again_in_the_middle_of_a_trial_nor_after_an_exception(frail: Exercise) -> None:
    with lent_bench(frail) as bench:
        pids = [bench.pid]
        bench.begin("accepted/row_by_row")
    with pytest.raises(OSError, match="of the borrower's own"), lent_bench(frail) as bench:
        pids.append(bench.pid)
        raise OSError("an error of the borrower's own")
    with lent_bench(frail) as bench:
        pids.append(bench.pid)
    assert len(set(pids)) == 3


@pytest.mark.usefixtures("no_bench_kept")
def test_a_bench_that_was_given_back_begins_nothing_for_whoever_still_holds_it(frail: Exercise) -> None:
    with lent_bench(frail) as bench:
        held = bench
    with pytest.raises(BenchFault, match="this bench has been given back; borrow one again"):
        held.begin("accepted/row_by_row")
    with lent_bench(frail) as bench:
        assert int(ask_once(bench).tensors["out"]) == 1


@pytest.mark.usefixtures("no_bench_kept")
def test_two_borrowers_at_once_have_a_bench_each(frail: Exercise) -> None:
    with lent_bench(frail) as one, lent_bench(frail) as other:
        assert one.pid != other.pid
        assert int(ask_once(one).tensors["out"]) == int(ask_once(other).tensors["out"]) == 1


@pytest.mark.usefixtures("no_bench_kept")
def test_implementations_that_have_changed_on_disk_are_loaded_anew(tmp_path: Path) -> None:
    folder = tmp_path / "s1_duo"
    shutil.copytree(Path(__file__).parent / "fixtures" / "s1_duo", folder)
    exercise = load_assignment(folder).exercises["duo.test_centre"]
    answers = []
    for _ in range(2):
        with lent_bench(exercise) as bench:
            answers.append(ask_once(bench, "mutants/halved"))
        (folder / "mutants" / "centre" / "halved.py").write_text("def centre(rows):\n    return rows + 7\n")
    assert float(answers[0].tensors["out"].max()) == 0.0 and float(answers[1].tensors["out"].max()) == 7.0


@pytest.mark.usefixtures("no_bench_kept")
def test_one_bench_serves_every_test_of_an_assignment() -> None:
    exercises = load_assignment(Path(__file__).parents[2] / "assignments" / "a1_pose").exercises
    pids = []
    for name in ("pose.test_pck", "pose.test_soft_argmax", "pose.test_pck"):
        with lent_bench(exercises[name]) as bench:
            pids.append(bench.pid)
            # one row of zeros is nothing that either could be called with: what answers is there, and raises.
            reply = ask_once(bench, exercises[name].implementations.right[-1])
            assert (reply.header["type"], reply.limit) == ("raised", "")
    assert len(set(pids)) == 1
