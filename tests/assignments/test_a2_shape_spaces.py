"""The numbers in the text of notebook 4 of assignment 2 are right."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from course_assignments import ASSIGNMENTS

from assignments.a2_shapes.spaces_by_size import LESSON, lesson_names, main, net_rows, pca_rows, random_starts
from assignments.lesson_code import markdown_table
from autograder.authoring.cell import Role
from vislab.data import open_dataset

NOTEBOOK = "4_shape_spaces"
REPOSITORY = Path(__file__).resolve().parents[2]
ICONS = REPOSITORY / "data" / "icons.h5"
ORIGINAL = REPOSITORY.parent / "shared" / "data" / "ImagerIcon_subset.hdf5"


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
    return space


@pytest.fixture(scope="module")
def files(tools):
    """Training and held-out outlines in the three files of section 1."""
    if not ICONS.exists():
        pytest.skip(f"{ICONS} is not there; build it with: make lesson-data")
    table = open_dataset(ICONS)
    polygons, keep, part = (table[name].tensor() for name in ("polygon", "has_polygon", "split"))
    train, held = polygons[keep & (part == 0)].double(), polygons[keep & (part == 1)].double()
    generator = torch.Generator().manual_seed(0)
    scattered = [tools["restart"](each, torch.randint(each.shape[2], (len(each),), generator=generator)) for each in (train, held)]
    aligned, middle = tools["aligned_starts"](train)
    return {
        "random": scattered,
        "topmost": [train, held],
        "aligned": [aligned, tools["restart"](held, tools["best_start"](held, middle))],
    }


def left_over(a2, shapes, others, k):
    """Error of a coordinate on others, explained share and total on the shapes, by the references."""
    mean, modes, _, explained = a2["shapes.fit_pca"].reference(shapes, k)
    codes = a2["shapes.project"].reference(others, mean, modes)
    back = a2["shapes.reconstruct"].reference(codes, mean, modes)
    return float((others - back).square().mean()), float(explained), float((shapes - mean).square().mean())


def test_explained_share_falls_and_error_falls(a2, files):
    seen = {name: left_over(a2, train, train, 10) for name, (train, _) in files.items()}
    assert [f"{seen[name][0]:.4f}" for name in files] == ["0.0237", "0.0143", "0.0135"]
    assert [f"{seen[name][1]:.3f}" for name in files] == ["0.977", "0.898", "0.882"]
    # the model answer: "by a factor of nine" against "less than a factor of two", and two modes for nine tenths.
    assert 8.5 < seen["random"][2] / seen["aligned"][2] < 9.5 and 1 < seen["random"][0] / seen["aligned"][0] < 2
    assert left_over(a2, files["random"][0], files["random"][0], 2)[1] > 0.9


def test_two_modes_of_random_starts_are_a_phase(a2, files):
    shapes = files["random"][0]
    _, modes, _, _ = a2["shapes.fit_pca"].reference(shapes, 2)
    angle = torch.arange(96) * 2 * math.pi / 96
    # the circle begun elsewhere: x = cos(n + phase), y = sin(n + phase), in either direction of turning.
    for turning in (1, -1):
        circle = torch.stack([torch.stack((angle.cos(), turning * angle.sin())), torch.stack((angle.sin(), -turning * angle.cos()))])
        angles = a2["shapes.principal_angles"].reference(modes.flatten(1).T, circle.flatten(1).T.double())
        if turning == -1:
            # the icons run clockwise.
            assert float(angles.max()) < 0.1
        else:
            assert float(angles.max()) > 1.0


def test_topmost_is_better_on_held_out_icons_only(a2, files):
    seen, held = ([left_over(a2, files[name][0], files[name][part], 10)[0] for name in ("topmost", "aligned")] for part in (0, 1))
    assert seen[0] > seen[1] and held[0] < held[1]


def test_lost_is_what_was_dropped(a2, files):
    shapes = files["aligned"][0]
    mean, modes, variance, explained = a2["shapes.fit_pca"].reference(shapes, 10)
    total = (shapes - mean).square().sum(dim=(1, 2)).mean()
    assert abs(float(total - variance.sum()) - 192 * left_over(a2, shapes, shapes, 10)[0]) < 1e-9
    assert f"{float(total - variance.sum()):.3f}" == "2.597" and abs(float(variance.sum() / total - explained)) < 1e-12
    assert mean.numel() + modes.numel() == 2112


def test_as_many_modes_as_the_rank_lose_nothing(a2, files):
    few = files["topmost"][0][::500]
    assert len(few) == 7
    assert left_over(a2, few, few, 6)[0] < 1e-25 and left_over(a2, few, few, 5)[0] > 1e-4


def test_parameters_of_the_autoencoder(tools):
    model = tools["ShapeAutoencoder"](96, hidden=128, codes=10)
    assert sum(weight.numel() for weight in model.parameters()) == 52_170
    # one more unit in a layer would be seen.
    assert sum(weight.numel() for weight in tools["ShapeAutoencoder"](96, hidden=129, codes=10).parameters()) != 52_170


def test_no_plane_is_better_than_pca(a2):
    """The descent of a linear autoencoder ends in PCA's plane, from a random start and with known variances."""
    generator = torch.Generator().manual_seed(0)
    shapes = torch.randn(60, 2, 4, generator=generator, dtype=torch.float64) * torch.linspace(2.0, 0.3, 8, dtype=torch.float64).reshape(
        2, 4
    )
    mean, modes, variance, _ = a2["shapes.fit_pca"].reference(shapes, 2)
    away = (shapes - mean).flatten(1)
    inner, outer = (0.3 * torch.randn(*size, generator=generator, dtype=torch.float64) for size in ((8, 2), (2, 8)))
    weights = [inner.requires_grad_(), outer.requires_grad_()]
    optimiser = torch.optim.LBFGS(weights, max_iter=300, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = (away @ weights[0] @ weights[1] - away).square().sum(dim=1).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    best = float(away.square().sum(dim=1).mean() - variance.sum())
    assert best - 1e-9 <= float(closure().detach()) < best + 1e-4
    angles = a2["shapes.principal_angles"].reference(weights[1].detach().T, modes.flatten(1).T)
    assert float(angles.max()) < 1e-2
    wrong = a2["shapes.principal_angles"].reference(weights[1].detach().T, torch.eye(8, dtype=torch.float64)[:, 6:])
    assert float(wrong.max()) > 1.0


def test_the_cosine_of_a_small_angle_is_one(text):
    assert math.cos(2e-4) < 1 and torch.cos(torch.tensor(2e-4)) == 1 and torch.cos(torch.tensor(1e-3)) < 1
    assert "below 2·10⁻⁴" in text


def test_divergence_by_hand(a2, text):
    mu, logvar = torch.tensor([[1.0, 0.0], [0.0, math.log(4)]], dtype=torch.float64)[:, None]
    by_hand = a2["shapes.kl_to_standard"].reference(mu, logvar)
    assert f"{float(by_hand):.5f}" == "1.30685" and "1.30685" in text
    # by the integral, on a grid: no closed form is asked.
    z = torch.linspace(-30, 30, 200_001, dtype=torch.float64)
    total = 0.0
    for mean, deviation in ((1.0, 1.0), (0.0, 2.0)):
        log_q = -((z - mean) ** 2) / (2 * deviation**2) - math.log(deviation * math.sqrt(2 * math.pi))
        log_p = -(z**2) / 2 - math.log(math.sqrt(2 * math.pi))
        total += float(torch.trapezoid(log_q.exp() * (log_q - log_p), z))
    assert abs(total - float(by_hand)) < 1e-9


def test_bounds_are_in_order_and_closed_form_holds(a2):
    """x = z + noise with known p(x): both bounds lie below it, the weighted one nearer."""
    generator, x = torch.Generator().manual_seed(0), 1.3
    z = 0.2 + 0.9 * torch.randn(400, 300, generator=generator, dtype=torch.float64)
    log_p = -0.5 * (x - z) ** 2 / 0.25 - 0.5 * math.log(2 * math.pi * 0.25) - 0.5 * z**2 - 0.5 * math.log(2 * math.pi)
    log_q = -0.5 * ((z - 0.2) / 0.9) ** 2 - math.log(0.9) - 0.5 * math.log(2 * math.pi)
    elbo, tighter = a2["shapes.lower_bounds"].reference(log_p - log_q)
    truth = -0.5 * x**2 / 1.25 - 0.5 * math.log(2 * math.pi * 1.25)
    assert bool((elbo <= tighter).all())
    assert float(elbo.mean()) < float(tighter.mean()) and abs(float(tighter.mean()) - truth) < 0.01


def test_ends_of_the_arc_are_the_codes(a2):
    first, second = (torch.randn(3, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in (0, 1))
    slerp = a2["shapes.slerp"].reference
    assert torch.allclose(slerp(first, second, 0.0), first, rtol=0, atol=1e-15) and torch.allclose(
        slerp(first, second, 1.0), second, rtol=0, atol=1e-15
    )
    # of unit vectors the arc keeps the length, and the line is shorter.
    first, second = first / first.norm(dim=1, keepdim=True), second / second.norm(dim=1, keepdim=True)
    assert torch.allclose(slerp(first, second, 0.4).norm(dim=1), torch.ones(3, dtype=torch.float64), atol=1e-12)
    assert bool(((0.6 * first + 0.4 * second).norm(dim=1) < 0.99).all())


def test_crossings_of_known_outlines(a2):
    around = torch.arange(5, dtype=torch.float64) * 4 * math.pi / 5
    star = torch.stack((around.cos(), around.sin()))
    bow = torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.5], [0.0, 1.0, 1.0, 0.0, -0.2]]).double()
    plain = torch.stack(((around / 2).cos(), (around / 2).sin()))
    assert a2["shapes.count_crossings"].reference(torch.stack((star, bow, plain))).tolist() == [5, 1, 0]


