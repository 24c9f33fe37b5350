"""Compare one answered tensor with what was expected: shape, dtype, finiteness, error and bias, in this order."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vislab.check.verdict import Verdict


@dataclass(frozen=True)
class Target:
    """One expected tensor.

    Args:
        value: float64 (or integer, boolean) reference.
        dtype: dtype that the answer must have.
        atol: largest allowed absolute error of one element, in the value's own unit.
        bias: largest allowed absolute mean signed error.
    """

    value: torch.Tensor
    dtype: torch.dtype
    atol: float
    bias: float


@dataclass(frozen=True)
class Finding:
    """What is wrong with an answer.

    Args:
        verdict: never ``OK``.
        text: what was expected and what came, in words and shapes; holds no hidden value.
        diagnosable: whether the values have the right form, so that looking for a common wrong term makes sense.
        share: of the case's points that are earned all the same, below 1.
    """

    verdict: Verdict
    text: str
    diagnosable: bool = False
    share: float = 0.0


def compare(got: torch.Tensor, target: Target, *, gradient: bool = False) -> Finding | None:
    """Return the first fault of ``got``, or None.

    Args:
        got: the answer as it came, any dtype.
        target: what was expected.
        gradient: whether a gradient is compared; a wrong value is then ``WRONG_GRADIENT``.

    Convention: ``got`` is never broadcast. NaN and infinities match only NaN and infinities of the same sign in the same places.
    """
    expected, atol, bias = target.value, target.atol, target.bias
    what = "gradient" if gradient else "answer"
    wrong = Verdict.WRONG_GRADIENT if gradient else Verdict.WRONG_VALUE
    if tuple(got.shape) != tuple(expected.shape):
        return Finding(Verdict.WRONG_SHAPE, f"{what} has shape {list(got.shape)}, expected {list(expected.shape)}")
    if got.dtype != target.dtype:
        return Finding(Verdict.WRONG_DTYPE, f"{what} has dtype {_name(got.dtype)}, expected {_name(target.dtype)}")
    if not expected.is_floating_point():
        differing = int((got != expected).sum())
        if differing:
            return Finding(wrong, f"{differing} of {expected.numel()} elements of the {what} differ", diagnosable=True)
        return None
    # float64 holds every float16, bfloat16 and float32 exactly.
    values = got.detach().to(torch.float64)
    finite = torch.isfinite(expected)
    if not bool(torch.isfinite(values)[finite].all()):
        count = int((~torch.isfinite(values))[finite].sum())
        return Finding(Verdict.NOT_FINITE, f"{count} of {expected.numel()} elements of the {what} are NaN or infinite")
    odd, odd_expected = values[~finite], expected[~finite]
    same = (odd == odd_expected) | (torch.isnan(odd) & torch.isnan(odd_expected))
    if not bool(same.all()):
        return Finding(wrong, f"{int((~same).sum())} elements of the {what} must be NaN or infinite and are not")
    error = (values - expected)[finite]
    if error.numel() == 0:
        return None
    largest = float(error.abs().max())
    # written so that a NaN error fails.
    if not largest <= atol:
        return Finding(wrong, "max error {} (allowed {})".format(*_apart(largest, atol)), diagnosable=True)
    mean = float(error.mean())
    if not abs(mean) <= bias:
        lean, allowed = _apart(abs(mean), bias)
        side = "too small" if mean < 0 else "too large"
        text = f"no element is off by more than {_rounded(atol, 2)}, but together they are {side}: mean error {lean} (allowed {allowed})"
        return Finding(wrong, text, diagnosable=True)
    return None


def _apart(found: float, allowed: float) -> tuple[str, str]:
    # a near miss must not read "max error 0.0001 (allowed 0.0001)".
    for digits in range(2, 18):
        texts = _rounded(found, digits), _rounded(allowed, digits)
        if texts[0] != texts[1]:
            break
    return texts


def _rounded(value: float, digits: int) -> str:
    # "300" and not "3e+02".
    return f"{float(f'{value:.{digits}g}'):.{max(digits, 6)}g}"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
