"""Weights at home, the net itself, metrics, and definitions that are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from autograder.audit.assignment_audit import _audit_in_worker
from autograder.authoring.build import _refuse_weights
from autograder.authoring.fault import AuthoringError
from autograder.authoring.record import record_cases
from autograder.authoring.rules import read_lessons
from autograder.exercise.assignment import Assignment, load_assignment
from autograder.exercise.exercise import ExerciseError
from autograder.exercise.model import ModelProbe
from vislab.check.face import ChecksFailed, check
from vislab.check.home import check_at_home
from vislab.check.metrics import METRICS, accuracy, keypoints_within
from vislab.check.verdict import Verdict
from vislab.check.weights import MEBIBYTE
from vislab.models.heatmap_net import HeatmapNet

NET = Path(__file__).parent / "fixtures" / "m1_net"


@pytest.fixture
def home(net: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    record_cases(net, tmp_path / "cases.h5")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_good_weights_pass_at_home(home: Path, good: bytes) -> None:
    (home / "spot.safetensors").write_bytes(good)
    report = check("net.spot", "spot.safetensors")
    assert report is not None and report.ok
    assert report.summary == "net.spot: 3 of 3 visible checks passed; hidden checks also test value and behaviour."


def test_weights_that_find_nothing_say_how_far_they_are(home: Path, changed: Callable[..., bytes]) -> None:
    (home / "spot.safetensors").write_bytes(changed(head__weight=torch.zeros(1, 8, 1, 1)))
    with pytest.raises(ChecksFailed):
        check("net.spot", Path("spot.safetensors"))
    row = check_at_home("net.spot", "spot.safetensors", {}).rows[0]
    assert row.verdict is Verdict.WRONG_VALUE and row.text.startswith("keypoints_within is 0.") and row.text.endswith("; 0.5 is needed")


def test_a_file_that_is_not_there_does_not_stop_the_notebook(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("spot.safetensors", Path("spot.safetensors")):
        assert check("net.spot", name) is None
        assert capsys.readouterr().out == "net.spot: spot.safetensors is not here yet. Make it, then run this cell again.\n"


def test_what_intake_would_not_take_is_refused_at_home(home: Path, good: bytes) -> None:
    (home / "other.safetensors").write_bytes(good)
    (home / "spot.safetensors").symlink_to(home / "other.safetensors")

    def told(file: object) -> tuple[Verdict, str]:
        row = check_at_home("net.spot", file, {}).rows[0]
        return row.verdict, row.text

    assert told("spot.safetensors") == (
        Verdict.WRONG_TYPE,
        "spot.safetensors is a symbolic link, which is left out when submissions are taken in; hand in the file itself",
    )
    name = "the weights are handed in as a file of the name spot.safetensors; save them so"
    assert told("other.safetensors") == (Verdict.WRONG_TYPE, name)
    assert told(HeatmapNet()) == (Verdict.WRONG_TYPE, "hand in the path of the file of weights, not HeatmapNet")
    (home / "spot.safetensors").unlink()
    with open(home / "spot.safetensors", "wb") as file:
        file.truncate(MEBIBYTE + 1)
    assert told("spot.safetensors")[0] is Verdict.OUTPUT_LIMIT


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_the_net_keeps_to_its_shapes(stride: int) -> None:
    net = HeatmapNet(joints=17, width=8, blocks=2, stride=stride)
    maps = net(torch.rand(2, 3, 32, 24))
    assert maps.shape == (2, 17, 32 // stride, 24 // stride) and bool(torch.isfinite(maps).all())
    assert net(torch.zeros(0, 3, 64, 64)).shape[0] == 0
    maps.square().mean().backward()
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in net.parameters())


def test_an_image_gives_the_same_maps_alone_and_in_a_batch() -> None:
    net = HeatmapNet(joints=3, width=8, blocks=2)
    images = torch.rand(4, 3, 32, 32)
    torch.testing.assert_close(net.train()(images)[1:2], net.eval()(images[1:2]))


@pytest.mark.parametrize(
    ("options", "told"),
    [({"width": 12}, "width 12 must be a multiple of 8"), ({"stride": 3}, "stride 3 must be 1, 2, 4 or 8"), ({"joints": 0}, "joints 0")],
)
def test_a_net_that_cannot_be_is_refused(options: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        HeatmapNet(**options)


@pytest.mark.parametrize("shape", [(3, 64, 64), (2, 1, 64, 64), (2, 3, 66, 64)])
def test_an_image_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"img has shape \["):
        HeatmapNet(width=8, blocks=1)(torch.zeros(shape))


def test_keypoints_are_counted_by_hand() -> None:
    maps = torch.zeros(1, 3, 4, 6)
    maps[0, 0, 1, 2] = maps[0, 1, 3, 5] = maps[0, 2, 0, 0] = 1.0
    # cells of stride 4 have their centres at 1.5, 5.5, 9.5 …
    keypoints = torch.tensor([[[9.5, 5.5], [21.5, 10.0], [1.5, 1.5]]])
    visible = torch.tensor([[True, True, False]])
    assert keypoints_within(maps, keypoints, visible, radius_px=1.0, stride=4) == 0.5
    assert keypoints_within(maps, keypoints, visible, radius_px=3.5, stride=4) == 1.0
    assert keypoints_within(maps, keypoints, torch.zeros_like(visible), radius_px=9.0, stride=4) == 0.0
    with pytest.raises(ValueError, match=r"maps \[1, 2, 4, 6\] do not fit keypoints"):
        keypoints_within(maps[:, :2], keypoints, visible, radius_px=1.0, stride=4)


def test_accuracy_is_counted_by_hand() -> None:
    logits = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [0.0, 9.0]])
    assert accuracy(logits, torch.tensor([0, 1, 1, 1])) == 0.75
    with pytest.raises(ValueError, match="do not fit labels"):
        accuracy(logits, torch.tensor([0]))
    assert set(METRICS) == {"keypoints_within", "accuracy"}


PROBE = {"file": "w.safetensors", "architecture": "heatmap_net", "metric": "accuracy", "simple": 0.5, "strong": 0.9}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"file": "../w.safetensors"}, "must read NAME.safetensors"),
        ({"file": "w.pt"}, "must read NAME.safetensors"),
        ({"architecture": "resnet"}, "architecture 'resnet' must be one of heatmap_net"),
        ({"init": {"depth": 3}}, "cannot be built with"),
        ({"metric": "loss"}, "metric 'loss' must be one of keypoints_within, accuracy"),
        ({"options": {"radius_px": 1.0}}, "takes the options none"),
        ({"simple": 0.95}, "strong not below simple"),
        ({"strong": float("nan")}, "must be numbers"),
        ({"size_mib": 200}, "size_mib 200 must lie in 1 to 128"),
    ],
)
def test_a_probe_that_cannot_be_is_refused(options: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ModelProbe(**{**PROBE, **options})


@pytest.fixture
def spoil(tmp_path: Path) -> Callable[..., Assignment]:
    def change(file: str, old: str, new: str) -> Assignment:
        folder = tmp_path / "m1_net"
        shutil.copytree(NET, folder, ignore=shutil.ignore_patterns("__pycache__"))
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))
        return load_assignment(folder)

    return change


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"behaviour", spots(24)', '"behaviour", spots(24), public=True', "every case of family behaviour is public"),
        ('"value", spots(16)', '"value", spots(16), layout="strided"', "images for a model are contiguous"),
        ("Family.BEHAVIOUR: 2.0", "Family.EDGE: 2.0", "have points but no case"),
    ],
)
def test_a_broken_definition_is_refused(spoil: Callable[..., Assignment], old: str, new: str, told: str) -> None:
    with pytest.raises(ExerciseError, match=told):
        spoil("exercises/net.py", old, new)


def test_the_weights_are_let_through_without_being_listed(net: Assignment) -> None:
    assert net.extra_files == ("spot.safetensors",)
    read_lessons(net)


def test_a_release_that_holds_the_weights_is_refused(net: Assignment, tmp_path: Path, good: bytes) -> None:
    _refuse_weights(tmp_path, net)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "spot.safetensors").write_bytes(good)
    with pytest.raises(AuthoringError, match=r"spot.safetensors: the release holds the weights that net.spot asks for"):
        _refuse_weights(tmp_path, net)


def test_the_audit_is_green() -> None:
    row = _audit_in_worker(str(NET), "net", "net.spot", 2)
    assert row.faults == [] and (row.mutants_killed, row.accepted_kept, row.solution_full, row.stub_score) == (4, 2, True, 0.0)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("mutants/spot/darkest.py", "-1 / 27", "1 / 27", "mutant 'darkest' keeps full points"),
        ("accepted/spot/averages.py", "1 / 27", "-1 / 27", "accepted weights 'averages' loses points"),
    ],
)
def test_the_audit_sees_what_is_wrong(spoil: Callable[..., Assignment], file: str, old: str, new: str, told: str) -> None:
    row = _audit_in_worker(str(spoil(file, old, new).folder), "net", "net.spot", 1)
    assert any(told in fault for fault in row.faults), row.faults


def test_what_answers_print_is_no_part_of_the_audits_output(spoil: Callable[..., Assignment], capfd: pytest.CaptureFixture[str]) -> None:
    noisy = spoil("accepted/spot/averages.py", "    return state", "    print('done training')\n    return state")
    assert _audit_in_worker(str(noisy.folder), "net", "net.spot", 1).faults == []
    assert capfd.readouterr().out == ""
