"""Answers without a thought in them earn nothing on any exercise of assignment 1."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autograder.exercise.assignment import Assignment, load_assignment
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score
from autograder.judge.session import CheckSession, Prepared
from vislab.check.verdict import Family, Verdict

FOLDER = Path(__file__).resolve().parents[2] / "assignments" / "a1_pose"
FUNCTIONS = ("norm_to_pixel", "pixel_to_norm", "joint_loss", "soft_argmax", "heatmap_covariance")


@pytest.fixture(scope="module")
def a1() -> Assignment:
    return load_assignment(FOLDER)


@pytest.fixture(scope="module")
def judged(a1: Assignment) -> Callable[..., tuple[Exercise, CheckRecord]]:
    """Judge an answer; the cases of an exercise are drawn once per secret."""
    drawn: dict[tuple[str, int], dict[str, Prepared]] = {}

    def judge(stem: str, answer: Any, secret: int = 0, **extras: Any) -> tuple[Exercise, CheckRecord]:
        exercise = a1.exercises[f"pose.{stem}"]
        seeds = SeedSource(hashlib.sha256(b"trivial %d" % secret).digest(), "a submission")
        session = CheckSession(exercise, seeds, 30.0, prepared=drawn.setdefault((stem, secret), {}))
        return exercise, session.run(LocalExchange(answer, extras))

    return judge


def shape_of(stem: str, first: Tensor) -> tuple[int, ...]:
    """The shape of a right answer, which anybody can read in the exercise."""
    return {
        "norm_to_pixel": tuple(first.shape),
        "pixel_to_norm": tuple(first.shape),
        "joint_loss": (),
        "soft_argmax": (*first.shape[:2], 2),
        "heatmap_covariance": (*first.shape[:2], 2, 2),
    }[stem]


def constant(stem: str, value: float, attached: bool) -> Callable[..., Tensor]:
    def answer(first: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        made = torch.full(shape_of(stem, first), value, dtype=first.dtype)
        # attached to the graph with gradient zero: "no gradient" is then no fault of its own.
        return made + 0 * first.nan_to_num(0, 0, 0).sum() if attached else made

    return answer


def mean(stem: str, detached: bool) -> Callable[..., Tensor]:
    def answer(first: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        middle = first.mean().detach() if detached else first.mean()
        return middle.expand(shape_of(stem, first)).clone()

    return answer


def middle_of_the_map(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    return heatmaps.new_tensor([(width - 1) / 2, (height - 1) / 2]).expand(*heatmaps.shape[:2], 2) + 0 * heatmaps.nan_to_num(0, 0, 0).sum()


def noise_of_its_shape(stem: str) -> Callable[..., Tensor]:
    return lambda first, *args, **kwargs: torch.randn(shape_of(stem, first), dtype=first.dtype)


def trivial(stem: str) -> dict[str, Callable[..., Any]]:
    answers: dict[str, Callable[..., Any]] = {
        **{f"always {value}": constant(stem, value, False) for value in (0.0, 1.0, -1.0, 0.5, float("nan"))},
        **{f"always {value}, attached": constant(stem, value, True) for value in (0.0, 1.0)},
        "the input": lambda first, *args, **kwargs: first,
        "a copy of the input": lambda first, *args, **kwargs: first.clone(),
        "the detached mean": mean(stem, True),
        "the mean": mean(stem, False),
        "noise": noise_of_its_shape(stem),
        "nothing": lambda *args, **kwargs: None,
        "an empty tensor": lambda first, *args, **kwargs: first.new_zeros(0),
    }
    if stem == "soft_argmax":
        answers["the middle of the map"] = middle_of_the_map
    return answers


@pytest.mark.parametrize(("stem", "how"), [(stem, how) for stem in FUNCTIONS for how in trivial(stem)])
def test_a_trivial_function_earns_nothing(judged: Callable[..., Any], stem: str, how: str) -> None:
    exercise, record = judged(stem, trivial(stem)[how])
    scored = score(exercise, record)
    assert scored.earned == 0.0, [(case.name, case.verdict) for case in record.cases if case.verdict is Verdict.OK]
    assert Verdict.GRADER_ERROR not in {case.verdict for case in record.cases}


class Zeros(nn.Module):
    """The right layers, and zeros."""

    def __init__(self, channels: int, hidden: int, joints: int) -> None:
        super().__init__()
        self.joints = joints
        self.hidden = nn.Linear(channels, hidden)
        self.out = nn.Linear(hidden, 2 * joints)

    def forward(self, features: Tensor) -> Tensor:
        return features.new_zeros(features.shape[0], self.joints, 2)


class LastBias(Zeros):
    """The bias of the last layer for every image."""

    def forward(self, features: Tensor) -> Tensor:
        used = sum(parameter.sum() for parameter in self.parameters()) + features.sum()
        return self.out.bias.reshape(1, self.joints, 2).expand(features.shape[0], -1, -1) + 0 * used


class Untrained(Zeros):
    """The right formula with weights of its own."""

    def forward(self, features: Tensor) -> Tensor:
        torch.manual_seed(0)
        fresh = nn.Linear(self.hidden.in_features, 2 * self.joints).to(features.dtype)
        return fresh(features.mean((2, 3))).reshape(-1, self.joints, 2)


@pytest.mark.parametrize("answer", [Zeros, LastBias, Untrained], ids=lambda cls: cls.__name__)
def test_a_trivial_module_earns_nothing(judged: Callable[..., Any], answer: type[nn.Module]) -> None:
    exercise, record = judged("regression_head", answer)
    assert score(exercise, record).earned == 0.0


NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def told(text: str, hidden: list[Tensor]) -> set[str]:
    """Numbers in a text that equal an element of hidden material, to four digits or more."""
    numbers = {number for number in NUMBER.findall(text) if len(number.split("e")[0].replace(".", "").strip("0")) >= 4}
    if not numbers:
        return set()
    known = {f"{abs(value):.4g}" for tensor in hidden for value in tensor.double().flatten().tolist()}
    return {number for number in numbers if f"{float(number):.4g}" in known}


@pytest.mark.parametrize("stem", FUNCTIONS)
def test_no_message_tells_a_hidden_number(a1: Assignment, stem: str) -> None:
    exercise = a1.exercises[f"pose.{stem}"]
    seeds, drawn = SeedSource(b"a secret that nobody may learn", "a submission"), dict[str, Prepared]()
    wrong = {
        **trivial(stem),
        "near": lambda *args, **kwargs: exercise.reference(*args, **kwargs) * 1.01,
        "lean": lambda *args, **kwargs: exercise.reference(*args, **kwargs) + 3e-6,
    }
    texts = 0
    for answer in wrong.values():
        for case in CheckSession(exercise, seeds, 30.0, prepared=drawn).run(LocalExchange(answer, {})).cases:
            plan, expected = drawn[case.name]
            hidden = [*plan.tensors.values(), *(target.value for target in expected.targets.values())]
            assert told(case.text, hidden) == set(), (case.name, case.text)
            texts += bool(case.text)
    assert texts > 100
    assert told("expected 12.34 here", [torch.tensor([12.341])]) == {"12.34"}


def test_a_trivial_kernel_earns_nothing(judged: Callable[..., Any]) -> None:
    pytest.importorskip("triton")
    import trivial_kernels

    for kernel in (trivial_kernels.nothing, trivial_kernels.zeros, trivial_kernels.middle, trivial_kernels.first_numbers):
        exercise, record = judged("soft_argmax_kernel", kernel, grid=lambda maps: (maps,))
        assert score(exercise, record).earned == 0.0, kernel
        assert Verdict.GRADER_ERROR not in {case.verdict for case in record.cases}


def learnt_by_heart(exercise: Exercise) -> Callable[..., Any]:
    """Every public case's answer, as anybody can read it in the release, and zeros otherwise."""
    known: list[tuple[list[Any], dict[str, Any], Tensor]] = []
    for case in exercise.cases():
        if case.public:
            inputs = case.inputs(exercise.public_seed(case))
            value = exercise.reference(*inputs.args, **inputs.kwargs)
            known.append((list(inputs.args), dict(inputs.kwargs), value))

    def equal(one: Any, other: Any) -> bool:
        if isinstance(one, Tensor):
            return one.shape == other.shape and torch.equal(one.detach().double().nan_to_num(), other.double().nan_to_num())
        return one == other

    def answer(*args: Any, **kwargs: Any) -> Tensor:
        for known_args, known_kwargs, value in known:
            if all(map(equal, args, known_args)) and kwargs == known_kwargs:
                return value.to(args[0].dtype) + 0 * args[0].nan_to_num(0, 0, 0).sum()
        return torch.zeros(shape_of(exercise.file_stem, args[0]), dtype=args[0].dtype)

    return answer


