"""The rasteriser's kernels compile for GPUs that need not be here and agree with autograd; the numbers in their notebook are right."""

import ast
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from compiled import run_compiled
from course_assignments import ASSIGNMENTS

from autograder.authoring.cell import Role

NOTEBOOK = "6_kernels"
HERE = Path(__file__).parent
KERNELS = ("coverage_kernel", "coverage_backward_kernel")
ORIGINAL = HERE.parents[2] / "shared" / "data" / "ImagerIcon_subset.hdf5"
QUESTION_NUMBERS = ("12.9 GB", "**16 ms**", "10.5 µs", "0.63 ms", "1.9 ms", "60 ms", "1.06 ms", "2.1 ms", "16.8 MB")


@pytest.fixture(scope="module")
def a2():
    return ASSIGNMENTS["a2_shapes"]


def solution(lessons, tmp_path, name):
    path = tmp_path / f"solution_{name}.py"
    lesson = lessons[NOTEBOOK]
    path.write_text(f"{lesson.setup_source}\n\n\n{lesson.solution_source(f'shapes.{name}')}\n", encoding="utf-8")
    return path


def compiled(root, tmp_path, paths):
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(root)}
    command = [sys.executable, str(HERE / "compile_kernels.py"), *map(str, paths)]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("name", KERNELS)
def test_solution_and_accepted_kernels_compile(a2, lessons, root, tmp_path, name):
    pytest.importorskip("triton")
    kernels = [solution(lessons, tmp_path, name), *sorted((a2.folder / "accepted" / name).glob("*.py"))]
    done = compiled(root, tmp_path, kernels)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report) == 3 * len(kernels) and all(report.values())
    assert {word for entry in report for word in entry.split() if word.startswith("sm_")} == {"sm_75", "sm_80", "sm_90"}


def test_every_kernel_exercise_is_compiled(a2):
    assert {exercise.symbol for exercise in a2.exercises.values() if exercise.probe.kind == "kernel"} == set(KERNELS)


