"""An exercise: one function, kernel or module a student writes, with a contract."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch

from autograder.exercise.behaviour import FIRST_OPTIMISER_S, WALL_PER_CPU, BehaviourProbe, refuse_telling
from autograder.exercise.case import Case, Inputs
from autograder.exercise.model import model_faults
from autograder.exercise.probe import FunctionProbe, KernelProbe, Launch, ModuleProbe, Probe
from autograder.exercise.shipped import ship
from autograder.exercise.step import Setup, StepProbe
from autograder.exercise.step_plan import validated
from autograder.exercise.suite import suite_faults
from vislab.check.verdict import OBSERVED_FAMILIES, OBSERVED_SHARE_MAX, Family

_NAME = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9_]*")


class ExerciseError(ValueError):
    """An exercise whose definition breaks a rule of the house."""


class Exercise:
    """Base of all exercises; an assignment's module holds one small subclass per exercise.

    Class attributes:
        name: ``topic.exercise``, as in the lesson's cell options.
        title: what the student reads in tables.
        symbol: name of the function, module class or kernel that the student defines.
        points: family to points. Observed families (purity, rule) hold at most 10 % of the sum.
        bonus: points come on top of the assignment's maximum.
        probe: how inputs become a call.
        forbidden: operations the student may not use, as dotted names of public functions (``torch.argmax``) or
            as overload-packet names of the dispatcher (``aten::argmax``). Traced at run time; observed evidence.
        tripwires: dotted names of ready solutions (``vislab.ops.soft_argmax.op.soft_argmax``) replaced by a raising stub while the
            cases run.
        tolerance_factor: how many times the reference's own error in the student's dtype is allowed.
        diagnoses: name of a common wrong answer ("the arg-max") to a function with the reference's signature. It names the first output
            that is wrong, where it equals the answer up to and including this one.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    symbol: ClassVar[str]
    points: ClassVar[Mapping[Family | str, float]]
    bonus: ClassVar[bool] = False
    probe: ClassVar[Probe] = FunctionProbe()
    forbidden: ClassVar[Sequence[str]] = ()
    tripwires: ClassVar[Sequence[str]] = ()
    tolerance_factor: ClassVar[float] = 16.0
    diagnoses: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    # of a test-suite exercise: what students' tests are run on, found when its assignment is loaded.
    implementations: Any = None

    def reference(self, *args: Any, **kwargs: Any) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """The right answer: plain, float64 in and out, differentiable by autograd where the exercise grades gradients.

        A module exercise takes the state dict as ``weights=`` and the constructor's arguments by name. A step exercise has the student's
        own signature and changes the nets that it is given.
        """
        raise NotImplementedError

    def oracle(self, *args: Any, **kwargs: Any) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """The same answer from an independent source (a library, a closed form, a double loop); same signature.

        Returns ``NotImplemented`` for inputs the oracle does not cover; it must cover at least one case.
        """
        return NotImplemented

    def cases(self) -> Sequence[Case]:
        """All cases, public and hidden, in the order in which they are run."""
        raise NotImplementedError

    def launch(self, inputs: Inputs) -> Launch:
        """Kernel probe only: how the inputs become one launch."""
        raise NotImplementedError

    def setup(self, inputs: Inputs) -> Setup:
        """Step probe only: the nets and optimisers that the step gets. May read ``inputs.init`` (a learning rate, say) and nothing else."""
        raise NotImplementedError

    def baseline(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Behaviour probe only: predictions by somebody who learns nothing, such as the mean of the training targets.

        Their shape, and for whole numbers their dtype, are what the student's predictions must have.
        """
        raise NotImplementedError

    @property
    def training_s(self) -> float:
        """CPU seconds that the check of this exercise may take beside the submission's own."""
        return len(self.cases()) * self.probe.allowance_s if isinstance(self.probe, BehaviourProbe) else 0.0

    @property
    def extra_wall_s(self) -> float:
        """Wall seconds that the check of this exercise may take beside a cell's own."""
        # loading torch's compiler is paid once in a check.
        return WALL_PER_CPU * self.training_s + (FIRST_OPTIMISER_S if isinstance(self.probe, StepProbe | BehaviourProbe) else 0.0)

    def shown_sources(self) -> list[str]:
        """Return the parts of the exercise's own module that travel to the students on purpose."""
        if isinstance(self.probe, BehaviourProbe):
            return [ship(self.probe.metric)["source"]]
        if not isinstance(self.probe, StepProbe):
            return []
        setup = self.setup(self.cases()[0].inputs(self.public_seed(self.cases()[0])))
        return [ship(net.architecture)["source"] for net in setup.nets.values()]

    @property
    def points_by_family(self) -> dict[Family, float]:
        return {Family(family): float(points) for family, points in self.points.items()}

    @property
    def points_total(self) -> float:
        return sum(self.points_by_family.values())

    @property
    def file_stem(self) -> str:
        """Name of the exercise's folders of mutants and accepted answers: the part after the dot."""
        return self.name.split(".")[1]

    def validate(self) -> None:
        """Refuse a definition that breaks a rule of the house.

        Raises:
            ExerciseError: naming the exercise, the value, the rule and the remedy.
        """
        who = f"exercise {getattr(self, 'name', type(self).__name__)!r}"
        for attribute in ("name", "title", "symbol", "points"):
            if not getattr(self, attribute, None):
                raise ExerciseError(f"{who}: class attribute {attribute!r} is missing; set it")
        if not _NAME.fullmatch(self.name):
            raise ExerciseError(f"{who}: a name must read topic.exercise in lower case, digits and underscores")
        if not self.symbol.isidentifier():
            raise ExerciseError(f"{who}: symbol {self.symbol!r} must be the Python name that the student defines")
        if not self.tolerance_factor > 0:
            raise ExerciseError(f"{who}: tolerance_factor {self.tolerance_factor!r} must be greater than 0")
        self._validate_points(who)
        self._validate_cases(who, list(self.cases()))

    def _validate_points(self, who: str) -> None:
        known = {str(family) for family in Family}
        for family, points in self.points.items():
            if str(family) not in known:
                raise ExerciseError(f"{who}: points name the family {str(family)!r}; the families are {', '.join(Family)}")
            # written so that NaN fails.
            if not 0 < points < float("inf"):
                raise ExerciseError(f"{who}: family {family} carries {points!r} points; give it more than 0, or leave it out")
        observed = sum(points for family, points in self.points_by_family.items() if family in OBSERVED_FAMILIES)
        if observed > OBSERVED_SHARE_MAX * self.points_total + 1e-9:
            raise ExerciseError(
                f"{who}: observed families carry {observed:g} of {self.points_total:g} points;"
                f" at most {OBSERVED_SHARE_MAX:.0%} is allowed, because a student's process reports them"
            )

    def _validate_cases(self, who: str, cases: list[Case]) -> None:
        names = [case.name for case in cases]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise ExerciseError(f"{who}: case names {doubles} occur twice; case names must be unique")
        present = {case.family for case in cases}
        paid = {family for family in self.points_by_family if family not in OBSERVED_FAMILIES}
        if paid - present:
            raise ExerciseError(f"{who}: families {_listed(paid - present)} have points but no case; add one, or drop the points")
        if present - paid:
            raise ExerciseError(f"{who}: families {_listed(present - paid)} have cases but no points; give them points")
        main = {Family.VALUE, Family.BEHAVIOUR}
        if not main & paid:
            raise ExerciseError(f"{who}: a value or behaviour family is needed; the other families count only beside it")
        public = [case for case in cases if case.public]
        # each public case of a training trains a model at home.
        least = 1 if isinstance(self.probe, BehaviourProbe) else 3
        if not least <= len(public) <= 5:
            raise ExerciseError(f"{who}: {len(public)} public cases; a check shows {least} to 5")
        if all(case.public for case in cases if case.family in main):
            raise ExerciseError(f"{who}: every value case is public; at least one must be hidden")
        if isinstance(self.probe, KernelProbe) and any(case.wants_gradient for case in cases):
            raise ExerciseError(f"{who}: a kernel launch has no gradient of its own; make the backward kernel an exercise")
        if not isinstance(self.probe, ModuleProbe) and any(case.wrt_weights for case in cases):
            raise ExerciseError(f"{who}: wrt_weights asks for the gradients of given weights; only a module exercise has them")
        if isinstance(self.probe, StepProbe):
            self._validate_steps(who, cases)
        families = list(self.points_by_family)
        if fault := suite_faults(self.probe, cases, families) or model_faults(self.probe, cases, families):
            raise ExerciseError(f"{who}: {fault}")
        if isinstance(self.probe, BehaviourProbe):
            self._validate_behaviour(who, cases, self.probe)

    def _validate_steps(self, who: str, cases: list[Case]) -> None:
        if any(case.wants_gradient for case in cases):
            raise ExerciseError(f"{who}: a step has no cotangents; its gradients show in the parameters, or by Net(gradients='step')")
        try:
            validated(self.setup, cases, self.public_seed)
        except ValueError as error:
            raise ExerciseError(f"{who}: {error}") from error

    def _validate_behaviour(self, who: str, cases: list[Case], probe: BehaviourProbe) -> None:
        if others := {case.family for case in cases} - {Family.BEHAVIOUR}:
            raise ExerciseError(f"{who}: cases of family {_listed(others)}; a training is judged by what it predicts, family behaviour")
        if any(case.raises is not None for case in cases):
            raise ExerciseError(f"{who}: a training does not raise; give the exception an exercise of its own")
        # one case is drawn, and not all: the data of a training may be large.
        case = cases[0]
        inputs = case.inputs(self.public_seed(case))
        try:
            refuse_telling(inputs.withheld, inputs.args)
            guess = self.baseline(*inputs.args, **inputs.kwargs)
            probe.header(guess, case.torch_dtype)
            share = probe.share(guess, inputs.withheld)
        except ValueError as error:
            raise ExerciseError(f"{who}: case {case.name!r}: {error}") from error
        if share > 0:
            raise ExerciseError(f"{who}: the baseline earns {share:.0%} of the points; narrow the bands, or raise the step budget")

    def public_seed(self, case: Case) -> bytes:
        """Fixed seed of a public case: the same in every release."""
        return hashlib.sha256(f"vislab public case\0{self.name}\0{case.name}".encode()).digest()


def _listed(families: set[Family]) -> str:
    return ", ".join(sorted(families))
