"""The numbers in the text of notebook 3 of assignment 2 are right."""

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from course_assignments import ASSIGNMENTS

from autograder.authoring.cell import Role
from vislab.data import open_dataset

NOTEBOOK = "3_correspondence"
ICONS = Path(__file__).resolve().parents[2] / "data" / "icons.h5"
ORIGINAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "ImagerIcon_subset.hdf5"


@pytest.fixture(scope="module")
def prose(text):
    """The notebook's text, wherever its lines are broken."""
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="module")
def a2():
    return ASSIGNMENTS["a2_shapes"].exercises


@pytest.fixture(scope="module")
def tools(lessons):
    """The lesson's own functions, on the lesson's solutions."""
    lesson, space = lessons[NOTEBOOK], {}
    exec(lesson.setup_source, space)
    for name in lesson.exercises:
        exec(lesson.solution_source(name), space)
    wanted = ("def align_starts(", "def linear_error(", "def plain_loss(", "def train_with(")
    for cell in lesson.cells:
        if not cell.is_markdown and any(word in cell.source for word in wanted):
            # definitions only: what follows them reads data sets.
            exec(re.split(r"\n(?=starts = )", cell.source)[0], space)
    (cell,) = [cell.source for cell in lesson.cells if not cell.is_markdown and "def restart(" in cell.source]
    exec(cell[cell.index("def restart(") : cell.index("\n\n\nprint(")], space)
    return space


@pytest.fixture(scope="module")
def icons():
    """Outlines of the training part, and named ones."""
    if not ICONS.exists():
        pytest.skip(f"{ICONS} is not there; build it with: make lesson-data")
    table = open_dataset(ICONS)
    polygons, keep, split = (table[name].tensor() for name in ("polygon", "has_polygon", "split"))
    names = [str(name) for name in table["name"][:]]
    return polygons[keep & (split == 0)].double(), polygons[keep & (split == 1)].double(), lambda name: polygons[names.index(name)].double()


def plain(first, second):
    """Mean squared distance, vertex with vertex."""
    return float((first - second).square().sum(dim=0).mean())


def test_a_heart_is_farther_from_itself_than_from_an_airplane(icons):
    _, _, icon = icons
    heart, plane = icon("heart"), icon("airplane")
    assert plain(heart, plane) < min(plain(heart, heart.roll(-shift, 1)) for shift in (12, 30, 48))
    assert plain(heart, heart) == 0.0


def test_three_versions_agree(tools, icons):
    train, _, _ = icons
    first, second = train[:8], train[8:16]
    loop = torch.stack([tools["cyclic_distance_loop"](a, b) for a, b in zip(first, second)])
    assert float((loop - tools["cyclic_distance"](first, second)).abs().max()) < 1e-14
    assert float((loop - tools["shift_costs"](first, second).amin(dim=1)).abs().max()) < 1e-14
    # and a fault of a millionth of a unit would be seen.
    assert float((loop - tools["cyclic_distance"](first + 1e-6, second)).abs().max()) > 1e-10


def test_distance_is_symmetric_and_blind_to_the_start(tools, icons):
    train, _, _ = icons
    first, second = train[:5], train[20:25]
    distance = tools["cyclic_distance"](first, second)
    assert torch.allclose(tools["cyclic_distance"](second, first), distance, atol=1e-12)
    assert torch.allclose(tools["cyclic_distance"](first.roll(17, 2), second.roll(-40, 2)), distance, atol=1e-12)
    assert not torch.allclose(tools["cyclic_distance"](first.flip(2), second), distance, atol=1e-3)


def test_gradient_is_that_of_the_best_alignment(tools, icons):
    train, _, _ = icons
    first, second = train[:5].clone().requires_grad_(), train[20:25]
    (gradient,) = torch.autograd.grad(tools["cyclic_distance"](first, second).sum(), first)
    shifts = tools["shift_costs"](first.detach(), second).argmin(dim=1)
    for a, b, shift, found in zip(first.detach(), second, shifts, gradient):
        assert torch.allclose(found, 2 / 96 * (a - b.roll(-int(shift), 1)), atol=1e-12)


def test_mirrored_hands(tools, icons, prose):
    _, _, icon = icons
    hand = icon("hand-back-left")[None]
    other = hand * torch.tensor([[-1.0], [1.0]]).double()
    scale, rotation, translation = tools["procrustes"](hand, other)
    residual = float((scale[:, None, None] * rotation @ hand + translation[..., None] - other).square().sum())
    assert f"{residual:.1f}" == "96.5" and "almost a hundred in the case of the two hands" in prose
    assert abs(float(torch.linalg.det(rotation)) - 1) < 1e-12
    assert f"{float(scale):.1f}" == "0.2" and "a fifth of its size" in prose
    x, y = hand - hand.mean(dim=2, keepdim=True), other - other.mean(dim=2, keepdim=True)
    left, sizes, right = torch.linalg.svd(y @ x.mT)
    free = float((sizes.sum() / x.square().sum() * left @ right @ x - y).square().sum())
    assert free < 1e-20 and float(torch.linalg.det(left @ right)) < 0


