"""Files of weights: right ones earn by two bars, every damaged or hostile one has a definite verdict that says what is wrong."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.model import judge_model
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score
from vislab.check.verdict import Family, Verdict
from vislab.wire.frames import Message
from vislab.wire.limits import WireClosed

Judged = Callable[[bytes | None], CheckRecord]


def pickled() -> bytes:
    buffer = io.BytesIO()
    torch.save({"stem.0.weight": torch.zeros(1)}, buffer)
    return buffer.getvalue()


def with_header(header: str | bytes, data: bytes = b"") -> bytes:
    raw = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(raw)) + raw + data


def entry(name: str, size: int = 4) -> str:
    return f'"{name}": {{"dtype": "F32", "shape": [{size // 4}], "data_offsets": [0, {size}]}}'


def test_good_weights_reach_both_bars(judged: Judged, exercise: Exercise, good: bytes) -> None:
    scored = score(exercise, judged(good))
    assert scored.verdict is Verdict.OK and scored.earned == 4.0


def test_each_bar_has_its_points(judged: Judged, exercise: Exercise, seeds: SeedSource, good: bytes) -> None:
    """Half of the images are answered as if they were upside down: above the simple bar, below the strong one."""
    from autograder.judge.model import local_model

    @contextmanager
    def clumsy(content: bytes) -> Iterator[Any]:
        with local_model(content) as ask:

            def exchange(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], timeout_s: float) -> Message:
                message = ask(header, tensors, timeout_s)
                message.tensors["out.0"][::4] = message.tensors["out.0"][::4].roll(4, dims=-1)
                return message

            yield exchange

    record = judge_model(exercise, seeds, good, clumsy)
    earned = {family.family: family.earned for family in score(exercise, record).families}
    assert earned == {Family.VALUE: 2.0, Family.BEHAVIOUR: 0.0}
    (text,) = [case.text for case in record.cases if case.verdict is not Verdict.OK]
    assert text == "keypoints_within is 0.750; 0.9 is needed"


def test_no_file_is_not_attempted(judged: Judged, exercise: Exercise) -> None:
    record = judged(None)
    assert score(exercise, record).verdict is Verdict.NOT_ATTEMPTED
    assert record.cases[0].text == "no file spot.safetensors was handed in"


DAMAGED: dict[str, tuple[Callable[[bytes], bytes], Verdict, str]] = {
    "pickle": (lambda good: pickled(), Verdict.WRONG_TYPE, "the file holds a pickle, which is never opened"),
    "old pickle": (lambda good: b"\x80\x02}q\x00.", Verdict.WRONG_TYPE, "the file holds a pickle"),
    "empty": (lambda good: b"", Verdict.WRONG_TYPE, "the file is empty"),
    "text": (lambda good: b"weights, honestly", Verdict.WRONG_TYPE, "no whole and valid safetensors file"),
    "cut in its header": (lambda good: good[:40], Verdict.WRONG_TYPE, "no whole and valid safetensors file"),
    "cut in its data": (lambda good: good[:-4], Verdict.WRONG_TYPE, "no whole and valid safetensors file"),
    "bytes behind its data": (lambda good: good + b"\0" * 8, Verdict.WRONG_TYPE, "no whole and valid safetensors file"),
    "too large": (lambda good: good + b"\0" * (1 << 20), Verdict.OUTPUT_LIMIT, "at most 1 MiB are taken"),
    "a name twice": (
        lambda good: with_header(f"{{{entry('head.bias')}, {entry('head.bias')}}}", b"\0" * 4),
        Verdict.WRONG_TYPE,
        "no whole and valid safetensors file",
    ),
    "a header of exabytes": (lambda good: b"\xff" * 8 + good[8:], Verdict.WRONG_TYPE, "no whole and valid safetensors file"),
    "a tower of brackets": (lambda good: with_header("[" * 200_000), Verdict.WRONG_TYPE, "no whole and valid safetensors file"),
    "five thousand tensors": (
        lambda good: with_header("{" + ", ".join(entry(f"t{i}") for i in range(5000)) + "}", b"\0" * 4),
        Verdict.OUTPUT_LIMIT,
        "its number of tensors",
    ),
    "a shape of exabytes": (
        lambda good: with_header('{"head.bias": {"dtype": "F32", "shape": [1152921504606846976], "data_offsets": [0, 4]}}', b"\0" * 4),
        Verdict.WRONG_TYPE,
        "no whole and valid safetensors file",
    ),
    "overlapping data": (
        lambda good: with_header(f"{{{entry('head.bias')}, {entry('head.weight')}}}", b"\0" * 4),
        Verdict.WRONG_TYPE,
        "no whole and valid safetensors file",
    ),
    "a foreign dtype": (
        lambda good: with_header('{"head.bias": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}}', b"\0" * 8),
        Verdict.WRONG_TYPE,
        "no whole and valid safetensors file",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_has_a_definite_verdict(judged: Judged, exercise: Exercise, good: bytes, name: str) -> None:
    damage, verdict, text = DAMAGED[name]
    record = judged(damage(good))
    scored = score(exercise, record)
    assert scored.verdict is verdict and scored.earned == 0.0
    assert all(text in case.text for case in record.cases), record.cases[0].text


@pytest.mark.parametrize(
    ("replaced", "verdict", "text"),
    [
        ({"head__bias": None}, Verdict.WRONG_TYPE, "the file lacks head.bias; hand in the state dict"),
        ({"head__scale": torch.zeros(1)}, Verdict.WRONG_TYPE, "the file holds 1 tensors of names that the model does not have"),
        ({"head__bias": torch.zeros(2)}, Verdict.WRONG_SHAPE, "head.bias has shape [2], the model's has [1]"),
        ({"head__bias": torch.zeros(1, dtype=torch.float64)}, Verdict.WRONG_DTYPE, "head.bias has dtype float64, the model's has float32"),
        ({"head__bias": torch.tensor([float("nan")])}, Verdict.NOT_FINITE, "head.bias holds NaN or infinite weights"),
        ({"head__bias": torch.tensor([float("-inf")])}, Verdict.NOT_FINITE, "head.bias holds NaN or infinite weights"),
        ({"head__weight": torch.full((1, 8, 1, 1), 3e38)}, Verdict.NOT_FINITE, "the model's answer holds NaN or infinite values"),
    ],
)
def test_weights_that_the_model_cannot_have(
    judged: Judged, exercise: Exercise, changed: Callable[..., bytes], replaced: dict, verdict: Verdict, text: str
) -> None:
    record = judged(changed(**replaced))
    assert score(exercise, record).verdict is verdict and score(exercise, record).earned == 0.0
    assert text in record.cases[0].text


def test_a_name_from_the_file_is_not_repeated(judged: Judged, changed: Callable[..., bytes]) -> None:
    record = judged(changed(**{"<script>alert(1)</script>\x1b[31m": torch.zeros(1)}))
    assert "script" not in record.cases[0].text and "\x1b" not in record.cases[0].text


def test_metadata_beside_the_tensors_does_no_harm(judged: Judged, exercise: Exercise, good: bytes) -> None:
    (length,) = struct.unpack("<Q", good[:8])
    header = {"__metadata__": {"format": "pt"}, **json.loads(good[8 : 8 + length])}
    assert score(exercise, judged(with_header(json.dumps(header), good[8 + length :]))).earned == 4.0


@pytest.mark.parametrize(
    ("raised", "verdict"), [(WireClosed("gone"), Verdict.RUNTIME_ERROR), (TimeoutError("late"), Verdict.TIME_LIMIT)], ids=["dies", "hangs"]
)
def test_a_process_that_is_lost_twice_is_the_weights_doing(
    exercise: Exercise, seeds: SeedSource, raised: Exception, verdict: Verdict
) -> None:
    opened = []

    @contextmanager
    def lost(content: bytes) -> Iterator[Any]:
        opened.append(content)

        def exchange(*told: object) -> Message:
            raise raised

        yield exchange

    assert score(exercise, judge_model(exercise, seeds, b"weights", lost)).verdict is verdict
    assert len(opened) == 2


def test_a_process_that_is_lost_once_costs_nothing(exercise: Exercise, seeds: SeedSource, good: bytes) -> None:
    from autograder.judge.model import local_model

    left = [1]

    @contextmanager
    def shaky(content: bytes) -> Iterator[Any]:
        with local_model(content) as ask:

            def exchange(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], timeout_s: float) -> Message:
                if header["id"] == 2 and left:
                    left.pop()
                    raise WireClosed("gone")
                return ask(header, tensors, timeout_s)

            yield exchange

    assert score(exercise, judge_model(exercise, seeds, good, shaky)).earned == 4.0


@pytest.mark.parametrize(
    "reply",
    [
        {"type": "refused", "verdict": "OK", "text": ""},
        {"type": "refused", "verdict": "GRADER_ERROR", "text": "x"},
        {"type": "refused", "verdict": "WRONG_TYPE", "text": 7},
        {"type": "answer", "id": 99},
    ],
)
def test_a_process_that_was_taken_over_gains_nothing(exercise: Exercise, seeds: SeedSource, reply: dict) -> None:
    @contextmanager
    def liar(content: bytes) -> Iterator[Any]:
        yield lambda header, tensors, timeout_s: Message({"id": header["id"], **reply})

    scored = score(exercise, judge_model(exercise, seeds, b"weights", liar))
    assert scored.verdict is Verdict.RUNTIME_ERROR and scored.earned == 0.0


def test_the_model_s_process_is_told_neither_targets_nor_bars(exercise: Exercise, seeds: SeedSource, good: bytes) -> None:
    from autograder.judge.model import local_model

    heard: list[tuple[set[str], set[str]]] = []

    @contextmanager
    def listening(content: bytes) -> Iterator[Any]:
        with local_model(content) as ask:

            def exchange(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], timeout_s: float) -> Message:
                heard.append((set(header), set(tensors)))
                return ask(header, tensors, timeout_s)

            yield exchange

    judge_model(exercise, seeds, good, listening)
    assert heard and all(each == ({"type", "id", "probe", "architecture", "init", "size_mib"}, {"in.0"}) for each in heard)
