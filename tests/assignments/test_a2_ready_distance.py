"""Distances and masks that vislab has ready are no answers to the exercises that ask for them, by whatever way they are reached."""

import pytest
from course_assignments import ASSIGNMENTS

from vislab.check.verdict import Verdict
from vislab.geometry import outlines

READY = "vislab.geometry.outlines.signed_distance"
EXERCISES = ASSIGNMENTS["a2_shapes"].exercises
HEAD = "import torch\nfrom vislab.geometry import outlines\nfrom vislab.geometry.outlines import signed_distance as held\n\n\n"
DISTANCES = {
    "held from before": "def signed_distance(points, polygons):\n    return held(points, polygons)\n",
    "the object itself": "signed_distance = held\n",
    "by its module": "def signed_distance(points, polygons):\n    return outlines.signed_distance(points, polygons)\n",
    "imported inside": "def signed_distance(points, polygons):\n    from vislab.geometry.outlines import signed_distance as found\n"
    "    return found(points, polygons)\n",
    "a part of the answer": "def signed_distance(points, polygons):\n"
    "    found = held(points, polygons)\n    return found.abs() * found.sign()\n",
    "swallowed": "def signed_distance(points, polygons):\n    try:\n        return held(points, polygons)\n    except Exception:\n"
    "        return torch.zeros(len(polygons), len(points), dtype=points.dtype)\n",
}


@pytest.mark.parametrize("way", DISTANCES)
def test_the_ready_distance_earns_nothing(judged, tmp_path, way):
    path = tmp_path / f"ready_{list(DISTANCES).index(way)}.py"
    path.write_text(HEAD + DISTANCES[way], encoding="utf-8")
    record, score = judged(EXERCISES["shapes.signed_distance"], path)
    assert score.earned == 0
    if way != "swallowed":
        assert {case.verdict for case in record.cases} == {Verdict.RULE}
        assert record.observed.tripped == (READY,)


def test_its_sign_is_no_answer_to_the_even_odd_rule(judged, tmp_path):
    path = tmp_path / "sign.py"
    path.write_text(HEAD + "def inside(points, polygons, rule):\n    return held(points, polygons) < 0\n", encoding="utf-8")
    record, score = judged(EXERCISES["shapes.inside"], path)
    assert score.earned == 0 and {case.verdict for case in record.cases} == {Verdict.RULE}


def test_ready_masks_are_no_answer_to_the_rasteriser(judged, tmp_path):
    path = tmp_path / "masks.py"
    path.write_text(
        "from vislab.geometry.outlines import soft_masks as held\n\n\n"
        "def coverage(polygons, height, width, extent, tau):\n    return held(polygons, height, width, extent=extent, tau=tau)\n",
        encoding="utf-8",
    )
    record, score = judged(EXERCISES["shapes.coverage"], path)
    assert score.earned == 0 and {case.verdict for case in record.cases} == {Verdict.RULE}
    unwatched = type(EXERCISES["shapes.coverage"])()
    unwatched.tripwires = ()
    record, score = judged(unwatched, path, secret=1)
    assert score.earned == unwatched.points_total, [(case.name, case.text) for case in record.cases if case.text]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("cyclic_distance", "def cyclic_distance(first, second):\n    return held(first, second)\n"),
        (
            "cyclic_distance",
            "def cyclic_distance(first, second):\n    count = first.shape[2]\n"
            "    place = (torch.arange(count) + half(first.detach(), second.detach())[:, None]) % count\n"
            "    other = second.gather(2, place[:, None].expand(-1, 2, -1))\n"
            "    return (first - other).square().sum(dim=1).mean(dim=1)\n",
        ),
        ("cyclic_distance_loop", "def cyclic_distance_loop(first, second):\n    return held(first[None], second[None])[0]\n"),
    ],
    ids=["the whole", "half of it", "one pair"],
)
def test_the_ready_distance_of_rings_is_no_answer_to_either_exercise(judged, tmp_path, name, code):
    path = tmp_path / f"{name}.py"
    head = "import torch\nfrom vislab.geometry.correspondence import _best_start as half\n"
    head += "from vislab.geometry.correspondence import start_invariant_distance as held\n\n\n"
    path.write_text(head + code, encoding="utf-8")
    exercise = EXERCISES[f"shapes.{name}"]
    record, score = judged(exercise, path)
    assert score.earned == 0 and {case.verdict for case in record.cases} == {Verdict.RULE}
    # the twin: without the tripwire it is right.
    unwatched = type(exercise)()
    unwatched.tripwires = ()
    record, score = judged(unwatched, path, secret=1)
    assert score.earned == unwatched.points_total, [(case.name, case.text) for case in record.cases if case.text]


def test_the_same_answer_keeps_its_marks_where_the_wire_is_not_drawn(judged, tmp_path):
    """The twin: without the tripwire the ready distance is right, so it is the wire that stops it."""
    exercise = type(EXERCISES["shapes.signed_distance"])()
    exercise.tripwires = ()
    path = tmp_path / "unwatched.py"
    path.write_text(HEAD + DISTANCES["held from before"], encoding="utf-8")
    record, score = judged(exercise, path, secret=1)
    assert score.earned == exercise.points_total, [(case.name, case.text) for case in record.cases if case.text]


def test_it_works_again_afterwards_and_where_it_is_allowed(judged, tmp_path):
    path = tmp_path / "coverage_by_it.py"
    path.write_text(
        HEAD + "def coverage(polygons, height, width, extent, tau):\n"
        "    x = ((2 * torch.arange(width, dtype=polygons.dtype) + 1) / width - 1) * extent\n"
        "    y = (1 - (2 * torch.arange(height, dtype=polygons.dtype) + 1) / height) * extent\n"
        "    at = torch.stack([x.repeat(height), y.repeat_interleave(width)], dim=1)\n"
        "    return torch.sigmoid(-held(at, polygons) / tau).unflatten(1, (1, height, width))\n",
        encoding="utf-8",
    )
    exercise = EXERCISES["shapes.coverage"]
    assert judged(exercise, path)[1].earned == exercise.points_total
    assert outlines.signed_distance.__code__.co_name == "signed_distance"
