"""What the student's code gives back: all kinds of things, described truly, copied at once, and not more than may be sent."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import pytest
import torch
from call_plans import function_plan

from vislab.check import calls
from vislab.check.calls import Answer, carry_out
from vislab.check.failures import CallFailed

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*nested tensors is in prototype"),
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support"),
]


def given(answer: Any, x: torch.Tensor | None = None, **more: Any) -> Answer:
    plan, tensors = function_plan(torch.ones(2, 3) if x is None else x, **more)
    return carry_out(plan, tensors, answer, {})


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (x, x + 1),
        lambda x: [x, x + 1],
        lambda x: Pair(x, x + 1),
        lambda x: tuple(v for v in (x, x + 1)),
    ],
    ids=["tuple", "list", "named tuple", "made tuple"],
)
def test_several_outputs_come_in_order(answer: Any) -> None:
    result = given(answer)
    assert [said["kind"] for said in result.outputs] == ["tensor", "tensor"]
    assert torch.equal(result.tensors["out.0"] + 1, result.tensors["out.1"])


def test_what_torch_returns_as_a_pair_is_a_pair() -> None:
    result = given(lambda x: torch.max(x, dim=1))
    assert [said["dtype"] for said in result.outputs] == ["torch.float32", "torch.int64"]


def test_nothing_and_an_empty_tuple_are_not_the_same() -> None:
    assert given(lambda x: None).outputs == [{"kind": "other", "class": "NoneType"}]
    assert given(lambda x: ()).outputs == []


class Loud(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise AssertionError("a subclass was operated on")


async def coroutine(x):
    return x


def generator(x):
    yield x


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (lambda x: 3.0, "float"),
        (lambda x: x.numpy(), "ndarray"),
        (lambda x: {"out": x}, "dict"),
        (lambda x: {1, 2}, "set"),
        (generator, "generator"),
        (lambda x: lambda: x, "function"),
        (lambda x: torch.Tensor._make_subclass(Loud, x), "Loud"),
        (lambda x: torch.Tensor, "_TensorMeta"),
        (lambda x: type("N" * 500, (), {})(), "N" * 80),
    ],
)
def test_other_things_are_named_and_never_sent(answer: Any, name: str) -> None:
    result = given(answer)
    assert result.outputs == [{"kind": "other", "class": name}] and result.tensors == {}


@pytest.mark.filterwarnings("ignore:coroutine")
def test_a_coroutine_is_not_awaited() -> None:
    assert given(coroutine).outputs == [{"kind": "other", "class": "coroutine"}]


def test_a_parameter_is_a_tensor() -> None:
    assert given(lambda x: torch.nn.Parameter(x.clone())).outputs[0]["kind"] == "tensor"


@pytest.mark.filterwarnings("ignore:torch.quantize")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: x.to(torch.complex64), {"dtype": "torch.complex64", "layout": "torch.strided", "device": "cpu"}),
        (lambda x: x.to_sparse(), {"dtype": "torch.float32", "layout": "torch.sparse_coo", "device": "cpu"}),
        (lambda x: x.to_sparse_csr(), {"dtype": "torch.float32", "layout": "torch.sparse_csr", "device": "cpu"}),
        (lambda x: x.to_mkldnn(), {"dtype": "torch.float32", "layout": "torch._mkldnn", "device": "cpu"}),
        (lambda x: x.to("meta"), {"dtype": "torch.float32", "layout": "torch.strided", "device": "meta"}),
        (lambda x: torch.empty(1 << 40, device="meta"), {"dtype": "torch.float32", "layout": "torch.strided", "device": "meta"}),
        (lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.quint8), {"dtype": "torch.quint8", "layout": "torch.strided"}),
        (lambda x: torch.nested.nested_tensor([x, x[:1]]), {"dtype": "torch.float32", "layout": "nested", "device": "cpu"}),
        (lambda x: x.to(torch.float8_e4m3fn), {"dtype": "torch.float8_e4m3fn", "layout": "torch.strided", "device": "cpu"}),
    ],
)
@pytest.mark.parametrize("gradient", [False, True])
def test_exotic_tensors_are_described_and_not_sent(answer: Any, said: dict[str, str], gradient: bool) -> None:
    more: dict[str, Any] = {"cotangents": (torch.ones(2, 3),), "wrt": (0,)} if gradient else {}
    detached = (lambda x: answer(x.detach())) if said["dtype"] == "torch.quint8" else answer
    result = given(detached, **more)
    assert result.outputs[0] | said == result.outputs[0] and result.outputs[0]["sent"] is False
    assert result.tensors == {}


def test_a_tensor_of_more_than_may_be_sent_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SENT_BYTES_MAX", 24)
    fits = given(lambda x: x)
    assert fits.outputs[0]["sent"] is True and fits.tensors.keys() == {"out.0"}
    second = given(lambda x: (x, x[0]))
    assert [said["sent"] for said in second.outputs] == [True, False] and second.tensors.keys() == {"out.0"}
    # eight gigabytes that take four bytes of memory: measured as they would travel.
    huge = given(lambda x: torch.zeros(1).expand(1 << 31))
    assert huge.outputs[0]["sent"] is False and huge.tensors == {}


def test_the_shipped_limit_is_below_the_wires() -> None:
    from vislab.wire.limits import DEFAULT_LIMITS

    assert 2 * calls.SENT_BYTES_MAX <= DEFAULT_LIMITS.body_bytes and calls.OUTPUTS_MAX < DEFAULT_LIMITS.tensors


def test_a_flood_of_outputs_is_cut() -> None:
    result = given(lambda x: [x] * 10_000)
    assert len(result.outputs) == calls.OUTPUTS_MAX == len(result.tensors)


def test_an_output_changed_later_does_not_change_what_was_sent() -> None:
    go, kept = threading.Event(), []

    def answer(x):
        out = x * 2
        kept.append(out)
        threading.Thread(target=lambda: (go.wait(10), out.fill_(-1)), daemon=True).start()
        return out

    result = given(answer)
    go.set()
    for _ in range(1000):
        if float(kept[0][0, 0]) == -1:
            break
        threading.Event().wait(0.005)
    assert float(kept[0][0, 0]) == -1, "the thread must have struck for this test to mean something"
    assert torch.equal(result.tensors["out.0"], torch.full((2, 3), 2.0))


def test_returning_the_input_sends_a_copy() -> None:
    held = []

    def answer(x):
        held.append(x)
        return x

    result = given(answer)
    held[0].fill_(7)
    assert torch.equal(result.tensors["out.0"], torch.ones(2, 3))


def gradients(answer: Any, *cotangents: torch.Tensor, wrt: tuple[int, ...] = (0,)) -> Answer:
    x = torch.tensor([1.0, 2.0, 3.0])
    plan, tensors = function_plan(x, torch.tensor([5.0, 6.0, 7.0]), cotangents=cotangents, wrt=wrt)
    return carry_out(plan, tensors, answer, {})


COT = torch.tensor([1.0, 10.0, 100.0])


def test_a_vector_jacobian_product_is_taken_for_every_asked_input() -> None:
    result = gradients(lambda x, y: x * y, COT, wrt=(0, 1))
    assert torch.equal(result.tensors["grad.0"], COT * torch.tensor([5.0, 6.0, 7.0]))
    assert torch.equal(result.tensors["grad.1"], COT * torch.tensor([1.0, 2.0, 3.0]))
    assert result.gradients == [{"of": 0, "kind": "tensor"}, {"of": 1, "kind": "tensor"}]


def test_several_outputs_share_one_gradient() -> None:
    result = gradients(lambda x, y: (x * 2, x * 3), COT, 10 * COT)
    assert torch.equal(result.tensors["grad.0"], 32 * COT)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, y: x.detach() * 2,
        lambda x, y: torch.tensor(x.detach().numpy() * 2),
        lambda x, y: y * 2,
        lambda x, y: (x > 0).float(),
        torch.no_grad()(lambda x, y: x * 2),
        torch.inference_mode()(lambda x, y: x * 2),
    ],
    ids=["detached", "through numpy", "other input", "comparison", "no_grad", "inference_mode"],
)
def test_a_graph_that_is_cut_gives_no_gradient(answer: Any) -> None:
    result = gradients(answer, COT)
    assert result.gradients == [{"of": 0, "kind": "none"}] and result.tensors.keys() == {"out.0"}


def test_an_output_of_another_shape_is_not_differentiated() -> None:
    result = gradients(lambda x, y: x[:2], COT)
    assert result.gradients == [{"of": 0, "kind": "none"}] and result.tensors["out.0"].shape == (2,)


def test_whole_numbers_beside_a_differentiable_output_are_skipped() -> None:
    result = gradients(lambda x, y: (x.argsort(), 2 * x), COT, COT)
    assert torch.equal(result.tensors["grad.0"], 2 * COT)


def test_another_dtype_is_differentiated_in_its_own() -> None:
    result = gradients(lambda x, y: (x * 2).double(), COT)
    assert result.tensors["out.0"].dtype is torch.float64 and torch.equal(result.tensors["grad.0"], 2 * COT)


def test_a_fault_of_the_backward_pass_is_its_own_stage() -> None:
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise ZeroDivisionError("backward")

    with pytest.raises(CallFailed) as caught:
        gradients(lambda x, y: Broken.apply(x), COT)
    assert caught.value.stage == "backward" and isinstance(caught.value.original, ZeroDivisionError)


def test_without_cotangents_no_gradient_is_described() -> None:
    assert given(lambda x: 2 * x).gradients == []
