"""What the text of notebook 5 says is so."""

import contextlib
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from assignments.a2_shapes.exercises.circular_conv import CircularConv, written_out
from assignments.a2_shapes.exercises.invariant_encoder import features, material
from assignments.a2_shapes.exercises.outlines_from_pictures import OutlinesFromPictures, overlap, task
from assignments.a2_shapes.invariance_by_seed import LESSON, lesson_names, main, overlap_of_seed, spread, table, ways_of_seed
from autograder.authoring.cell import Role
from autograder.exercise.behaviour import Band
from autograder.exercise.draw import Draw
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.scoring import score
from autograder.judge.session import CheckSession

NOTEBOOK = "5_invariance"


@pytest.fixture(scope="module")
def instructors_page():
    return (LESSON.parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def setup(lessons):
    space = {}
    exec(lessons[NOTEBOOK].setup_source, space)
    return space


def test_code_stays_for_every_roll_at_stride_one_and_for_multiples_of_the_stride_alone():
    for stride in (1, 2, 3, 6):
        inputs = material(2, 12, stride=stride)(Draw(b"a roll"))
        (polygons,), weights = inputs.args, inputs.weights
        codes = [features(polygons.roll(k, dims=2), weights, stride).mean(dim=2) for k in range(12)]
        stays = [k for k in range(12) if (codes[k] - codes[0]).abs().max() < 1e-6]
        assert stays == list(range(0, 12, stride))


def test_zero_padding_is_seen_to_break_the_invariance():
    signal, weight, bias, _ = (torch.randn(1, 2, 12), torch.randn(3, 2, 5), torch.randn(3), 1)
    padded = [F.conv1d(signal.roll(k, 2), weight, bias, padding=2).relu().mean(dim=2) for k in (0, 3)]
    ring = [written_out(signal.roll(k, 2), weight, bias).relu().mean(dim=2) for k in (0, 3)]
    assert (padded[0] - padded[1]).abs().max() > 1e-3 and (ring[0] - ring[1]).abs().max() < 1e-5


def test_strides_that_the_written_question_leaves_open():
    assert [s for s in range(2, 13) if 12 % s == 0 and 24 % s == 0] == [2, 3, 4, 6, 12]


def test_coverage_adds_up_to_the_area_and_has_a_gradient(setup):
    angle = torch.arange(48, dtype=torch.float64) * (2 * torch.pi / 48)
    circle = torch.stack((0.2 + 0.9 * angle.cos(), -0.1 + 0.6 * angle.sin()))[None].requires_grad_(True)
    area = setup["coverage"](circle, 64).sum() * (3.2 / 64) ** 2
    x, y = circle[0]
    shoelace = (x * y.roll(-1) - x.roll(-1) * y).sum() / 2
    # a border of 0.06 makes a convex shape larger by some percent.
    assert 1 < float((area / shoelace).detach()) < 1.03
    (slope,) = torch.autograd.grad(area, circle)
    # Euler: the area is of degree two in the vertices.
    assert abs(float(((slope * circle).sum() / (2 * area)).detach()) - 1) < 0.03


def test_mean_shape_reaches_half_and_the_labels_are_poisoned(text):
    values = []
    for seed in (b"one", b"two"):
        inputs = task(Draw(seed))
        assert inputs.args[2].isnan().all()
        values.append(float(overlap(OutlinesFromPictures().baseline(*inputs.args), inputs.withheld[0])))
    assert all(0.44 < value < 0.56 for value in values) and "the mean shape reaches about 0.5" in text


def test_overlap_of_a_shape_with_itself_is_one_and_with_its_mirror_image_less():
    shapes = task(Draw(b"three")).withheld[0]
    assert float(overlap(shapes, shapes.roll(5, dims=2).flip(2))) == 1.0
    assert float(overlap(shapes * torch.tensor([[1.0], [-1.0]]), shapes)) < 0.7


def marked(answer):
    exercise = CircularConv()
    record = CheckSession(exercise, SeedSource(b"s" * 32, "a submission"), 30.0).run(LocalExchange(answer, {}))
    return record, score(exercise, record)


def test_public_cases_learnt_by_heart_earn_nothing():
    exercise = CircularConv()
    shown = [case.inputs(exercise.public_seed(case)).args[0] for case in exercise.cases() if case.public]

    def by_heart(signal, weight, bias, stride=1):
        right = written_out(signal, weight, bias, stride)
        return right if any(signal.shape == one.shape and torch.allclose(signal.double(), one, atol=1e-5) for one in shown) else 0 * right

    inputs = exercise.cases()[0].inputs(exercise.public_seed(exercise.cases()[0])).args
    assert torch.equal(by_heart(*inputs), exercise.reference(*inputs))
    # when graded, public cases are drawn anew as well.
    assert marked(by_heart)[1].earned == 0


def by_aten(rows, weight, bias, stride):
    return torch.ops.aten.conv1d(rows, weight, bias, [stride])


@pytest.mark.parametrize(("early", "earned"), [(torch.conv1d, 0.0), (F.conv1d, 0.0), (by_aten, 6.5)])
def test_a_built_in_by_another_name_is_seen_and_costs_what_the_instructors_page_says(instructors_page, early, earned):
    def aliased(signal, weight, bias, stride=1):
        side = weight.shape[2] // 2
        return early(signal[:, :, torch.arange(-side, signal.shape[2] + side) % signal.shape[2]], weight, bias, stride)

    record, marks = marked(aliased)
    assert "aten::convolution" in record.observed.forbidden or record.observed.tripped
    assert str(marks.verdict) == "RULE"
    assert marks.earned == earned and "6.5 of 7" in instructors_page


def test_steps_beyond_the_budget_cost_the_points_of_the_rule():
    class Short(OutlinesFromPictures):
        # one step and a band that the mean shape reaches: the budget is what is looked at.
        probe = replace(OutlinesFromPictures.probe, steps=1, bands=(Band(low=0.4),))

    def taking(extra):
        def answer(pictures, masks, labels, hidden, *, steps, seed):
            optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
            for _ in range(steps + extra):
                optimiser.step()
            return OutlinesFromPictures().baseline(pictures, masks, labels, hidden)

        record = CheckSession(Short(), SeedSource(b"s" * 32, "a submission"), 60.0).run(LocalExchange(answer, {}))
        return score(Short(), record).earned

    assert taking(0) == 5.0 and taking(1) == 4.5


def test_a_threshold_of_colours_draws_outlines_without_training_as_the_instructors_page_says(instructors_page):
    found = []
    for seed in (b"draw 0", b"draw 9"):
        inputs = task(Draw(seed))
        found.append(float(overlap(by_threshold(*inputs.args), inputs.withheld[0])))
    # some colours are told apart by a threshold, others drown in the noise.
    assert found[0] > 0.8 and found[1] < 0.6
    assert "0.776 ± 0.084" in instructors_page


def by_threshold(pictures, masks, labels, hidden):
    flat, inside = pictures.movedim(1, -1).reshape(-1, 3), masks.flatten() > 0.5
    ink, paper = flat[inside].mean(dim=0), flat[~inside].mean(dim=0)
    likely = F.avg_pool2d(((hidden.movedim(1, -1) - (ink + paper) / 2) @ (ink - paper))[:, None], 3, 1, 1)
    found = (likely > 0).double()  # [M, 1, S, S]
    place = (torch.arange(found.shape[-1]) + 0.5) * (3.2 / found.shape[-1]) - 1.6
    y, x = torch.meshgrid(-place, place, indexing="ij")
    middle = torch.stack([(found * axis).sum(dim=(1, 2, 3)) / found.sum(dim=(1, 2, 3)).clamp(min=1) for axis in (x, y)], dim=1)
    angle, away = torch.arange(labels.shape[2], dtype=torch.float64) * (2 * torch.pi / labels.shape[2]), torch.linspace(0, 1.6, 65).double()
    ray = torch.stack((angle.cos(), angle.sin()), dim=-1)
    grid = (middle[:, None, None] + away[:, None, None] * ray) * torch.tensor([1.0, -1.0]) / 1.6
    radius = (2 * (F.grid_sample(found, grid, align_corners=False)[:, 0] * away[:, None]).sum(dim=1) * 0.025).sqrt()
    return (middle[:, None] + radius[..., None] * ray).transpose(1, 2)


def test_a_fourier_transform_is_an_answer():
    def transformed(signal, weight, bias, stride=1):
        vertices, taps = signal.shape[2], weight.shape[2]
        if not len(signal):
            return signal.new_zeros(0, len(bias), len(range(0, vertices, stride)))
        ring = weight.new_zeros(*weight.shape[:2], vertices).index_add(2, (torch.arange(taps) - taps // 2) % vertices, weight)
        product = torch.einsum("bcn,ocn->bon", torch.fft.fft(signal), torch.fft.fft(ring).conj())
        return (torch.fft.ifft(product).real + bias[:, None])[:, :, ::stride]

    assert marked(transformed)[1].earned == 7.0


@pytest.fixture(scope="module")
def small():
    """What the lesson defines, with few outlines beside."""
    with contextlib.redirect_stdout(None):
        names = lesson_names(LESSON.read_text(encoding="utf-8"))
    names["short"] = names["train"][:64]
    return names


def test_ways_see_the_same_batches_and_begin_with_the_same_decoder(small):
    torch.manual_seed(0)
    flat = small["autoencoder"](False)
    torch.manual_seed(0)
    ring = small["autoencoder"](True)
    assert all(torch.equal(one, other) for one, other in zip(flat[1].parameters(), ring[1].parameters()))
    sizes = [sum(weight.numel() for weight in net[0].parameters()) for net in (flat, ring)]
    assert sizes == [13706, 13442]


def test_sizes_stand_in_the_text(text):
    assert "13,706 numbers, 13,442 on the ring" in text


def test_share_of_the_start_is_nothing_for_the_ring_and_everything_for_a_code_that_holds_the_start_alone(small):
    torch.manual_seed(1)
    assert small["start_share"](small["autoencoder"](True)[0]) < 1e-6

    class First(torch.nn.Module):
        def forward(self, polygons):
            # the place of the topmost vertex, and nothing about the shape.
            return torch.nn.functional.one_hot(polygons[:, 1].argmax(dim=1), polygons.shape[2]).float()

    class Size(torch.nn.Module):
        def forward(self, polygons):
            return polygons.square().sum(dim=(1, 2))[:, None]

    # two vertices may be topmost.
    assert small["start_share"](First()) > 0.99
    assert small["start_share"](Size()) < 1e-6


def test_rolling_both_asks_for_what_comes_in(small):
    torch.manual_seed(2)
    seen = []
    name = "start_invariant_distance"
    original, small[name] = small[name], lambda answer, wanted: seen.append(wanted) or original(answer, wanted)
    kept = dict(small["WAYS"])
    try:
        # the loss is told what was asked for; both ways with the ring's loss, whose target is then recorded.
        small["WAYS"] |= {"input": (False, True, True, False), "both": (False, True, True, True)}
        for way in ("input", "both"):
            small["train_way"](way, small["short"], 1, seed=3)
    finally:
        small[name] = original
        small["WAYS"].clear()
        small["WAYS"].update(kept)
    as_stored, rolled = seen
    stored = {tuple(one.flatten().tolist()) for one in small["short"]}
    assert {tuple(one.flatten().tolist()) for one in as_stored} <= stored
    assert not {tuple(one.flatten().tolist()) for one in rolled} <= stored
    assert float(original(as_stored, rolled).abs().max()) < 1e-4


def test_table_by_seed_has_a_row_for_every_way(small):
    first = ways_of_seed(small, 0, count=1)
    lines = table([first, first], ("with a rule", "without")).split("\n")
    assert len(lines) == 2 + len(small["WAYS"]) and all(line.count("|") == 6 for line in lines)
    assert all(0 <= share <= 1 for _, share in first.values()) and " ± 0.000" in lines[2]
    assert 0 < overlap_of_seed(small, 0, count=1) < 1
    assert spread([1.0], 2) == "1.00"


def test_lesson_without_a_training_is_named():
    with pytest.raises(LookupError, match=r"defines no .*train_way.*; the tables need them"):
        lesson_names("# %% setup=true\ndef coverage(): ...\n")


def test_command_line_refuses_no_seeds(capsys):
    with pytest.raises(SystemExit):
        main(["--seeds", "0"])
    assert "--seeds 0 must be at least 1" in capsys.readouterr().err


@pytest.mark.needs_original
def test_lesson_runs_on_the_original_file(lessons, tmp_path):
    from tests.conftest import ORIGINAL_ICONS

    cells = [c.source for c in lessons[NOTEBOOK].cells if not c.is_markdown and c.role is not Role.CHECK]
    script = tmp_path / "lesson.py"
    script.write_text("\n\n".join(cells), encoding="utf-8")
    small = {"VISLAB_ICONS": str(ORIGINAL_ICONS), "VISLAB_BUDGET": "small", "VISLAB_CI": "1", "MPLBACKEND": "agg"}
    done = subprocess.run([sys.executable, script], env=os.environ | small, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
