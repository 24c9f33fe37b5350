"""Trainings have time of their own: no other cell gets it, and an endless one loses its check alone."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from autograder.engine import run as run_module
from autograder.engine.grade_one import grade_one
from autograder.engine.job import Job
from autograder.engine.run import GradingClient, RunOutcome
from autograder.judge.records import CheckRecord, Ending
from autograder.sandbox.limits import Limits

EXERCISES = """
from autograder.exercise.behaviour import Band, BehaviourProbe
from autograder.exercise.case import Case, Inputs
from autograder.exercise.exercise import Exercise
from autograder.exercise.step import Net, Optimiser, Setup, StepProbe, drawn_state
from torch import nn

def error(predictions, targets):
    return (predictions - targets).abs().mean()

class _Slope(Exercise):
    title = "A slope"
    symbol = "slope"
    points = {"behaviour": 2.0}
    probe = BehaviourProbe(error, "mean error", (Band(high=0.05),), steps=20, allowance_s=4.0)

    def baseline(self, x, y, hidden):
        return y.mean().expand(len(hidden)).clone()

    def material(self, draw):
        slope, x, hidden = draw.number(1.0, 2.0), draw.normal(9), draw.normal(5)
        return Inputs((x, slope * x, hidden), withheld=(slope * hidden,))

    def cases(self):
        return [Case("shown", "behaviour", self.material, public=True), Case("hidden", "behaviour", self.material)]

class Slow(_Slope):
    name = "tiny.slow"

class Endless(_Slope):
    name = "tiny.endless"

class Forged(_Slope):
    name = "tiny.forged"

class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, rows):
        return self.linear(rows)

class Fit(Exercise):
    name = "tiny.fit"
    title = "One step"
    symbol = "fit"
    points = {"value": 2.0}
    probe = StepProbe()

    def setup(self, inputs):
        return Setup({"line": Net(Line)}, {"optimiser": Optimiser("SGD", ("line",), {"lr": 0.1})})

    def reference(self, line, optimiser, rows):
        optimiser.zero_grad()
        loss = line(rows).square().mean()
        loss.backward()
        optimiser.step()
        return loss

    def material(self, draw):
        return Inputs((draw.normal(5, 3),), weights=drawn_state(draw, self.setup(Inputs())))

    def cases(self):
        return [Case(f"number {i}", "value", self.material, public=i < 3) for i in range(4)]
"""
TABLE = """
title = "Tiny"
notebooks = ["tiny"]
points_total = 8.0
[limits]
case_s = 0.2
cell_s = 60
submission_s = 300
memory_mib = 768
"""
SETUP = "import time, torch\nfrom vislab.check import check"
SLOW = """
def slow(x, y, hidden, steps, seed):
    time.sleep(0.5)
    return hidden * (x * y).sum() / (x * x).sum()
"""
FIT = """
def fit(line, optimiser, rows):
    optimiser.zero_grad()
    loss = line(rows).square().mean()
    loss.backward()
    optimiser.step()
    return loss.detach()
"""
FORGED = """
import vislab.check.behaviour, vislab.check.compare, vislab.check.examine
for module in (vislab.check.behaviour, vislab.check.compare, vislab.check.examine):
    for name in ("metric_value", "share_of", "judge_predictions", "compare", "examine"):
        if hasattr(module, name):
            setattr(module, name, lambda *a, **k: None)
def forged(x, y, hidden, steps, seed):
    return torch.zeros(len(hidden))
"""
ENDLESS = "def endless(x, y, hidden, steps, seed):\n    while True:\n        pass"


def notebook(**answers: str) -> bytes:
    cells = [nbformat.v4.new_code_cell(SETUP, id="setup")]
    for name, source in answers.items():
        cells.append(nbformat.v4.new_code_cell(source, id=name))
        metadata = {"vislab": {"check": f"tiny.{name}"}}
        cells.append(nbformat.v4.new_code_cell(f'check("tiny.{name}", {name})', id=f"check-{name}", metadata=metadata))
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


@pytest.fixture
def graded(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Grade a notebook of these answers, and return its ledger."""
    folder = tmp_path / "t1_tiny"
    (folder / "exercises").mkdir(parents=True)
    (folder / "exercises" / "slopes.py").write_text(EXERCISES)
    (folder / "assignment.toml").write_text(TABLE)
    (tmp_path / "release").mkdir()

    def grade(**answers: str) -> dict[str, Any]:
        content = notebook(**answers)
        (tmp_path / "release" / "tiny.ipynb").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return grade_one(
            Job("ada", "t1_tiny", "tiny", content, digest, folder, tmp_path / "release", b"a secret of thirty-two bytes")
        ).ledger

    return grade


