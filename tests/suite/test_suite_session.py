"""Students' tests, judged: points by what they catch, nothing for one that fails a right implementation."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from students_tests import Impl, complaint, generic, honest, layout, precision

from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score
from autograder.judge.test_suite import trials
from vislab.check.verdict import Family, Verdict


def told(record: CheckRecord) -> dict[str, str]:
    return {case.name: case.text for case in record.cases if case.verdict is not Verdict.OK}


def verdict(exercise: Exercise, record: CheckRecord) -> Verdict:
    return score(exercise, record).verdict


def test_an_honest_test_earns_everything(points: Callable[..., float]) -> None:
    assert points(honest) == 3.0


def test_points_are_the_share_of_what_was_caught(judged: Callable[..., CheckRecord], exercise: Exercise) -> None:
    record = judged(generic)
    scored = {family.family: (family.passed, family.total, family.earned) for family in score(exercise, record).families}
    assert scored == {Family.VALUE: (7, 7, 2.0), Family.EDGE: (0, 2, 0.0), Family.DTYPE: (0, 1, 0.0)}
    assert told(record)["always single precision"] == "your test passes this wrong implementation"


def test_special_cases_count_only_beside_ordinary_ones(judged: Callable[..., CheckRecord], exercise: Exercise) -> None:
    def special(impl: Impl) -> None:
        # of the ordinary ones it sees only what also moves the dtype or the layout.
        precision(impl)
        complaint(impl)

    record = judged(special)
    assert sum(case.verdict is Verdict.OK for case in record.cases) == 2
    assert score(exercise, record).earned == 0.0


def test_a_test_that_fails_a_right_implementation_earns_nothing(judged: Callable[..., CheckRecord], exercise: Exercise) -> None:
    def strict(impl: Impl) -> None:
        rows = torch.randn(4, 7)
        assert torch.equal(impl(rows), rows - rows.mean(dim=-1, keepdim=True))

    record = judged(strict)
    assert score(exercise, record).earned == 0.0
    assert all("your test fails a right implementation (" in text and "by AssertionError)" in text for text in told(record).values())
    assert len(told(record)) == len(record.cases)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (lambda impl: None, Verdict.WRONG_VALUE),
        (lambda impl: 1 / 0, Verdict.WRONG_VALUE),
        (lambda: None, Verdict.WRONG_VALUE),
        ("a text", Verdict.WRONG_TYPE),
        (Exception, Verdict.WRONG_TYPE),
    ],
    ids=["never raises", "always raises", "takes no argument", "text", "class"],
)
def test_trivial_tests_earn_nothing(judged: Callable[..., CheckRecord], exercise: Exercise, answer: object, wanted: Verdict) -> None:
    record = judged(answer)
    assert score(exercise, record).earned == 0.0 and verdict(exercise, record) is wanted


def test_a_body_that_never_runs_is_no_test(judged: Callable[..., CheckRecord], exercise: Exercise) -> None:
    def generator(impl: Impl):
        yield generic(impl)

    async def coroutine(impl: Impl) -> None:
        generic(impl)

    assert verdict(exercise, judged(generator)) is Verdict.WRONG_TYPE
    with pytest.warns(RuntimeWarning, match="never awaited"):
        assert verdict(exercise, judged(coroutine)) is Verdict.WRONG_TYPE
    assert asyncio.iscoroutinefunction(coroutine)


def test_a_stub_is_not_attempted(judged: Callable[..., CheckRecord], exercise: Exercise) -> None:
    def stub(impl: Impl) -> None:
        raise NotImplementedError()

    assert verdict(exercise, judged(stub)) is Verdict.NOT_ATTEMPTED


def test_an_implementation_s_exception_has_its_class_and_no_text(points: Callable[..., float]) -> None:
    seen = []

    def nosy(impl: Impl) -> None:
        try:
            impl(torch.zeros(2, 0))
        except ValueError as error:
            seen.append(str(error))
        with pytest.raises(TypeError):
            impl(torch.zeros(2, 2), 7)

    points(nosy)
    assert set(seen) == {""}


def test_memory_layouts_reach_the_implementation(judged: Callable[..., CheckRecord]) -> None:
    assert "right for contiguous memory only" not in told(judged(layout))


def test_every_order_is_secret_and_begins_with_one_right_one(exercise: Exercise, seeds: SeedSource) -> None:
    other = SeedSource(seeds.secret, "ef" * 32)
    orders = [[trial.key for trial in trials(exercise, source, number)] for source in (seeds, other) for number in range(2)]
    assert all(first != second for first, second in pairwise(orders)) and len({tuple(sorted(order)) for order in orders}) == 1
    assert orders[0] == [trial.key for trial in trials(exercise, seeds)]
    plain = sum(case.family is Family.VALUE for case in exercise.cases())
    for order in orders:
        counted = Counter(order)
        assert sum(counted[key] for key in exercise.implementations.right) == 6
        assert {counted[key] for key in exercise.implementations.wrong.values()} == {2}
        first = order[: plain + 1]
        assert len(set(first)) == plain + 1 and sum(key in exercise.implementations.right for key in first) == 1
    # the right one's place in the first round is no constant.
    places = {
        next(place for place, trial in enumerate(trials(exercise, SeedSource(seeds.secret, f"{i:064x}"))) if trial.case is None)
        for i in range(40)
    }
    assert places == set(range(plain + 1))


def test_a_failing_bench_is_our_failure(exercise: Exercise, seeds: SeedSource, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.audit.suite_audit import judge_test
    from autograder.judge.bench import LocalBench

    bench = LocalBench(exercise)
    monkeypatch.setattr(bench, "begin", lambda key: 1 / 0)
    assert verdict(exercise, judge_test(exercise, seeds, honest, bench)) is Verdict.GRADER_ERROR
