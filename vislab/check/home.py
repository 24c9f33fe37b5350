"""A check at home: run the recorded public cases and say what is wrong."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from vislab.check.behaviour import asked, judge_predictions
from vislab.check.budget import silent
from vislab.check.calls import Answer, carry_out
from vislab.check.compare import compare
from vislab.check.examine import examine, examine_failure
from vislab.check.failures import CallFailed, failure_class, raised_as_asked
from vislab.check.kernels import TritonMissing
from vislab.check.model import MODEL_KIND, check_model_at_home
from vislab.check.public_cases import PublicCase, cases_path, read_cases
from vislab.check.report import Report, Row
from vislab.check.shipped import load_shipped
from vislab.check.suite import SUITE_KIND, check_suite_at_home
from vislab.check.verdict import Verdict

_PACKAGE = str(Path(__file__).resolve().parent.parent)


def check_at_home(exercise: str, answer: Any, extras: dict[str, Any]) -> Report:
    """Run the public cases of ``exercise`` on ``answer``.

    Raises:
        CasesMissing, CasesInvalid: no usable ``cases.h5``.
        TritonMissing: a kernel exercise where Triton kernels cannot run.
    """
    cases, hidden = read_cases(cases_path(), exercise)
    if cases and cases[0].plan["probe"] == SUITE_KIND:
        return Report(exercise, check_suite_at_home(cases, answer, extras), hidden)
    if cases and cases[0].plan["probe"] == MODEL_KIND:
        return Report(exercise, check_model_at_home(cases, answer), hidden)
    return Report(exercise, [_row(case, answer, extras) for case in cases], hidden)


def _row(case: PublicCase, answer: Any, extras: dict[str, Any]) -> Row:
    try:
        given = carry_out(case.plan, case.tensors, answer, extras)
    except CallFailed as failure:
        if isinstance(failure.original, TritonMissing):
            raise failure.original from None
        name = failure_class(failure.original)
        if case.raises is not None and raised_as_asked(name, case.raises):
            return Row(case.name, case.family, Verdict.OK)
        finding = examine_failure(failure.stage, name)
        # at home the student may see everything: the message and the line of their own code.
        detail = "" if finding.verdict is Verdict.NOT_ATTEMPTED else _where(failure.original)
        return Row(case.name, case.family, finding.verdict, finding.text + detail)
    if case.raises is not None:
        return Row(case.name, case.family, Verdict.WRONG_VALUE, f"the call must raise {case.raises}, and returned")
    if given.observed["forbidden"]:
        names = ", ".join(given.observed["forbidden"])
        return Row(case.name, case.family, Verdict.RULE, f"uses {names}, which this exercise asks you to write yourself")
    if given.observed["mutated"]:
        return Row(case.name, case.family, Verdict.MUTATED_INPUT, f"changes its input number {given.observed['mutated'][0] + 1} in place")
    if given.observed["rng_moved"]:
        return Row(case.name, case.family, Verdict.MUTATED_INPUT, "draws from a global random generator; whatever is random is handed in")
    if given.observed.get("switched"):
        net = given.observed["switched"][0]
        text = f"leaves {net} in another mode than it found it (train or eval, or requires_grad of its parameters)"
        return Row(case.name, case.family, Verdict.MUTATED_INPUT, text)
    if case.plan["probe"] == "behaviour":
        return _trained(case, given)
    fault = examine(case.plan, given.outputs, given.gradients, given.tensors, case.targets, case.tensors)
    if fault is None:
        return Row(case.name, case.family, Verdict.OK)
    return Row(case.name, case.family, fault.verdict, fault.text + _numbers(case, given))


def _trained(case: PublicCase, given: Answer) -> Row:
    spec = case.plan["behaviour"]
    withheld = [case.targets[name].value for name in sorted(case.targets, key=lambda name: int(name.split(".")[1]))]
    fault, value = judge_predictions(case.plan, given.outputs, given.tensors, load_shipped(spec["metric"]), withheld)
    taken = given.observed["steps"]
    if not silent() and value is not None:
        print(f"{case.name}: {spec['unit']} {value:.4g} (expected {asked(spec)}), {taken} of {spec['steps']} steps")
    if fault is not None:
        return Row(case.name, case.family, fault.verdict, fault.text)
    if taken > spec["steps"]:
        return Row(case.name, case.family, Verdict.RULE, f"takes {taken} optimiser steps, and the budget is {spec['steps']}")
    return Row(case.name, case.family, Verdict.OK)


def _numbers(case: PublicCase, given: Answer) -> str:
    # one number is said quicker than drawn; the case is public, so nothing is given away.
    target, got = case.targets.get("out.0"), given.tensors.get("out.0")
    if target is None or got is None or target.value.ndim or got.ndim or compare(got, target) is None:
        return ""
    return f"; yours is {float(got):.6g}, expected {float(target.value):.6g}"


def _where(error: BaseException) -> str:
    # Triton's interpreter wraps what a kernel raises, and prints it as code.
    if type(error).__name__ == "InterpreterError" and error.__cause__ is not None:
        error = error.__cause__
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_PACKAGE)]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    place = f" (line {own[-1].lineno} of {own[-1].name}: {own[-1].line})" if own and own[-1].line else ""
    text = str(error).splitlines()[0][:200] if str(error) else ""
    return f": {text}{place}" if text else place