def test_procrustes_recovers_what_was_done(tools, icons):
    train, _, _ = icons
    angle, scale, shift = torch.tensor(1.9).double(), 0.6, torch.tensor([0.4, -0.2]).double()
    turn = torch.stack((torch.stack((angle.cos(), -angle.sin())), torch.stack((angle.sin(), angle.cos()))))
    found = tools["procrustes"](train[:6], scale * turn @ train[:6] + shift[:, None])
    assert float((found[0] - scale).abs().max()) < 1e-12
    assert float((found[1] - turn).abs().max()) < 1e-12
    assert float((found[2] - shift).abs().max()) < 1e-12


def test_the_residual_that_the_text_gives_for_a_shift(a2, icons):
    _, _, icon = icons
    source, target = icon("horse"), icon("elephant")
    source, target = source - source.mean(dim=1, keepdim=True), target - target.mean(dim=1, keepdim=True)
    x, y = torch.complex(*source), torch.complex(*target)
    fit, shift = a2["shapes.cyclic_procrustes"].reference(source[None], target[None])
    product = (x.roll(-int(shift)).conj() * y).sum()
    expected = y.abs().square().sum() - product.abs().square() / x.abs().square().sum()
    assert abs(float((fit[0] - target).square().sum() - expected)) < 1e-9


def test_cost_of_the_generalised_mean_never_rises_and_the_first_round_is_not_the_last(tools, icons):
    _, _, icon = icons
    generator = torch.Generator().manual_seed(6)
    drawings = icon("horse") + 0.5 * torch.randn(20, 2, 96, generator=generator, dtype=torch.float64)
    _, costs = tools["generalised_mean"](drawings, rounds=8)
    assert bool((costs.diff() <= 1e-12).all()) and float(costs[0] - costs[-1]) > 1e-6


def test_what_ten_numbers_leave(tools, icons, prose):
    train, _, _ = icons
    random = tools["restart"](train, torch.Generator().manual_seed(9))
    aligned = tools["align_starts"](random, rounds=12)
    left = [tools["linear_error"](shapes, 10) for shapes in (random, train, aligned)]
    assert [f"{error:.4f}" for error in left] == re.findall(r"\*\*(0\.0\d{3})\*\*", prose)
    assert 1 - left[2] / left[0] > 0.4 and "over 40 % of the error" in prose


def test_linear_error_is_what_a_projection_leaves(tools):
    shapes = torch.randn(30, 2, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    flat = shapes.flatten(1) - shapes.flatten(1).mean(dim=0)
    _, vectors = torch.linalg.eigh(flat.T @ flat)
    basis = vectors[:, -4:]
    assert abs(float((flat - flat @ basis @ basis.T).square().mean()) - tools["linear_error"](shapes, 4)) < 1e-12


@pytest.mark.needs_original
def test_the_first_file_gains_as_much(tools, prose):
    shapes = open_dataset(ORIGINAL)["polygon"].tensor().double()
    raw, aligned = tools["linear_error"](shapes, 10), tools["linear_error"](tools["align_starts"](shapes, rounds=12), 10)
    assert (f"{raw:.3f}", f"{aligned:.3f}") == ("0.022", "0.014") and "from 0.022 to 0.014" in prose


def test_a_net_without_order_draws_a_ball_of_wool(tools, icons, prose):
    train, held, _ = icons
    tools["train"] = train.float()
    unseen = tools["restart"](held.float(), torch.Generator().manual_seed(5))
    ordered, without = tools["cyclic_loss"], tools["chamfer_loss"]
    mean = float(ordered(train.float().mean(dim=0).expand_as(unseen), unseen).mean())
    with torch.no_grad():
        drawn = {name: torch.enable_grad()(tools["train_with"])(tools[name], 200)(unseen) for name in ("plain_loss", "chamfer_loss")}
    errors = {name: (float(ordered(one, unseen).mean()), float(without(one, unseen).mean())) for name, one in drawn.items()}
    # half of the notebook's steps: the net trained without order is as good without order, and far worse than nobody with it.
    assert errors["chamfer_loss"][1] < 1.3 * errors["plain_loss"][1]
    assert errors["chamfer_loss"][0] > 5 * mean > 2 * errors["plain_loss"][0]
    assert "ten times that of *the mean icon for everybody*" in prose
    crossings = [float(self_crossings(one).median()) for one in drawn.values()]
    assert crossings[1] > 1000 > 20 > crossings[0]


def self_crossings(shapes):
    """Pairs of edges that cross, for each polygon [B, 2, N]."""
    start, end = shapes, shapes.roll(-1, 2)

    def side(a, b, c):
        return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])

    a, b, c, d = start[..., None], end[..., None], start[:, :, None], end[:, :, None]
    crosses = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
    return crosses.sum(dim=(1, 2)) / 2