@pytest.mark.needs_walls
def test_a_slow_training_keeps_its_points_and_an_endless_one_loses_its_own(
    graded: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the twenty seconds for torch's compiler would be waited out twice.
    for module in ("behaviour", "exercise"):
        monkeypatch.setattr(f"autograder.exercise.{module}.FIRST_OPTIMISER_S", 0.0)
    ledger = graded(slow=SLOW, endless=ENDLESS, forged=FORGED)
    found = {entry["name"]: (entry["verdict"], entry["points"]) for entry in ledger["exercises"]}
    assert found["tiny.slow"] == ("OK", 2.0), ledger["exercises"][0]
    assert found["tiny.endless"] == ("TIME_LIMIT", 0.0)
    assert found["tiny.forged"] == ("WRONG_VALUE", 0.0)
    # the limit was confirmed by one solitary run.
    assert ledger["run"]["runs"] == 2
    texts = {case["text"] for case in ledger["exercises"][1]["cases"]}
    assert texts == {"no answer within 8.2 s", "not run: an earlier case used up the time"}


@pytest.mark.needs_walls
def test_a_step_through_the_walls(graded: Callable[..., dict[str, Any]]) -> None:
    entries = graded(fit=FIT)["exercises"]
    assert [(entry["name"], entry["verdict"], entry["points"]) for entry in entries] == [("tiny.fit", "OK", 2.0)], entries


class _Sandbox:
    def __init__(self) -> None:
        self.cpu_s = 3.0
        self.granted: list[float] = []

    def grant_cpu(self, seconds: float) -> None:
        self.granted.append(seconds)


class _Judge:
    def __init__(self) -> None:
        self.is_open = False

    def serves(self, name: str | None) -> bool:
        return name is not None

    def allowance(self, name: str) -> tuple[float, float]:
        return (10.0, 40.0) if name == "tiny.slow" else (0.0, 0.0)

    def open(self, name: str, skip: Any = None) -> None:
        self.name = name

    def close(self) -> CheckRecord:
        return CheckRecord(self.name, Ending.COMPLETE)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> GradingClient:
    made = GradingClient(
        nbformat.v4.new_notebook(), sandbox=_Sandbox(), judge=_Judge(), limits=Limits(training_s=20.0), skips={}, skip_cells=set()
    )
    made.outcome = RunOutcome(made.nb)
    made._watch, made._timed_out_before, made._trained_s, made._deadline_s = None, False, 0.0, 1000.0
    return made


def check_cell(name: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell("", metadata={"vislab": {"check": name}})


def run_cell(client: GradingClient, cell: nbformat.NotebookNode, during: Callable[[], None]) -> None:
    async def go() -> None:
        await client._execute(cell, 0)
        during()
        await client._executed(cell, 0, {})

    asyncio.run(go())


@pytest.mark.parametrize(
    ("wall_s", "cpu_s", "deadline_s", "granted"),
    [(6.0, 5.0, 1006.0, 5.0), (100.0, 99.0, 1040.0, 10.0), (6.0, 0.0, 1006.0, 0.0)],
    ids=["less than allowed", "more than allowed", "asleep"],
)
def test_a_training_takes_what_it_used_out_of_the_submissions_time(
    client: GradingClient, monkeypatch: pytest.MonkeyPatch, wall_s: float, cpu_s: float, deadline_s: float, granted: float
) -> None:
    now = [50.0]
    monkeypatch.setattr(run_module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def during() -> None:
        assert client.sandbox.granted == [10.0]
        now[0] += wall_s
        client.sandbox.cpu_s += cpu_s

    run_cell(client, check_cell("tiny.slow"), during)
    assert client._deadline_s == deadline_s
    assert client.sandbox.granted == [10.0, granted]
    # what one training left over is no cell's afterwards, and the next training gets its own.
    run_cell(client, nbformat.v4.new_code_cell(""), lambda: None)
    assert client._deadline_s == deadline_s and client._allowed.wall_s == 0.0
    run_cell(client, check_cell("tiny.slow"), lambda: None)
    assert client.sandbox.granted[2] == granted + 10.0


def test_other_checks_and_skipped_ones_are_granted_nothing(client: GradingClient) -> None:
    run_cell(client, check_cell("tiny.other"), lambda: time.sleep(0.01))
    client.skips = {"tiny.slow": None}
    run_cell(client, check_cell("tiny.slow"), lambda: time.sleep(0.01))
    assert client._deadline_s == 1000.0 and max(client.sandbox.granted, default=0.0) == 0.0


def test_a_cell_that_trains_is_watched_for_longer(client: GradingClient, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted: list[str] = []
    now = [50.0]
    monkeypatch.setattr(run_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(client, "_kill", interrupted.append)
    monkeypatch.setattr(run_module, "INTERRUPT_GRACE_S", 0.0)
    client.km = None
    client.judge.stalled = type("Event", (), {"is_set": lambda self: False})()

    async def go(cell: nbformat.NotebookNode, after_s: float) -> bool:
        await client._execute(cell, 0)
        # the watch looks at the clock when it first runs.
        await asyncio.sleep(0)
        now[0] += after_s
        await asyncio.sleep(3 * run_module.POLL_S)
        client._stop_watch()
        client._settle()
        return bool(interrupted)

    assert not asyncio.run(go(check_cell("tiny.slow"), 99.0))
    assert asyncio.run(go(check_cell("tiny.slow"), 101.0))
    interrupted.clear()
    assert asyncio.run(go(check_cell("tiny.other"), 61.0))
