"""A run that was cut off goes on as if it had not been, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from small_runs import Batch, Crash, PlaceKeeper, adam, crashing_at, line_batches, net, squared, weights_equal
from torch import Tensor, nn
from torch.utils.data import DataLoader

import vislab.train.loop as loop
from vislab.check.budget import JUDGE_VARIABLE
from vislab.train import CheckpointError, fit, load_weights
from vislab.train.checkpoint import read_checkpoint, write_checkpoint
from vislab.train.state import pack, unpack

STEPS, EVERY = 23, 4


@pytest.fixture(autouse=True)
def no_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JUDGE_VARIABLE, raising=False)


class Workshop:
    """A run with everything in it that has state; a second one made the same way is what a new process has."""

    after: Tensor

    def __init__(self, loader: str, seed: int = 1) -> None:
        self.model = net(seed)
        self.optimizer = adam(self.model)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, STEPS)
        self.generators = {"noise": torch.Generator().manual_seed(8), "order": torch.Generator().manual_seed(9)}
        rows: list[Batch] = [{"x": x, "y": y} for batch in line_batches() for x, y in zip(batch["x"], batch["y"])]
        self.batches: Any = {
            "list": lambda: line_batches(),
            "shuffled by PyTorch's generator": lambda: DataLoader(rows, batch_size=4, shuffle=True),  # type: ignore[arg-type]
            "shuffled by a named generator": lambda: DataLoader(rows, batch_size=3, shuffle=True, generator=self.generators["order"]),  # type: ignore[arg-type]
            "keeps its place": lambda: PlaceKeeper(line_batches(), 6),
        }[loader]()

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        noise = 0.1 * torch.randn(batch["x"].shape, generator=self.generators["noise"])
        return squared(model, batch | {"x": batch["x"] + noise})

    def validate(self, model: nn.Module) -> float:
        return squared(model, line_batches()[0]).item()

    def run(self, path: Path, loss: Any = None, **more: Any) -> Any:
        settings = {"steps": STEPS, "checkpoint_every": EVERY, "validate_every": 5, "clip_norm": 1.0, "patience": 50}
        return fit(
            self.model, self.batches, loss or self.loss, optimizer=self.optimizer, scheduler=self.scheduler, validate=self.validate,
            generators=self.generators, checkpoint=path, **(settings | more),
        )  # fmt: skip


LOADERS = ["list", "shuffled by PyTorch's generator", "shuffled by a named generator", "keeps its place"]


def straight_and_resumed(folder: Path, loader: str, cut: int, **more: Any) -> tuple[Workshop, Any, Workshop, Any]:
    torch.manual_seed(2)
    whole = Workshop(loader)
    straight = whole.run(folder / "whole.safetensors", **more)
    whole.after = torch.get_rng_state()
    torch.manual_seed(2)
    first = Workshop(loader)
    with pytest.raises(Crash):
        first.run(folder / "cut.safetensors", crashing_at(cut, first.loss), **more)
    # a new process: other weights, and generators that stand elsewhere.
    torch.manual_seed(77)
    second = Workshop(loader, seed=5)
    resumed = second.run(folder / "cut.safetensors", resume=True, **more)
    return whole, straight, second, resumed


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("cut", [10, 22], ids=["cut in a pass", "cut late"])
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path, loader: str, cut: int) -> None:
    whole, straight, second, resumed = straight_and_resumed(tmp_path, loader, cut)
    assert resumed == straight and resumed.steps == STEPS and len(resumed.validations) == 5
    assert weights_equal(whole.model, second.model) and torch.equal(whole.after, torch.get_rng_state())
    one, other = (pack(workshop.optimizer.state_dict(), "o", {}) for workshop in (whole, second))
    tensors: list[dict[str, Tensor]] = [{}, {}]
    for box, workshop in zip(tensors, (whole, second)):
        pack(workshop.optimizer.state_dict(), "o", box)
    assert one == other and all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    assert whole.scheduler.state_dict() == second.scheduler.state_dict()
    assert all(torch.equal(whole.generators[name].get_state(), second.generators[name].get_state()) for name in whole.generators)


def test_a_resumed_run_with_a_seed_is_the_uninterrupted_one(tmp_path: Path) -> None:
    whole, straight, second, resumed = straight_and_resumed(tmp_path, LOADERS[1], 10, seed=3)
    assert resumed == straight and weights_equal(whole.model, second.model)


def test_a_checkpoint_at_the_very_end_of_a_pass_resumes_too(tmp_path: Path) -> None:
    for loader in LOADERS:
        _, straight, _, resumed = straight_and_resumed(tmp_path, loader, 12, checkpoint_every=5)
        assert resumed == straight, loader


@pytest.mark.parametrize("lost", ["random", "start", "optimizer", "scheduler"])
def test_state_that_was_not_kept_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    def forgetful(path: Path) -> dict[str, Any]:
        state = read_checkpoint(path)
        fresh = Workshop(LOADERS[1])
        if lost == "random":
            state["random"]["cpu"] = torch.Generator().manual_seed(0).get_state()
        elif lost == "start":
            state["stream"]["start"]["cpu"] = torch.Generator().manual_seed(0).get_state()
        else:
            state[lost] = getattr(fresh, lost).state_dict()
        return state

    monkeypatch.setattr(loop, "read_checkpoint", forgetful)
    whole, straight, second, resumed = straight_and_resumed(tmp_path, LOADERS[1], 10)
    assert resumed.losses[:8] == straight.losses[:8] and resumed.losses != straight.losses and not weights_equal(whole.model, second.model)


def test_a_loader_that_keeps_its_place_hands_nothing_out_twice(tmp_path: Path) -> None:
    _, _, second, _ = straight_and_resumed(tmp_path, "keeps its place", 10)
    assert second.batches.handed_out == STEPS - 8


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    done = Workshop("list").run(path)
    again = Workshop("list", seed=5)
    assert again.run(path, crashing_at(1), resume=True) == done
    longer = Workshop("list", seed=5)
    assert longer.run(path, resume=True, steps=STEPS + 3).steps == STEPS + 3


def test_an_early_stop_stays_one_and_its_best_weights_come_back(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    first = Workshop("list")
    numbers = iter([2.0, 1.0, 3.0, 4.0])
    first.validate = lambda model: next(numbers)  # type: ignore[method-assign]
    stopped = first.run(path, patience=2)
    assert stopped.stopped == "early stop" and stopped.best_step == 10 and stopped.steps == 20
    second = Workshop("list", seed=5)
    assert second.run(path, crashing_at(1), patience=2, resume=True) == stopped and weights_equal(first.model, second.model)
    third = net(7)
    assert load_weights(path, third) == 10 and weights_equal(third, first.model)


def test_without_patience_the_last_weights_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    first, other = Workshop("list"), net(7)
    first.run(path, patience=None)
    assert load_weights(str(path), other) == STEPS and weights_equal(first.model, other)


def test_resume_without_a_file_begins_and_without_resume_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.safetensors"
    torch.manual_seed(2)
    first = Workshop("list").run(path, resume=True)
    torch.manual_seed(2)
    assert path.is_file() and Workshop("list").run(path) == first


def test_an_interrupt_leaves_the_last_checkpoint_to_go_on_from(tmp_path: Path) -> None:
    torch.manual_seed(2)
    straight = Workshop("list").run(tmp_path / "whole.safetensors")
    torch.manual_seed(2)
    first = Workshop("list")
    path = tmp_path / "run.safetensors"
    stopped = first.run(path, crashing_at(11, first.loss, KeyboardInterrupt))
    assert stopped.stopped == "interrupted" and stopped.steps == 10 and read_checkpoint(path)["step"] == 8
    assert Workshop("list", seed=5).run(path, resume=True) == straight


@pytest.mark.parametrize("fault", ["write", "replace", "interrupt"])
def test_a_checkpoint_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    path = tmp_path / "run.safetensors"
    write_checkpoint(path, {"step": 1, "model": {"w": torch.ones(3)}})
    before = path.read_bytes()

    def failing(*args: Any) -> None:
        raise KeyboardInterrupt if fault == "interrupt" else OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace" if fault == "replace" else "os.fsync", failing)
    with pytest.raises((OSError, KeyboardInterrupt)):
        write_checkpoint(path, {"step": 2, "model": {"w": torch.zeros(3)}})
    assert path.read_bytes() == before and [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_file_is_safetensors_with_json_and_nothing_that_runs(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    Workshop("list").run(path, steps=2)
    tensors = safetensors.torch.load_file(path)
    assert torch.equal(tensors["losses"], tensors["losses"].double()) and tensors["model/0.weight"].shape == (8, 3)
    with safetensors.safe_open(str(path), framework="pt") as file:
        said = json.loads(file.metadata()["vislab.train"])
    assert said["schema"] == 1 and said["state"]["step"] == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "plain", "newer"])
def test_a_damaged_or_foreign_file_is_named(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.safetensors"
    if damage == "newer":
        monkeypatch.setattr("vislab.train.checkpoint.SCHEMA", 2)
    write_checkpoint(path, {"step": 1, "model": {"w": torch.ones(300)}})
    monkeypatch.undo()
    content = path.read_bytes()
    if damage == "plain":
        safetensors.torch.save_file({"w": torch.ones(3)}, path)
    elif damage != "newer":
        path.write_bytes({"cut": content[:-40], "empty": b"", "text": b"hello, I am a text" * 9}[damage])
    texts = {"plain": "was not written by vislab.train", "newer": "has schema 2; this vislab reads 1"}
    with pytest.raises(CheckpointError, match=texts.get(damage, "is no whole safetensors file")):
        read_checkpoint(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none.safetensors is not there; train with checkpoint="):
        load_weights(tmp_path / "none.safetensors", net())


def test_another_run_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    first = Workshop("list")
    first.run(path, steps=4)
    wider = nn.Sequential(nn.Linear(3, 9), *list(net())[1:])
    with pytest.raises(CheckpointError, match=r"0.weight is \(8, 3\) in the file and \(9, 3\) in the model; build the model as"):
        load_weights(path, wider)
    before = wider[4].weight.clone()
    with pytest.raises(CheckpointError, match=r"5.weight is absent in the file and \(1, 1\) in the model"):
        load_weights(path, nn.Sequential(*net(), nn.Linear(1, 1)))
    assert torch.equal(before, wider[4].weight)
    for change, text in (
        ({"optimizer": torch.optim.SGD(first.model.parameters(), lr=0.1)}, "is of the optimiser Adam and the run has SGD"),
        ({"generators": {}}, r"keeps the generators \['noise', 'order'\] and the run has \[\]"),
        ({"scheduler": None}, "was written with a scheduler; resume as the run began"),
        ({"batches": PlaceKeeper(line_batches(), 1)}, "loader did not keep its own place .* and this one does"),
        ({"batches": line_batches(2)}, "batches gave 2 batches where the checkpoint had taken 4; resume with the same batches"),
    ):
        arguments = {"optimizer": first.optimizer, "scheduler": first.scheduler, "generators": first.generators, "batches": line_batches()}
        with pytest.raises(ValueError, match=text):
            fit(first.model, loss=first.loss, steps=9, checkpoint=path, resume=True, **(arguments | change))


def test_state_goes_through_json_without_loss() -> None:
    shared = torch.arange(3.0)
    tree = {
        "a": (1, 2.5, None, True, "x"),
        3: [float("inf"), float("-inf")],
        "$": {"$": 1},
        "t": shared,
        "u": {"t": shared[1:]},
        "e": torch.zeros(0),
    }
    tensors: dict[str, Tensor] = {}
    back = unpack(json.loads(json.dumps(pack(tree, "s", tensors), allow_nan=False)), tensors)
    assert torch.equal(back["t"], shared) and torch.equal(back["u"]["t"], shared[1:]) and back["e"].shape == (0,)
    plain = {key: value for key, value in back.items() if key not in ("t", "u", "e")}
    assert plain == {key: value for key, value in tree.items() if key not in ("t", "u", "e")} and list(back) == list(tree)
    assert pack({"x/y": shared, "x": {"y": shared}}, "s", box := {})["x/y"] != {} and len(box) == 2


def test_tied_weights_and_views_are_kept(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    view = torch.arange(12.0).reshape(3, 4).mT[1:]
    path = tmp_path / "run.safetensors"
    write_checkpoint(path, {"step": 1, "model": dict(model.state_dict()), "best": None, "view": view})
    assert torch.equal(read_checkpoint(path)["view"], view)
    other = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    load_weights(path, other)
    assert torch.equal(other[1].weight, model[0].weight)


def test_state_that_no_file_can_hold_is_named_by_its_place(tmp_path: Path) -> None:
    loader = PlaceKeeper(line_batches(), 1)
    loader.state_dict = lambda: {"order": {1, 2}}  # type: ignore[method-assign]
    model = net()
    with pytest.raises(TypeError, match=r"stream/loader/order is set; a checkpoint holds tensors, numbers, texts"):
        fit(model, loader, squared, optimizer=adam(model), steps=1, checkpoint=tmp_path / "run.safetensors")
    assert list(tmp_path.iterdir()) == []
