"""Skeletons: joints at their pixels, sides in their colours, and nothing silently left out."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from rendered import colour_at, near

from vislab.show.skeletons import bones_of, skeleton
from vislab.show.style import BLUE, GREEN, ORANGE, notes

JOINTS = torch.tensor([[10.0, 4.0], [20.0, 9.0], [4.0, 12.0]])
BONES = [(0, 1), (0, 2)]
NAMES = ["neck", "left hand", "right hand"]


def draw(**more: Any) -> Axes:
    return skeleton(**{"joints": JOINTS, "bones": BONES, "picture": torch.full((3, 16, 24), 0.5), "names": NAMES} | more)


def marker(panel: Axes, joint: int) -> Any:
    (found,) = [line for line in panel.lines if line.get_gid() == f"joint {joint}"]
    return found


def bones(panel: Axes) -> list[Any]:
    return [line for line in panel.lines if line.get_gid() is None]


def test_each_joint_is_at_its_pixel_in_the_colour_of_its_side() -> None:
    panel = draw()
    for (x, y), colour in zip(JOINTS.tolist(), (GREEN, ORANGE, BLUE)):
        assert near(colour_at(panel, x, y), colour)
    assert near(colour_at(panel, 2, 2), "0.5")


def test_x_and_y_swapped_would_be_seen() -> None:
    panel = draw(joints=JOINTS.flip(-1))
    assert not near(colour_at(panel, 20, 9), ORANGE)
    assert notes(panel) == ["outside the image: joint left hand"]


def test_bones_join_their_joints_and_take_the_limbs_side() -> None:
    panel = draw()
    first, second = bones(panel)
    assert first.get_xydata().tolist() == JOINTS[[0, 1]].tolist() and second.get_xydata().tolist() == JOINTS[[0, 2]].tolist()
    assert (first.get_color(), second.get_color()) == (ORANGE, BLUE)
    assert near(colour_at(panel, 15, 6.5), ORANGE)


def test_a_bone_across_the_body_has_neither_side() -> None:
    (across,) = bones(draw(bones=[(1, 2)]))
    assert across.get_color() == GREEN


def test_a_hidden_joint_is_white_and_its_bones_are_dashed() -> None:
    panel = draw(visible=torch.tensor([True, False, True]))
    assert near(colour_at(panel, 20, 9), "white") and to_hex(marker(panel, 1).get_markeredgecolor()) == ORANGE.lower()
    assert near(colour_at(panel, 4, 12), BLUE)
    hidden, seen = bones(panel)
    assert hidden.is_dashed() and not seen.is_dashed()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_joint_that_is_no_number_is_left_out_and_named(value: float) -> None:
    joints = JOINTS.clone()
    joints[1, 0] = value
    panel = draw(joints=joints)
    assert len(bones(panel)) == 1 and [line for line in panel.lines if line.get_gid() == "joint 1"] == []
    assert notes(panel) == ["not a finite number: joint left hand"]
    assert notes(draw(joints=joints, names=None)) == ["not a finite number: joint 1"]


def test_a_joint_outside_does_not_shrink_the_image() -> None:
    joints = JOINTS.clone()
    joints[2] = torch.tensor([-100.0, 300.0])
    panel = draw(joints=joints)
    assert panel.get_xlim() == (-0.5, 23.5) and panel.get_ylim() == (15.5, -0.5)
    assert notes(panel) == ["outside the image: joint right hand"]


def test_without_an_image_y_still_grows_downwards() -> None:
    panel = draw(picture=None)
    assert panel.yaxis_inverted() and len(panel.images) == 0 and notes(panel) == []
    # a second skeleton in the same panel does not turn it over.
    draw(picture=None, ax=panel)
    assert panel.yaxis_inverted()


def test_names_are_written_where_they_are_asked_for() -> None:
    assert [text.get_text() for text in draw().texts] == []
    panel = draw(write_names=True)
    assert [(text.get_text(), text.xy) for text in panel.texts] == [(name, tuple(at)) for name, at in zip(NAMES, JOINTS.tolist())]
    # outwards: the neck and the right hand lie left of the middle.
    assert [text.get_ha() for text in panel.texts] == ["right", "left", "right"]


def test_one_colour_tells_an_answer_from_the_truth() -> None:
    panel = draw(colour="#D55E00")
    assert {line.get_color() for line in bones(panel)} == {"#D55E00"} and near(colour_at(panel, 4, 12), "#D55E00")


def test_integers_and_halves_are_joints_too() -> None:
    for dtype in (torch.int64, torch.float16, torch.bfloat16):
        assert marker(draw(joints=JOINTS.to(dtype)), 1).get_xydata().tolist() == [[20.0, 9.0]]


@pytest.mark.parametrize(
    ("name", "colour"), [("l_hip", ORANGE), ("Right knee", BLUE), ("hip_l", ORANGE), ("hand right", BLUE), ("lips", GREEN)]
)
def test_sides_are_read_from_names(name: str, colour: str) -> None:
    panel = draw(names=["neck", name, "head"], bones=[])
    assert to_hex(marker(panel, 1).get_markerfacecolor()) == colour.lower()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"joints": JOINTS.mT.contiguous()[:, :5]},
            ValueError,
            r"joints.shape \(2, 3\) must be \[N, 2\], x then y; turn it with joints.mT",
        ),
        ({"joints": JOINTS[None]}, ValueError, r"joints.shape \(1, 3, 2\) must be \[N, 2\].*joints\[0\]"),
        ({"visible": torch.ones(3)}, TypeError, r"visible.dtype torch.float32 must be torch.bool; write visible > 0.5"),
        ({"visible": torch.ones(2, dtype=torch.bool)}, ValueError, r"visible.shape \(2,\) must be \(3,\)"),
        ({"bones": [(0, 1), (0, 3)]}, ValueError, r"bones\[1\] \(0, 3\) must be two joint numbers in 0..2; from a list of parents"),
        ({"bones": [(0, -1)]}, ValueError, r"bones\[0\] \(0, -1\) must be"),
        ({"sides": ["left", "left", "up"]}, ValueError, r"sides\[2\] 'up' must be one of left, right, centre"),
        ({"picture": torch.full((2, 2), 9.0)}, ValueError, r"picture has values in 9..9"),
        ({"names": ["one"]}, ValueError, r"names has 1 entries and joints 3"),
        ({"names": None, "write_names": True}, ValueError, r"write_names needs names"),
    ],
)
def test_what_is_no_skeleton_is_refused(arguments: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        draw(**arguments)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("parents", [[-1, 2], [-1, 1], [-2, 0]])
def test_impossible_parents_are_refused(parents: list[int]) -> None:
    with pytest.raises(ValueError, match=r"must be another joint in 0\.\.1, or -1 for a root"):
        bones_of(parents)