def test_the_middle_of_two_icons(tools, files, text):
    """The areas and crossings that section 5 prints."""
    table = open_dataset(ICONS)
    names = [str(name) for name in table["name"][:]]
    pair = torch.stack([table["polygon"].tensor()[names.index(name)] for name in ("heart", "airplane")]).double()
    middle = files["aligned"][0].mean(dim=0)
    found = []
    for ends in (tools["restart"](pair, torch.tensor([0, 32])), tools["restart"](pair, tools["best_start"](pair, middle))):
        strip = ends[0] + torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]).double()[:, None, None] * (ends[1] - ends[0])
        x, y = strip.unbind(dim=1)
        area = ((x * y.roll(-1, 1) - y * x.roll(-1, 1)).sum(dim=1) / 2).abs()
        found.append((tools["count_crossings"](strip).tolist(), [f"{float(value):.2f}" for value in area]))
    assert found[0] == ([0, 0, 7, 0, 0], found[0][1]) and found[0][1][2] == "1.24" and (found[0][1][0], found[0][1][4]) == ("5.68", "3.63")
    assert found[1][0] == [0] * 5 and found[1][1][2] == "4.65"


@pytest.fixture
def sized():
    """What the tables by size run on: the lesson's own names, on sixty icons."""
    if not ICONS.exists():
        pytest.skip(f"{ICONS} is not there; build it with: make lesson-data")
    names = lesson_names(LESSON.read_text(encoding="utf-8"))
    assert torch.equal(random_starts(names, 0)[1], names["FILES"]["random starts"][1]), "not the notebook's draw"
    names["FILES"] = {name: (train[:60], held[:20]) for name, (train, held) in names["FILES"].items()}
    return names


