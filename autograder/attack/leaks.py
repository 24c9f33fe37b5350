"""Search what a sandbox wrote, and what a student is shown, for things that neither may hold."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

import torch

from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import expect
from autograder.exercise.seeds import SeedSource

# four numbers in a row are no chance hit, in any float format.
NUMBERS_MIN = 4


def forms(value: bytes) -> tuple[bytes, ...]:
    """Return the spellings under which a canary is looked for."""
    return (value, base64.b64encode(value).rstrip(b"="), value.hex().encode())


def seeds_of(exercises: Mapping[str, Exercise], seeds: SeedSource) -> Iterator[tuple[str, bytes]]:
    """Yield the seed of every case of a submission, raw and in hexadecimal."""
    for name, exercise in exercises.items():
        for case in exercise.cases():
            seed = seeds.case_seed(name, case.name)
            yield f"seed of {name}, {case.name}", seed
            yield f"seed of {name}, {case.name}", seed.hex().encode()


def outputs_of(exercise: Exercise, seeds: SeedSource) -> Iterator[tuple[str, bytes]]:
    """Yield what the reference answers in every hidden case, as bytes of float32 and float64 and as digits.

    Args:
        exercise: one that the submission answers wrongly; the outputs of a right answer are its own.
        seeds: of the submission.
    """
    for case in exercise.cases():
        if case.public or case.raises is not None:
            continue
        inputs = case.inputs(seeds.case_seed(exercise.name, case.name))
        expected = expect(exercise, case, inputs, seeds.cotangent_seed(exercise.name, case.name))
        for name, target in expected.targets.items():
            values = target.value.detach().flatten()
            # zeros and equal numbers stand in many files.
            if values.numel() < NUMBERS_MIN or len(set(values[:NUMBERS_MIN].tolist())) < NUMBERS_MIN:
                continue
            what = f"reference output {name} of {exercise.name}, {case.name}"
            for dtype in (torch.float32, torch.float64):
                few = values[:NUMBERS_MIN].to(dtype)
                yield what, few.numpy().tobytes()
                yield what, ", ".join(map(repr, few.tolist())).encode()


def found(haystacks: Mapping[str, bytes], needles: Mapping[str, tuple[bytes, ...]]) -> list[str]:
    """Return a sentence for each needle that lies in a haystack."""
    return [
        f"{what} in {where}"
        for where, hay in haystacks.items()
        for what, spellings in needles.items()
        if any(one in hay for one in spellings)
    ]
