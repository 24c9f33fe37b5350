"""Seeds, and sessions that speak with a function instead of a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from judge_clients import serving
from judged_exercises import EXERCISES

from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.records import CheckRecord
from autograder.judge.server import Judge
from autograder.judge.session import CheckSession
from vislab.wire.frames import Message

Reply = Callable[[Mapping[str, Any], Mapping[str, torch.Tensor]], Message]


@pytest.fixture
def seeds() -> SeedSource:
    return SeedSource(b"a course secret for the tests of the judge", "ab" * 32)


@pytest.fixture
def judged(seeds: SeedSource) -> Callable[..., CheckRecord]:
    """Judge an answer in this process."""

    def run(answer: Any, exercise: str = "toy.double", source: SeedSource = seeds) -> CheckRecord:
        return CheckSession(EXERCISES[exercise], source, 10.0).run(LocalExchange(answer, {}))

    return run


@pytest.fixture
def replied(seeds: SeedSource) -> Callable[..., CheckRecord]:
    """Judge whatever a function replies to each case: the student's side as a liar may write it."""

    def run(reply: Reply, exercise: str = "toy.double", **more: Any) -> CheckRecord:
        return CheckSession(EXERCISES[exercise], seeds, 1.0, **more).run(lambda header, tensors, timeout_s: reply(header, tensors))

    return run


@pytest.fixture
def judge(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judge]:
    with serving(seeds, tmp_path, monkeypatch) as made:
        yield made
