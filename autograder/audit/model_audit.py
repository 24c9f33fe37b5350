"""Audit one model exercise: the accepted weights reach both bars, all others lose points, and without a file there is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from safetensors.torch import save

from autograder.audit.answers import Answer, AnswerError, CheckCall, load_answer
from autograder.audit.row import ExerciseAudit, audit_shipped, opened
from autograder.exercise.exercise import Exercise
from autograder.judge.model import judge_model, local_model
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score

WEIGHTS = "weights"


def audit_model(exercise: Exercise, mutants: Sequence[Answer], accepted: Sequence[Answer], secrets: int) -> ExerciseAudit:
    """Audit one model exercise.

    Args:
        exercise: audited.
        mutants, accepted: files that define ``weights()``, which returns a state dict, or the bytes of a file. The first accepted one
            stands for the lesson's solution, which trains and is not run here.
        secrets: over how many course secrets, since images are redrawn for every submission.
    """
    row, sources = opened(exercise, mutants, accepted, secrets)

    def judged(content: bytes | None) -> list[CheckRecord]:
        return [judge_model(exercise, seeds, content, local_model) for seeds in sources]

    row.stub_score = max(score(exercise, record).earned for record in judged(None))
    few = f"wrong weights are shipped in mutants/{exercise.file_stem}"
    audit_shipped(exercise, lambda answer: judged(weights_file(answer)), mutants, accepted, row, few, "accepted weights")
    row.solution_full = row.accepted_kept == row.accepted > 0
    return row


def weights_file(answer: Answer) -> bytes:
    """Return the file that an author's ``weights()`` stands for.

    Raises:
        AnswerError: it returns neither a state dict nor bytes.
    """
    made = load_answer(answer, CheckCall(WEIGHTS, {}))[0]()
    if isinstance(made, bytes):
        return made
    if isinstance(made, Mapping) and all(isinstance(value, torch.Tensor) for value in made.values()):
        return save({name: value.detach().contiguous().clone() for name, value in made.items()})
    raise AnswerError(f"{answer.path}: weights() must return a state dict or the bytes of a file, not {type(made).__name__}")
