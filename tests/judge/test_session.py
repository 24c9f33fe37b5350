"""Judging one check: verdicts from bytes alone, whatever the other side says, in an order that it cannot know."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judged_exercises import EXERCISES, Double, double, root

from autograder.exercise.seeds import SeedSource
from autograder.judge import session as session_module
from autograder.judge.exchange import LocalExchange
from autograder.judge.records import CheckRecord, Ending, Observation
from autograder.judge.session import CheckSession
from vislab.check.verdict import Verdict
from vislab.wire.frames import Message
from vislab.wire.limits import WireClosed, WireError, WireLimit

NAMES = [case.name for case in Double().cases()]
CLEAN = {"mutated": [], "rng_moved": False, "forbidden": [], "tripped": []}
Tensors = Mapping[str, torch.Tensor]


def honest(header: Mapping[str, Any], tensors: Tensors) -> Message:
    return LocalExchange(double, {})(header, tensors, 10)


def verdicts(record: CheckRecord) -> dict[str, Verdict]:
    return {case.name: case.verdict for case in record.cases}


def test_a_right_answer_is_right_everywhere(judged: Callable[..., CheckRecord]) -> None:
    record = judged(double)
    assert record.ending is Ending.COMPLETE and record.observed == Observation() and not record.resource
    assert [case.name for case in record.cases] == NAMES
    assert all(case.verdict is Verdict.OK and case.text == "" and case.judged for case in record.cases)
    assert [case.public for case in record.cases] == [case.public for case in Double().cases()]


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (lambda x: double(x).detach(), {"gradient": Verdict.WRONG_GRADIENT}),
        (lambda x: double(x).float(), {"float64": Verdict.WRONG_DTYPE}),
        (lambda x: double(x) if x.numel() else x[0], {"no rows": Verdict.RUNTIME_ERROR}),
        (lambda x: double(x)[None], dict.fromkeys(NAMES, Verdict.WRONG_SHAPE)),
        (lambda x: None, dict.fromkeys(NAMES, Verdict.WRONG_TYPE)),
        (lambda x: double(x) / 0, dict.fromkeys(set(NAMES) - {"no rows"}, Verdict.NOT_FINITE)),
        (lambda x: double(x) + 1e-3, dict.fromkeys(set(NAMES) - {"no rows"}, Verdict.WRONG_VALUE)),
        (lambda x: exec("raise NotImplementedError"), dict.fromkeys(NAMES, Verdict.NOT_ATTEMPTED)),
        (lambda x: exec("raise SystemExit"), dict.fromkeys(NAMES, Verdict.RUNTIME_ERROR)),
        (lambda x: exec("raise MemoryError"), dict.fromkeys(NAMES, Verdict.MEMORY_LIMIT)),
        (None, dict.fromkeys(NAMES, Verdict.WRONG_TYPE)),
    ],
)
def test_each_case_has_its_own_verdict(judged: Callable[..., CheckRecord], answer: Any, wrong: dict[str, Verdict]) -> None:
    assert verdicts(judged(answer)) == {**dict.fromkeys(NAMES, Verdict.OK), **wrong}


def test_a_wrong_term_of_the_exercise_is_named(judged: Callable[..., CheckRecord]) -> None:
    texts = {case.name: case.text for case in judged(lambda x: 3 * x).cases}
    assert texts["hidden rows"].endswith("; your answer looks like a tripled input")
    halved = {case.name: case.text for case in judged(lambda x: x * 1).cases}
    assert halved["hidden rows"].endswith("; your answer is half of what was expected")
    odd = {case.name: case.text for case in judged(lambda x: x + 7).cases}
    assert ";" not in odd["hidden rows"]


def test_a_wrong_boolean_is_the_students_fault_and_not_ours(judged: Callable[..., CheckRecord]) -> None:
    assert set(verdicts(judged(lambda x: x < 0, "toy.signs")).values()) == {Verdict.WRONG_VALUE}
    record = judged(lambda x: x < 0, "toy.signs")
    assert record.cases[0].text == "20 of 20 elements of the answer differ; your answer looks like negative instead of positive"


def test_the_order_is_secret_and_the_record_is_not(seeds: SeedSource) -> None:
    def orders(source: SeedSource) -> list[tuple[int, ...]]:
        shapes: list[tuple[int, ...]] = []

        def reply(header: Mapping[str, Any], tensors: Tensors, timeout_s: float) -> Message:
            shapes.append((*tensors["in.0"].shape, header["cotangents"] is not None, tensors["in.0"].dtype is torch.float64))
            return honest(header, tensors)

        record = CheckSession(Double(), source, 1.0).run(reply)
        assert [case.name for case in record.cases] == NAMES
        return shapes

    first = orders(seeds)
    assert orders(seeds) == first
    others = [orders(SeedSource(bytes([i]) * 16, "ab")) for i in range(6)]
    assert len({tuple(order) for order in [first, *others]}) == 7
    assert all(sorted(order) == sorted(first) for order in others)


@pytest.mark.parametrize(("held_bytes", "early"), [(session_module.HELD_BYTES_MAX, False), (0, True)], ids=["as shipped", "nothing held"])
def test_no_answer_is_examined_while_another_is_awaited(
    seeds: SeedSource, monkeypatch: pytest.MonkeyPatch, held_bytes: int, early: bool
) -> None:
    examined: list[Any] = []
    before: list[int] = []

    def examine(*args: Any) -> None:
        examined.append(original(*args))
        return examined[-1]

    def reply(header: Mapping[str, Any], tensors: Tensors, timeout_s: float) -> Message:
        before.append(len(examined))
        # half of the answers are wrong: how long the next case takes must not tell which.
        answer = honest(header, tensors)
        return Message(answer.header, {name: tensor + header["id"] % 2 for name, tensor in answer.tensors.items()})

    original = session_module.examine
    monkeypatch.setattr(session_module, "examine", examine)
    monkeypatch.setattr(session_module, "HELD_BYTES_MAX", held_bytes)
    record = CheckSession(Double(), seeds, 1.0).run(reply)
    assert len(examined) == len(before) == len(NAMES) and {case.verdict for case in record.cases} > {Verdict.OK}
    # beyond what is held, memory goes before silence.
    assert any(before) is early


def test_inputs_are_redrawn_for_every_secret_and_submission(seeds: SeedSource) -> None:
    def inputs(source: SeedSource) -> dict[tuple[int, ...], torch.Tensor]:
        seen = {}

        def reply(header: Mapping[str, Any], tensors: Tensors, timeout_s: float) -> Message:
            seen[(*tensors["in.0"].shape, len(tensors), str(tensors["in.0"].dtype))] = tensors["in.0"]
            return honest(header, tensors)

        CheckSession(Double(), source, 1.0).run(reply)
        return seen

    first, again = inputs(seeds), inputs(seeds)
    assert all(torch.equal(first[key], again[key]) for key in first)
    for other in (SeedSource(seeds.secret, "cd" * 32), SeedSource(b"x" * 32, seeds.submission_hash)):
        redrawn = inputs(other)
        # public cases, too: an answer learnt by heart from the release is worth nothing.
        assert not any(torch.equal(first[key], redrawn[key]) for key in first if first[key].numel())


def test_records_hold_a_fingerprint_and_no_seed(judged: Callable[..., CheckRecord], seeds: SeedSource) -> None:
    for case in judged(double).cases:
        assert case.seed == seeds.fingerprint("toy.double", case.name)
        assert seeds.case_seed("toy.double", case.name).hex() not in repr(case)


@pytest.mark.parametrize(("answer", "verdict"), [(root, Verdict.OK), (lambda x: x**0.5, Verdict.WRONG_VALUE)])
def test_a_call_that_must_raise(judged: Callable[..., CheckRecord], answer: Any, verdict: Verdict) -> None:
    record = judged(answer, "toy.root")
    assert verdicts(record)["a negative number"] is verdict
    assert record.cases[-1].text == ("" if verdict is Verdict.OK else "the call must raise ValueError, and returned")


def test_a_subclass_of_the_exception_will_do_and_another_will_not(judged: Callable[..., CheckRecord]) -> None:
    def failing(error: type[Exception]):
        def answer(x):
            if bool((x < 0).any()):
                raise error("negative")
            return x**0.5

        return answer

    own = type("Negative", (ValueError,), {})
    assert verdicts(judged(failing(own), "toy.root"))["a negative number"] is Verdict.OK
    assert verdicts(judged(failing(TypeError), "toy.root"))["a negative number"] is Verdict.RUNTIME_ERROR


def test_a_fault_of_the_reference_is_ours_and_the_other_cases_go_on(judged: Callable[..., CheckRecord]) -> None:
    record = judged(double, "toy.broken")
    assert verdicts(record) == {**dict.fromkeys(NAMES, Verdict.OK), "hidden rows": Verdict.GRADER_ERROR}
    assert record.ending is Ending.COMPLETE
    (broken,) = [case for case in record.cases if case.verdict is Verdict.GRADER_ERROR]
    assert broken.text == "the grader failed: ZeroDivisionError: the reference is broken"


def always(message: Message):
    return lambda header, tensors: message


def lie(**fields: Any):
    """An answer with right tensors and other words."""

    def reply(header: Mapping[str, Any], tensors: Tensors) -> Message:
        message = honest(header, tensors)
        return Message({**message.header, **fields}, message.tensors)

    return reply


MALFORMED = {
    "another id": lie(id=99),
    "no id": lie(id=None),
    "id as text": lie(id="0"),
    "another type": lie(type="hello"),
    "no outputs": lie(outputs=None),
    "outputs as text": lie(outputs="tensor"),
    "outputs of texts": lie(outputs=["tensor"]),
    "outputs as object": lie(outputs={"0": {}}),
    "no gradients": lie(gradients=7),
    "gradients of numbers": lie(gradients=[1]),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_answer_ends_the_check(replied: Callable[..., CheckRecord], kind: str) -> None:
    record = replied(MALFORMED[kind])
    assert record.ending is Ending.BROKEN
    texts = sorted({(case.verdict, case.text, case.judged) for case in record.cases}, key=str)
    assert texts == [
        (Verdict.RUNTIME_ERROR, "not run: the connection to the notebook broke in an earlier case", False),
        (Verdict.RUNTIME_ERROR, "the answer was malformed", True),
    ]


@pytest.mark.parametrize(
    ("error", "ending", "verdict", "judged_itself"),
    [
        (TimeoutError("late"), Ending.STALLED, Verdict.TIME_LIMIT, False),
        (WireClosed("gone"), Ending.BROKEN, Verdict.RUNTIME_ERROR, False),
        (WireError("nonsense"), Ending.BROKEN, Verdict.RUNTIME_ERROR, True),
        (WireLimit("too much"), Ending.BROKEN, Verdict.OUTPUT_LIMIT, True),
    ],
)
def test_how_an_exchange_ends(
    replied: Callable[..., CheckRecord], error: Exception, ending: Ending, verdict: Verdict, judged_itself: bool
) -> None:
    count, stalls = 0, []

    def reply(header: Mapping[str, Any], tensors: Tensors) -> Message:
        nonlocal count
        count += 1
        if count == 4:
            raise error
        return honest(header, tensors)

    record = replied(reply, on_stall=lambda: stalls.append(1))
    assert record.ending is ending and count == 4
    found = [case.verdict for case in record.cases]
    rest = Verdict.TIME_LIMIT if ending is Ending.STALLED else Verdict.RUNTIME_ERROR
    assert found.count(Verdict.OK) == 3
    assert sorted(v for v in found if v is not Verdict.OK) == sorted([verdict, *[rest] * 4])
    assert len(stalls) == (ending is Ending.STALLED)
    unjudged = [case for case in record.cases if not case.judged]
    assert len(unjudged) == 4 + (not judged_itself)
    # what really ended the check may be known only later.
    recast = record.recast(Verdict.MEMORY_LIMIT, "the notebook exceeded its memory in this check")
    assert [case.verdict for case in recast.cases].count(Verdict.OK) == 3
    assert {case.text for case in recast.cases if not case.judged} == {"the notebook exceeded its memory in this check"}
    assert record.resource is (verdict is not Verdict.RUNTIME_ERROR or rest is Verdict.TIME_LIMIT) and recast.resource


def nothing_sent(header: Mapping[str, Any], tensors: Tensors) -> Message:
    message = honest(header, tensors)
    return Message(message.header, {})


def under_other_names(header: Mapping[str, Any], tensors: Tensors) -> Message:
    message = honest(header, tensors)
    return Message(message.header, {name.replace("out", "OUT"): value for name, value in message.tensors.items()})


def says_ok(header: Mapping[str, Any], tensors: Tensors) -> Message:
    said = {"kind": "tensor", "dtype": str(tensors["in.0"].dtype), "layout": "torch.strided", "device": "cpu", "sent": True}
    fields = {"verdict": "OK", "points": 100, "outputs": [{**said, "verdict": "OK"}], "gradients": [], "observed": {"verdict": "OK"}}
    return Message({"type": "answer", "id": header["id"], **fields}, {"out.0": torch.zeros_like(tensors["in.0"])})


def sends_its_own_expectation(header: Mapping[str, Any], tensors: Tensors) -> Message:
    message = says_ok(header, tensors)
    more = {"expected/out.0": torch.zeros(3), "target": torch.zeros(1), **{f"in.{i}": torch.zeros(1) for i in range(9)}}
    return Message(message.header, {**message.tensors, **more})


@pytest.mark.parametrize("reply", [nothing_sent, under_other_names, says_ok, sends_its_own_expectation], ids=lambda f: f.__name__)
def test_words_about_an_answer_are_worth_nothing(replied: Callable[..., CheckRecord], reply: Any) -> None:
    found = verdicts(replied(reply))
    # an empty tensor of the right shape is a right answer to "no rows".
    assert {name for name, verdict in found.items() if verdict is Verdict.OK} <= {"no rows"}
    assert Verdict.GRADER_ERROR not in found.values()


def test_a_claimed_exception_counts_only_where_one_is_asked_for(replied: Callable[..., CheckRecord]) -> None:
    def claims(header: Mapping[str, Any], tensors: Tensors) -> Message:
        return Message({"type": "failure", "id": header["id"], "stage": "call", "error": "ValueError"})

    found = verdicts(replied(claims, "toy.root"))
    assert found.pop("a negative number") is Verdict.OK
    assert set(found.values()) == {Verdict.RUNTIME_ERROR}


def test_observed_is_kept_apart_and_only_known_names_are_repeated(replied: Callable[..., CheckRecord]) -> None:
    said = {
        "mutated": [0],
        "rng_moved": True,
        "forbidden": ["torch.multiply", "<script>", 3, None, "torch.softmax"],
        "tripped": ["vislab.ops.soft_argmax.op.soft_argmax", "x" * 10_000],
    }
    record = replied(lie(observed=said))
    assert set(verdicts(record).values()) == {Verdict.OK}
    assert record.observed == Observation(True, True, ("torch.multiply",), ("vislab.ops.soft_argmax.op.soft_argmax",))


@pytest.mark.parametrize(
    "said", [None, 3, "clean", [], {"mutated": None, "forbidden": 3, "tripped": {"a": 1}}, {"forbidden": "torch.multiply"}]
)
def test_observed_of_any_form_is_taken(replied: Callable[..., CheckRecord], said: Any) -> None:
    record = replied(lie(observed=said))
    assert set(verdicts(record).values()) == {Verdict.OK} and record.observed == Observation()


def test_evidence_of_a_failed_call_is_kept(judged: Callable[..., CheckRecord]) -> None:
    def answer(x):
        torch.multiply(x, 2)
        x.zero_()
        raise ValueError

    assert judged(answer).observed == Observation(mutated=True, forbidden=("torch.multiply",))


def test_prepared_cases_are_drawn_once(seeds: SeedSource) -> None:
    prepared: dict[str, Any] = {}
    for answer in (double, lambda x: 3 * x, double):
        CheckSession(Double(), seeds, 1.0, prepared=prepared).run(LocalExchange(answer, {}))
        assert prepared.keys() == set(NAMES)
    again = CheckSession(Double(), seeds, 1.0, prepared=prepared).run(LocalExchange(double, {}))
    assert {case.verdict for case in again.cases} == {Verdict.OK}


def test_an_answer_cannot_spoil_prepared_cases_for_the_next(seeds: SeedSource) -> None:
    def spoils(x):
        x.data.fill_(0)
        return x * 1

    prepared: dict[str, Any] = {}
    CheckSession(Double(), seeds, 1.0, prepared=prepared).run(LocalExchange(spoils, {}))
    after = CheckSession(Double(), seeds, 1.0, prepared=prepared).run(LocalExchange(double, {}))
    assert {case.verdict for case in after.cases} == {Verdict.OK}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
said_of_outputs = st.fixed_dictionaries(
    {}, optional={key: json_values for key in ("kind", "dtype", "layout", "device", "sent")} | {"kind": st.just("tensor")}
)
headers = st.fixed_dictionaries(
    {"type": st.sampled_from(["answer", "failure"]) | json_values},
    optional={
        "outputs": st.lists(said_of_outputs | json_values, max_size=3) | json_values,
        "gradients": st.lists(said_of_outputs, max_size=2) | json_values,
        "observed": json_values,
        "stage": json_values,
        "error": st.sampled_from(["ValueError", "NotImplementedError", "MemoryError", "Tripped", "__class__"]) | json_values,
    },
)
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
shapes = st.sampled_from([(), (1,), (3, 5), (0, 4), (3, 4), (1, 6), (1, 1, 1, 1), (4, 5)])
NUMBERS = [0.0, 1.0, float("nan"), float("inf"), -float("inf"), 1e300]
QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
tensors_sent = st.dictionaries(
    st.sampled_from(["out.0", "grad.0", "out.1", "x"]), st.tuples(st.sampled_from(DTYPES), shapes, st.sampled_from(NUMBERS))
)


def filled(dtype: torch.dtype, shape: tuple[int, ...], value: float) -> torch.Tensor:
    wide = torch.full(shape, value, dtype=torch.float64)
    return (wide if dtype.is_floating_point else wide.nan_to_num(0).clamp(0, 1)).to(dtype)


@QUICK
@given(headers, tensors_sent, st.sampled_from(["toy.double", "toy.signs", "toy.root"]), st.integers(0, 2**16))
def test_no_answer_is_a_fault_of_ours(header: dict[str, Any], said: dict[str, Any], name: str, seed: int) -> None:
    source = SeedSource(b"fuzzing needs a secret as well", str(seed))
    dice = random.Random(seed)

    def reply(case: Mapping[str, Any], tensors: Tensors, timeout_s: float) -> Message:
        identity = case["id"] if dice.random() < 0.9 else 1
        return Message({**header, "id": identity}, {label: filled(*form) for label, form in said.items()})

    record = CheckSession(EXERCISES[name], source, 1.0).run(reply)
    assert Verdict.GRADER_ERROR not in {case.verdict for case in record.cases}
    assert all(len(case.text) < 300 for case in record.cases)


def test_a_fault_of_ours_would_be_seen_by_the_fuzz(replied: Callable[..., CheckRecord]) -> None:
    def broken_judge(header: Mapping[str, Any], tensors: Tensors) -> Message:
        raise TypeError("unhashable type: 'list'")

    assert Verdict.GRADER_ERROR in verdicts(replied(broken_judge)).values()
