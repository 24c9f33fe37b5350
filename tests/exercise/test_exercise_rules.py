"""Every rule of ``Exercise.validate``: a definition that breaks it is refused in words that name the remedy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from toy_exercises import Head, RowSums, SquareSum, noise

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise, ExerciseError
from autograder.exercise.probe import KernelProbe


def changed(base: type[Exercise] = SquareSum, **attributes: Any) -> Exercise:
    return type("Changed", (base,), attributes)()


def with_cases(*cases: Case, base: type[Exercise] = SquareSum, **attributes: Any) -> Exercise:
    return changed(base, cases=lambda self: list(cases), **attributes)


def case(name: str, family: str = "value", **more: Any) -> Case:
    return Case(name, family, noise(2, 3), **more)


VALUE = {"value": 1.0}
THREE = [case("a", public=True), case("b", public=True), case("c", public=True)]


@pytest.mark.parametrize("exercise", [SquareSum(), Head(), RowSums()], ids=lambda e: e.name)
def test_a_sound_definition_passes(exercise: Exercise) -> None:
    exercise.validate()


@pytest.mark.parametrize(
    ("exercise", "text"),
    [
        (changed(name=""), "exercise '': class attribute 'name' is missing; set it"),
        (changed(title=""), "class attribute 'title' is missing; set it"),
        (changed(symbol=None), "class attribute 'symbol' is missing; set it"),
        (changed(points={}), "class attribute 'points' is missing; set it"),
        (changed(name="square_sum"), "a name must read topic.exercise in lower case, digits and underscores"),
        (changed(name="Toy.square"), "a name must read topic.exercise"),
        (changed(name="toy.square-sum"), "a name must read topic.exercise"),
        (changed(name="toy.square.sum"), "a name must read topic.exercise"),
        (changed(name="my_toy.square"), "a name must read topic.exercise"),
        (changed(name="toy.square\n"), "a name must read topic.exercise"),
        (changed(symbol="square sum"), "symbol 'square sum' must be the Python name that the student defines"),
        (changed(tolerance_factor=0), "tolerance_factor 0 must be greater than 0"),
        (changed(tolerance_factor=float("nan")), "tolerance_factor nan must be greater than 0"),
        (changed(points={"valeu": 1.0}), "points name the family 'valeu'; the families are value, gradient, stability"),
        (changed(points={"value": 0}), "family value carries 0 points; give it more than 0, or leave it out"),
        (changed(points={"value": -1.0}), "family value carries -1.0 points"),
        (changed(points={"value": float("nan")}), "family value carries nan points"),
        (changed(points={"value": float("inf")}), "family value carries inf points"),
        (
            changed(points={"value": 4.0, "gradient": 3.0, "edge": 1.9, "purity": 1.0}),
            "observed families carry 1 of 9.9 points; at most 10% is allowed, because a student's process reports them",
        ),
        (
            changed(points={"value": 7.0, "gradient": 1.0, "edge": 0.9, "purity": 0.5, "rule": 0.5}),
            "observed families carry 1 of 9.9 points",
        ),
        (with_cases(*THREE, case("d"), case("a"), points=VALUE), "case names ['a'] occur twice; case names must be unique"),
        (with_cases(*THREE, case("d"), points={"value": 1.0, "edge": 1.0}), "families edge have points but no case; add one"),
        (with_cases(*THREE, case("d"), case("e", "edge"), points=VALUE), "families edge have cases but no points; give them points"),
        (
            with_cases(*(case(n, "edge", public=n < "d") for n in "abcd"), points={"edge": 1.0}),
            "a value or behaviour family is needed; the other families count only beside it",
        ),
        (with_cases(*THREE[:2], case("d"), points=VALUE), "2 public cases; a check shows 3 to 5"),
        (with_cases(*(case(n, public=True) for n in "abcdef"), case("g"), points=VALUE), "6 public cases; a check shows 3 to 5"),
        (with_cases(*THREE, points=VALUE), "every value case is public; at least one must be hidden"),
        (
            with_cases(*THREE, case("d", "edge"), points={"value": 1.0, "edge": 1.0}),
            "every value case is public; at least one must be hidden",
        ),
        (
            with_cases(*THREE, case("d"), case("e", "gradient"), points={"value": 1.0, "gradient": 1.0}, probe=KernelProbe()),
            "a kernel launch has no gradient of its own; make the backward kernel an exercise",
        ),
        (
            with_cases(*THREE, case("d", gradient=True), points=VALUE, probe=KernelProbe()),
            "a kernel launch has no gradient of its own",
        ),
        (
            with_cases(*THREE, case("d", gradient=True, wrt_weights=True), points=VALUE),
            "wrt_weights asks for the gradients of given weights; only a module exercise has them",
        ),
    ],
)
def test_a_broken_rule_is_refused(exercise: Exercise, text: str) -> None:
    with pytest.raises(ExerciseError, match=re.escape(text)) as caught:
        exercise.validate()
    assert str(caught.value).startswith("exercise '")
    assert isinstance(caught.value, ValueError)


def test_near_misses_of_the_rules_pass() -> None:
    for exercise in (
        changed(points={"value": 4.0, "gradient": 3.0, "edge": 2.0, "purity": 0.5, "rule": 0.5}),
        changed(name="t.a"),
        changed(name="toy2.square_sum_2"),
        with_cases(*THREE, case("d"), points=VALUE),
        with_cases(*(case(n, public=True) for n in "abcde"), case("f"), points=VALUE),
        with_cases(*(case(n, "behaviour", public=n < "d") for n in "abcd"), points={"behaviour": 1.0}),
        with_cases(*THREE, case("d"), points=VALUE, probe=KernelProbe()),
    ):
        exercise.validate()


def test_a_definition_without_a_name_is_called_by_its_class() -> None:
    class Nameless(Exercise):
        title = "x"

    with pytest.raises(ExerciseError, match="exercise 'Nameless': class attribute 'name' is missing"):
        Nameless().validate()


def test_what_an_exercise_derives_from_its_attributes() -> None:
    exercise = SquareSum()
    assert exercise.points_total == 10.0 and exercise.file_stem == "square_sum"
    assert exercise.oracle is not NotImplemented and Head().oracle() is NotImplemented


def test_public_seeds_are_fixed_and_differ() -> None:
    cases = SquareSum().cases()
    seeds = {SquareSum().public_seed(one) for one in cases} | {changed(name="toy.other").public_seed(one) for one in cases}
    assert len(seeds) == 2 * len(cases) and all(len(seed) == 32 for seed in seeds)
    # the same in every release, on every machine.
    assert SquareSum().public_seed(cases[0]).hex().startswith("e716129b465af791")
