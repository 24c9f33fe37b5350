"""The picture of an error: points, maps, or none where none would help."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import matplotlib.pyplot as plt
import pytest
import torch
from call_plans import kernel_plan
from case_files import add_case

from vislab.check.compare import Target
from vislab.check.picture import draw_error, show_error
from vislab.show.errors import error_picture

pytestmark = pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def target(*shape: int) -> Target:
    value = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return Target(value, torch.float32, 1e-4, 1e-4)


def figure() -> Any:
    (number,) = plt.get_fignums()
    return plt.figure(number)


@pytest.mark.parametrize("shape", [(3, 2), (2, 5, 2), (200, 2)], ids=str)
def test_points_are_drawn_as_pairs(shape: tuple[int, ...]) -> None:
    wanted = target(*shape)
    assert draw_error(wanted, wanted.value + 1, "toy: points") is True
    (axes,) = figure().axes
    right, wrong = axes.collections
    count = min(64, wanted.value.numel() // 2)
    assert right.get_offsets().shape == wrong.get_offsets().shape == (count, 2) and len(axes.lines) == count
    assert (torch.tensor(wrong.get_offsets() - right.get_offsets()) - 1).abs().max() < 1e-9
    assert axes.get_title() == "toy: points"
    # y grows downwards, as in an image.
    assert axes.yaxis_inverted()


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 6, 7)], ids=str)
def test_maps_are_drawn_as_expected_yours_and_difference(shape: tuple[int, ...]) -> None:
    wanted = target(*shape)
    assert draw_error(wanted, wanted.value * 2, "toy: map") is True
    panels = figure().axes[:3]
    assert [axes.get_title().partition(":")[0] for axes in panels] == ["expected", "yours", "difference"]
    images = [torch.from_numpy(axes.images[0].get_array().data) for axes in panels]
    maps = wanted.value.reshape(-1, *shape[-2:])
    worst = maps[maps.abs().amax((1, 2)).argmax()]
    assert torch.equal(images[0], worst) and torch.equal(images[1], 2 * worst) and torch.equal(images[2], worst)


def test_the_map_that_is_wrong_is_the_one_that_is_drawn() -> None:
    wanted = target(3, 4, 6, 7)
    got = wanted.value.clone()
    got[2, 1] += 5
    assert draw_error(wanted, got, "toy: map") is True
    assert figure().axes[0].images[0].get_array().data.tolist() == wanted.value[2, 1].tolist()
    assert figure().get_suptitle() == "toy: map [2, 1]"


def test_small_square_matrices_are_tables_of_numbers_and_no_points() -> None:
    wanted = target(3, 4, 2, 2)
    got = wanted.value.clone()
    got[1, 2] += torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert draw_error(wanted, got, "toy: matrix") is True
    panels = figure().axes[:3]
    assert [axes.get_title() for axes in panels] == ["expected", "yours", "difference: 1 at x 0, y 0"]
    assert [text.get_text() for text in panels[2].texts] == ["1", "0", "0", "0"]
    assert [text.get_text() for text in panels[0].texts] == [f"{value:.4g}" for value in wanted.value[1, 2].flatten().tolist()]
    assert figure().get_suptitle() == "toy: matrix [1, 2]"


def test_a_long_title_stays_inside_the_picture() -> None:
    wanted = target(3, 2)
    draw_error(wanted, wanted.value + 1, "pose.pixel_to_norm: centres and outer corners, corner-aligned")
    drawn = figure()
    drawn.canvas.draw()
    box = drawn.axes[0].title.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= drawn.bbox.width


@pytest.mark.parametrize("shape", [(), (5,), (3, 3), (2,), (0, 2), (7, 3)], ids=str)
def test_where_a_picture_says_nothing_none_is_drawn(shape: tuple[int, ...]) -> None:
    assert draw_error(target(*shape), target(*shape).value + 1, "toy") is False
    assert plt.get_fignums() == []


def test_what_is_not_finite_is_not_drawn() -> None:
    wanted = target(3, 2)
    got = wanted.value.clone()
    got[0, 0] = float("nan")
    assert draw_error(wanted, got, "toy") is False
    assert plt.get_fignums() == []


@pytest.mark.usefixtures("cases")
def test_the_first_wrong_case_is_shown() -> None:
    assert show_error("toy.scale", lambda p: p * 3 if p.dtype is torch.bfloat16 else p + p, {}) is True
    assert figure().axes[0].get_title() == "toy.scale: bfloat16"


@pytest.mark.usefixtures("cases")
@pytest.mark.parametrize(
    "answer",
    [lambda p: p + p, lambda p: 1 / 0, lambda p: p[0], lambda p: None, lambda p: (p + p).detach()],
    ids=["right", "raises", "wrong shape", "nothing", "wrong gradient only"],
)
def test_an_error_without_wrong_values_has_no_picture(answer: Callable[..., Any]) -> None:
    assert show_error("toy.scale", answer, {}) is False
    assert plt.get_fignums() == []


def test_a_kernels_buffer_is_drawn_without_its_guards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    from student_kernels import no_work, row_sums

    # six row sums fill three points.
    x = torch.arange(24.0).reshape(6, 4)
    arguments = [{"in": 0}, {"out": 0}, {"value": 4}, {"stride": [0, 0]}, {"stride": [0, 1]}]
    plan, tensors = kernel_plan(x, arguments, [{"shape": [3, 2], "dtype": "float32", "guard_rows": 2}], [6], BLOCK=4)
    path = tmp_path / "cases.h5"
    with h5py.File(path, "w") as file:
        file.attrs["schema"] = 1
        add_case(file.create_group("toy.kernel"), "rows", "value", plan, tensors, {"out.0": (torch.ones(3, 2), "float32")})
    monkeypatch.setenv("VISLAB_CASES", str(path))
    grid = {"grid": lambda n: (n,)}
    # nothing written is nothing to draw.
    assert show_error("toy.kernel", no_work, grid) is False
    assert show_error("toy.kernel", row_sums, grid) is True
    _, wrong = figure().axes[0].collections
    assert torch.equal(torch.tensor(wrong.get_offsets()), x.double().sum(1).reshape(3, 2))


def test_maps_have_the_style_of_every_other_error_picture() -> None:
    wanted = target(4, 5)
    draw_error(wanted, wanted.value + 1, "toy: map")
    ours = [(axes.images[0].get_cmap().name, axes.images[0].get_clim()) for axes in figure().axes[:3]]
    plt.close("all")
    shown = error_picture(wanted.value, wanted.value + 1).axes[:3]
    assert ours == [(axes.images[0].get_cmap().name, axes.images[0].get_clim()) for axes in shown]


def test_a_check_starts_without_matplotlib() -> None:
    script = "import sys; import vislab.check.picture; sys.exit('matplotlib' in sys.modules or 'vislab.show' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=120).returncode == 0