def test_self_crossings_of_a_bow_tie():
    square = torch.tensor([[[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0]]])
    assert float(self_crossings(square)) == 0 and float(self_crossings(square[:, :, [0, 2, 1, 3]])) == 1


def test_same_vertices_other_outline(tools):
    # the answer to the first question of section 7: four vertices, twice.
    square = torch.tensor([[[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0]]])
    bow = square[:, :, [0, 2, 1, 3]]
    everything = torch.ones(1, 4, dtype=torch.bool)
    assert float(tools["chamfer"](square, bow, everything, everything)) == 0
    assert float(tools["cyclic_distance"](square, bow)) > 0.4


def test_memory_of_two_scans(prose):
    assert 20_000**2 == 400e6 and "400 million entries, 1.6 GB" in prose and 400e6 * 4 / 1e9 == 1.6


def test_the_text_counts_the_wrong_implementations(a2, prose):
    assert len(a2["shapes.test_cyclic_distance"].cases()) == 18 and "eighteen wrong ones" in prose


def test_triangle_inequality_of_the_written_question(tools, icons):
    train, _, _ = icons
    first, second, third = train[:40], train[100:140], train[200:240]
    direct, one, two = (tools["cyclic_distance"](*pair).sqrt() for pair in ((first, third), (first, second), (second, third)))
    assert bool((direct <= one + two + 1e-12).all())
    place = torch.tensor([0.0, 1.0, 2.0]).reshape(3, 1, 1) * torch.tensor([[1.0], [0.0]])
    near, near_too, far = (float(tools["cyclic_distance"](place[a : a + 1], place[b : b + 1])) for a, b in ((0, 1), (1, 2), (0, 2)))
    assert (near, near_too, far) == (1.0, 1.0, 4.0)
    # the best shifts do not add up in general.
    k, m, direct = (tools["shift_costs"](*pair).argmin(dim=1) for pair in ((first, second), (second, third), (first, third)))
    assert bool(((k + m) % 96 != direct).any())


def test_means_without_a_size_collapse():
    # the written question, part 3: scales in every round, and nothing that keeps the mean's size.
    shapes = torch.randn(6, 9, generator=torch.Generator().manual_seed(2), dtype=torch.complex128)
    units = shapes - shapes.mean(dim=1, keepdim=True)
    units = units / units.abs().square().sum(dim=1, keepdim=True).sqrt()
    mean, costs = units[0], []
    for _ in range(60):
        fitted = units * (units.conj() * mean).sum(dim=1, keepdim=True)
        mean = fitted.mean(dim=0)
        costs.append(float((fitted - mean).abs().square().sum()))
    assert all(later <= earlier for earlier, later in pairwise(costs)) and costs[-1] < 1e-6
    assert float(mean.abs().max()) < 1e-3 and math.isfinite(costs[0])


def test_the_written_question_is_not_answered_by_the_text(lessons):
    shown = "\n".join(cell.source for cell in lessons[NOTEBOOK].cells if cell.role is not Role.QUESTION)
    for told in ("triangle inequality holds", "shrunk to a point", "Minkowski", "flat key"):
        assert told not in shown, told


@pytest.mark.needs_original
def test_the_notebook_runs_on_the_first_file(lessons, monkeypatch):
    import matplotlib.pyplot

    matplotlib.use("Agg")
    # lessons of other notebooks that ran before leave their figures open, and "finished" is a name in each.
    matplotlib.pyplot.close("all")
    monkeypatch.setenv("VISLAB_ICONS", str(ORIGINAL))
    monkeypatch.setenv("VISLAB_BUDGET", "small")
    lesson, space = lessons[NOTEBOOK], {}
    for cell in lesson.cells:
        if cell.role is Role.EXERCISE:
            exec(lesson.solution_source(cell.name), space)
        elif not cell.is_markdown and cell.role is not Role.CHECK:
            exec(cell.source, space)
    assert len(space["train"]) == 34 and space["ICONS"] == str(ORIGINAL)