@pytest.mark.parametrize("stem", FUNCTIONS)
def test_public_cases_learnt_by_heart_earn_nothing(judged: Callable[..., Any], a1: Assignment, stem: str) -> None:
    exercise = a1.exercises[f"pose.{stem}"]
    answer = learnt_by_heart(exercise)
    # at home it is right everywhere.
    for case in exercise.cases():
        if case.public:
            inputs = case.inputs(exercise.public_seed(case))
            sent = [
                value.to(case.torch_dtype) if isinstance(value, Tensor) and value.is_floating_point() else value for value in inputs.args
            ]
            right = exercise.reference(*inputs.args, **inputs.kwargs)
            assert torch.allclose(answer(*sent, **inputs.kwargs).double(), right, rtol=1e-5, atol=1e-5), case.name
    _, record = judged(stem, answer)
    assert score(exercise, record).earned == 0.0


def test_cases_with_fixed_inputs_are_right_by_heart_and_paid_nothing(judged: Callable[..., Any], a1: Assignment) -> None:
    exercise = a1.exercises["pose.norm_to_pixel"]
    _, record = judged("norm_to_pixel", learnt_by_heart(exercise))
    right = [case for case in record.cases if case.verdict is Verdict.OK and case.family is Family.VALUE]
    assert right and all(case.public and "corners" in case.name for case in right)
    value = next(family for family in score(exercise, record).families if family.family is Family.VALUE)
    assert value.gated and value.passed == len(right) and value.earned == 0.0
