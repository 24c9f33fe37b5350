"""The assignment Net: weights for a small net that finds a bright spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from autograder.audit.answers import Answer
from autograder.audit.model_audit import weights_file
from autograder.exercise.assignment import Assignment, load_assignment
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.model import judge_model, local_model
from autograder.judge.records import CheckRecord
from vislab.wire.tensors import decode_tensors

NET = Path(__file__).parent / "fixtures" / "m1_net"


@pytest.fixture(scope="session")
def net() -> Assignment:
    return load_assignment(NET)


@pytest.fixture(scope="session")
def exercise(net: Assignment) -> Exercise:
    return net.exercises["net.spot"]


@pytest.fixture
def seeds() -> SeedSource:
    return SeedSource(b"a course secret for the tests of weights", "ab" * 32)


@pytest.fixture(scope="session")
def good() -> bytes:
    return weights_file(Answer("averages", NET / "accepted" / "spot" / "averages.py"))


@pytest.fixture
def changed(good: bytes) -> Callable[..., bytes]:
    """Return the good weights with some replaced (or, by None, left out)."""

    def change(**replaced: torch.Tensor | None) -> bytes:
        state = decode_tensors(good)
        for name, value in replaced.items():
            key = name.replace("__", ".")
            if value is None:
                del state[key]
            else:
                state[key] = value
        return save(state)

    return change


@pytest.fixture
def judged(exercise: Exercise, seeds: SeedSource) -> Callable[[bytes | None], CheckRecord]:
    return lambda content: judge_model(exercise, seeds, content, local_model)