# what the interpreter runs and the compiler refuses, put into the solution of each kernel.
REFUSED = {
    "coverage_kernel": ("odd = tl.zeros((BLOCK,), tl.int32)", "odd = 0.0", "odd"),
    "coverage_backward_kernel": ("tl.arange(0, VERTICES)", "tl.arange(0, points)", "arange's arguments must be of type tl.constexpr"),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_the_compiler_refuses_is_seen(lessons, root, tmp_path, name):
    pytest.importorskip("triton")
    old, new, words = REFUSED[name]
    path = solution(lessons, tmp_path, name)
    source = path.read_text(encoding="utf-8")
    assert old in source
    path.write_text(source.replace(old, new), encoding="utf-8")
    done = compiled(root, tmp_path, [path])
    assert done.returncode == 1 and json.loads(done.stdout) == {} and words in done.stderr


@pytest.mark.needs_cuda
@pytest.mark.parametrize("name", KERNELS)
def test_compiled_solution_and_accepted_kernels_are_right_on_a_gpu(name):
    # the very tests that judge interpreted kernels, without the interpreter.
    pytest.importorskip("triton")
    files = [str(HERE / "test_lessons.py"), str(HERE / "test_answers.py")]
    chosen = f"(accepted and a2_shapes and {name}) or (solution and shapes.{name})"
    done = run_compiled(*files, "-k", chosen)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= 3, done.stdout


def cells(lessons, *, stubs):
    """The notebook as a script whose checks do nothing; with stubs in place of solutions, if asked."""
    lesson = lessons[NOTEBOOK]
    lines = ["import vislab.check", "vislab.check.check = lambda *answer, **extras: None"]
    for cell in lesson.cells:
        if cell.role is Role.EXERCISE and stubs:
            lines.append(lesson.stub_source(cell.name))
        elif not cell.is_markdown:
            lines.append(cell.source)
    return "\n".join(lines)


def run(script, tmp_path, **environment):
    path = tmp_path / "notebook.py"
    path.write_text(re.sub(r"steps\(full=\d+", "steps(full=3", script), encoding="utf-8")
    environment = os.environ | {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"} | environment
    done = subprocess.run([sys.executable, str(path)], env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_whole_notebook_runs_without_triton_and_without_any_kernel_written(lessons, tmp_path):
    # what a student on macOS sees who runs every cell of the release.
    run("import sys\nsys.modules['triton'] = None\n" + cells(lessons, stubs=True), tmp_path)


@pytest.mark.needs_original
def test_the_notebook_runs_on_the_original_icons(lessons, tmp_path):
    run(cells(lessons, stubs=False), tmp_path, VISLAB_ICONS=str(ORIGINAL))


@pytest.mark.parametrize("kernel", KERNELS)
def test_setup_survives_a_machine_without_triton(lessons, monkeypatch, kernel):
    # an entry of None makes the import fail, as on a system that has no wheel.
    monkeypatch.setitem(sys.modules, "triton", None)
    space = {}
    exec(compile(lessons[NOTEBOOK].setup_source, "setup", "exec"), space)
    exec(compile(lessons[NOTEBOOK].stub_source(f"shapes.{kernel}"), "stub", "exec"), space)
    assert callable(space[kernel]) and not hasattr(space["triton"], "compile")


def bare_launches(source):
    """Statements of a cell that launch a kernel without asking whether it is written."""
    words = ("_kernel[", "draw(", "send_back(", "Coverage.apply", "both_ways(")
    nodes = [node for node in ast.parse(source).body if not isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    nodes = [node for node in nodes if any(word in ast.unparse(node) for word in words)]
    return [
        node
        for node in nodes
        if not (isinstance(node, ast.If) and ast.unparse(node.test).startswith("ready(")) and "if ready(" not in ast.unparse(node)
    ]


def test_kernel_demonstrations_ask_whether_they_can_run(lessons):
    assert [ast.unparse(node) for cell in lessons[NOTEBOOK].cells if cell.role is Role.CODE for node in bare_launches(cell.source)] == []
    assert len(bare_launches("mine = draw(two)\nif True:\n    send_back(two)")) == 2


@pytest.fixture(scope="module")
def space(lessons):
    """What the notebook's cells define before the first exercise: the plain rasteriser, the counter of memory, two icons."""
    found = {}
    source = []
    for cell in lessons[NOTEBOOK].cells:
        if cell.role is Role.EXERCISE:
            break
        if not cell.is_markdown:
            source.append(cell.source)
    exec(compile("\n\n".join(source), NOTEBOOK, "exec"), found)
    return found


def test_the_plain_version_is_the_reference_of_both_exercises(a2, space):
    stone = torch.tensor([[0.9, 0.2, -0.8, -0.3, 0.4], [0.1, 1.0, 0.5, -0.9, -0.7]], dtype=torch.float64)[None]
    pull = torch.randn(1, 7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    leaf = stone.clone().requires_grad_(True)
    drawn = space["plain_coverage"](leaf, 7, 9, 1.3, 0.12)
    (pull * drawn).sum().backward()
    forward = a2.exercises["shapes.coverage_kernel"].reference(stone, 7, 9, 1.3, 0.12, 32)
    backward = a2.exercises["shapes.coverage_backward_kernel"].reference(stone, pull.flatten(), 7, 9, 1.3, 0.12, 32, 8)
    assert torch.allclose(drawn, forward, atol=1e-14) and torch.allclose(leaf.grad, backward, atol=1e-12)


def test_backward_reference_by_finite_differences_of_the_forward_reference(a2):
    exercise, forward = a2.exercises["shapes.coverage_backward_kernel"], a2.exercises["shapes.coverage_kernel"].reference
    (case,) = [case for case in exercise.cases() if case.name == "one polygon"]
    polygons, pull, *sizes, block, vertices = case.inputs(exercise.public_seed(case)).args
    found = exercise.reference(polygons, pull, *sizes, block, vertices)
    for axis in range(2):
        for k in range(polygons.shape[2]):
            step = torch.zeros_like(polygons)
            step[0, axis, k] = 1e-6
            change = forward(polygons + step, *sizes, block) - forward(polygons - step, *sizes, block)
            assert float((change.flatten() * pull).sum()) / 2e-6 == pytest.approx(float(found[0, axis, k]), abs=1e-6)


def test_gradient_on_the_outline_is_zero_and_its_limit_is_the_normal(a2, text):
    reference = a2.exercises["shapes.coverage_backward_kernel"].reference

    # one pixel at the origin, level edge below, on or above it; tau 1: the slope at the outline is a quarter.
    def of(height):
        square = torch.tensor([[-1.0, 1.0, 1.0, -1.0], [height, height, 3.0, 3.0]], dtype=torch.float64)[None]
        return reference(square, torch.ones(1, dtype=torch.float64), 1, 1, 1.0, 1.0, 16, 4)[0, 1, :2]

    assert of(0.0).tolist() == [0.0, 0.0]
    for height in (-1e-9, 1e-9):
        assert torch.allclose(of(height), torch.full((2,), -0.125, dtype=torch.float64), atol=1e-8)
    assert "its gradient in the vertices is taken to be **0**" in text and "is the outward normal" in text


def test_tables_that_the_plain_version_allocates(space, text):
    assert space["table"] == 64 * 64 * 96 * 4 * 2
    memory, table = space["memory"], space["table"]
    assert (round(memory.total / table), round(space["kept"] / table), round(memory.peak / table)) == (47, 8, 12)
    assert f"{32 * memory.peak / 1e9:.1f}" == "1.2"
    assert "of each only one number in 96 decides" in text


def test_the_counter_of_memory_knows_what_died(space):
    with space["Memory"]() as memory:
        first = torch.ones(1000)
        second = first + 1
        del first
        third = second.reshape(10, 100).t()
        second += 1
    assert memory.total == 8000 and memory.peak == 8000 and memory.alive == 4000 and third.shape == (100, 10)


def test_intensity_of_the_walk(text):
    operations = 2 + 3 + 1 + 2 + 4 + 3 + 1 + 9
    assert operations == 25 and operations * 96 == 2400 and operations * 96 / 4 == 600
    assert "**600 operations for each byte**" in text and "2400 operations" in text


def test_coverage_beyond_seventeen_tau_is_all_or_nothing(text):
    inside = torch.sigmoid(torch.tensor([16.0, 17.4]))
    assert float(inside[0]) < 1.0 and float(inside[1]) == 1.0 and "more than 17 τ" in text
    assert 1 - 1e-9 == pytest.approx(1 / (1 + math.exp(-20.7)), abs=1e-10)
    assert float(torch.tensor(1 - 1e-9, dtype=torch.float32)) == 1.0


def test_difference_near_the_outline_keeps_three_digits(text):
    # a pixel near (1, 1), a ten-thousandth from the line: the difference of numbers rounded to 6e-8 is off by about a thousandth.
    spacing = float(torch.nextafter(torch.tensor(1.0), torch.tensor(2.0)) - 1)
    assert 1e-4 < spacing / 1e-4 < 2e-3 and "float32 leaves three digits" in text


def test_numbers_of_the_written_question(lessons):
    pairs = 64 * 65_536 * 96
    speed, rate, processors = 1.6e12, 1.92e13, 108
    table = pairs * 4
    walk_ms = 30 * pairs / rate * 1e3
    assert (f"{pairs / 1e8:.2f}", f"{table / 1e9:.2f}", f"{8 * table / 1e9:.1f}") == ("4.03", "1.61", "12.9")
    assert f"{2 * 8 * table / speed * 1e3:.0f}" == "16" and f"{64 * 65_536 * 4 / 1e6:.1f}" == "16.8"
    assert f"{64 * 65_536 * 4 / speed * 1e6:.1f}" == "10.5" and f"{walk_ms:.2f}" == "0.63"
    assert f"{3 * walk_ms:.1f}" == "1.9" and round(96 * walk_ms) == 60
    assert f"{walk_ms * processors / 64:.2f}" == "1.06" and f"{3 * walk_ms * 2 * processors / 192:.1f}" == "2.1"
    # one outline: a 64th of a walk of the whole GPU, by one processor of 108.
    assert f"{walk_ms / 64:.4f}" == "0.0098" and f"{walk_ms / 64 * processors:.2f}" == "1.06"
    assert 65_536 // 512 == 128 and f"{walk_ms / 64 * 1e3:.0f}" == "10"
    (question,) = [cell.source for cell in lessons[NOTEBOOK].cells if cell.role is Role.QUESTION]
    for number in QUESTION_NUMBERS:
        assert number in question, number


def test_the_written_question_is_not_answered_by_the_text(lessons):
    shown = "\n".join(cell.source for cell in lessons[NOTEBOOK].cells if cell.role is not Role.QUESTION)
    assert [number for number in QUESTION_NUMBERS if number in shown] == []