def test_tables_by_size_come_out_of_the_lessons_own_functions(sized):
    assert "vae" not in sized and "curves" not in sized, "a training of the lesson ran"
    drawn = random_starts(sized, 0)
    assert all(one.shape == two.shape for one, two in zip(drawn, sized["FILES"]["topmost starts"]))
    assert torch.equal(drawn[0][7].sort(dim=1).values, sized["FILES"]["topmost starts"][0][7].sort(dim=1).values)
    assert not torch.equal(drawn[0], random_starts(sized, 1)[0])
    rows = pca_rows(sized, [1, 5], 2)
    errors = [[float(cell) for cell in row] for row in rows]
    for place in (1, 2, 4, 5, 7, 8):
        assert errors[0][place] > errors[1][place], "more numbers, less error"
    for k, topmost in zip((1, 5), errors):
        explained = sized["fit_pca"](sized["FILES"]["topmost starts"][0], k)[3]
        assert abs(topmost[6] - float(explained)) < 1e-3 and topmost[0] == k


def test_nets_by_size_are_trained_by_the_seed(sized):
    one, two = net_rows(sized, [3], 2, 1), net_rows(sized, [3], 2, 2)
    assert [cell.count("/") for cell in one[0]] == [0, 1, 1, 1, 0] and [cell.count("/") for cell in two[0]] == [0, 1, 2, 2, 0]
    assert one[0][1] == two[0][1] and one[0][2] not in two[0][2]
    longer = net_rows(sized, [3], 60, 1)
    assert float(longer[0][2].split(" / ")[0]) < 0.8 * float(one[0][2].split(" / ")[0])


def test_a_lesson_without_what_the_tables_need_is_refused():
    text = '# %% [markdown]\n# # Title\n# %%\nFILES = restart = 1\n# %% check="shapes.fit_pca"\nundefined\n# %%\nundefined()\n'
    with pytest.raises(LookupError, match=r"4_shape_spaces.py defines no pca_errors and no ShapeAutoencoder and no train_net"):
        lesson_names(text)


def test_a_table_is_markdown():
    assert markdown_table(["k", "a"], [["1", "0.5"]]) == "| k | a |\n|---|---|\n| 1 | 0.5 |"


@pytest.mark.parametrize(("arguments", "words"), [(["--seeds", "0"], "--seeds 0 must be"), (["--steps", "-3"], "--steps -3 must be")])
def test_tables_of_nothing_are_refused(arguments, words, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert words in capsys.readouterr().err


@pytest.mark.needs_original
def test_lesson_runs_on_the_original_file(lessons, tmp_path):
    if not ORIGINAL.exists():
        pytest.skip(f"{ORIGINAL} is not there")
    code = [
        (cell.source if cell.role is not Role.EXERCISE else lessons[NOTEBOOK].solution_source(cell.name))
        for cell in lessons[NOTEBOOK].cells
        if not cell.is_markdown and not cell.source.startswith("check(")
    ]
    (tmp_path / "lesson.py").write_text("import matplotlib\n\nmatplotlib.use('Agg')\n" + "\n\n".join(code))
    settings = os.environ | {"VISLAB_ICONS": str(ORIGINAL), "VISLAB_CI": "1", "VISLAB_JUDGE": "/nowhere", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "lesson.py"], cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
