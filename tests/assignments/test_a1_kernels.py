"""The kernel notebook: it opens where there is no Triton, and the numbers in its text are right."""

import ast
import importlib.util
import math
import os
import subprocess
import sys

import pytest
import torch

from autograder.audit.suite_audit import judge_test
from autograder.authoring.cell import Role
from autograder.exercise.seeds import SeedSource
from autograder.judge.bench import LocalBench
from autograder.judge.scoring import score

KERNELS = ("heatmap_kernel", "soft_argmax_kernel", "soft_argmax_backward_kernel")
QUESTION_NUMBERS = ("18.8 µs", "4.7 µs", "so 48 for the 4 bytes", "9.4 µs", "24 operations", "30.1 MB", "8.7 kB", "17.4 kB", "38 µs")


@pytest.fixture
def text(lessons):
    return "\n".join(cell.source for cell in lessons["3_kernels"].cells)


@pytest.mark.parametrize("kernel", KERNELS)
def test_setup_of_the_kernel_notebook_survives_a_machine_without_triton(lessons, monkeypatch, kernel):
    # an entry of None makes the import fail, as on a system that has no wheel.
    monkeypatch.setitem(sys.modules, "triton", None)
    space = {}
    exec(compile(lessons["3_kernels"].setup_source, "setup", "exec"), space)
    exec(compile(lessons["3_kernels"].stub_source(f"pose.{kernel}"), "stub", "exec"), space)
    assert space["HAVE_TRITON"] is False and callable(space[kernel])
    assert space["ready"](space[kernel]) is False


def test_the_whole_notebook_runs_without_triton_and_without_any_kernel_written(lessons, tmp_path):
    # what a student on macOS sees who runs every cell of the release: no cell may raise before anything is written but the test's own.
    lines = ["import sys", "sys.modules['triton'] = None", "import vislab.check", "vislab.check.check = lambda *answer, **extras: None"]
    for cell in lessons["3_kernels"].cells:
        if cell.role is Role.EXERCISE:
            lines.append(lessons["3_kernels"].stub_source(cell.name))
        elif not cell.is_markdown:
            lines.append(cell.source)
    script = tmp_path / "notebook.py"
    script.write_text("\n".join(lines), encoding="utf-8")
    environment = os.environ | {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def guarded(test: ast.expr) -> bool:
    """Whether a condition is HAVE_TRITON, or asks of kernels whether they are ready."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    return all(ast.unparse(part) == "HAVE_TRITON" or ast.unparse(part).startswith("ready(") for part in parts)


def launches(source: str) -> list[ast.stmt]:
    """Statements of a cell that launch a kernel, or call what does."""
    words = ("_kernel[", "draw(", "locate(", "SoftArgmax.apply", "compare(", "test_soft_argmax(launched)")
    nodes = ast.parse(source).body
    return [node for node in nodes if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) and any(w in ast.unparse(node) for w in words)]


def test_kernel_demonstrations_ask_whether_they_can_run(lessons):
    cells = [cell.source for cell in lessons["3_kernels"].cells if cell.role is Role.CODE]
    found = [node for source in cells for node in launches(source)]
    assert len(found) >= 10
    assert all(isinstance(node, ast.If) and guarded(node.test) for node in found)


def test_a_demonstration_that_does_not_ask_is_found():
    (bare,) = launches("mine = locate(maps)")
    assert not isinstance(bare, ast.If)
    (other,) = launches("if True:\n    locate(maps)")
    assert not guarded(other.test)


def test_worked_example_of_the_running_maximum(text):
    first, second = math.exp(-2), math.exp(-3)
    total, sum_x = (1 + first) * first + second + 1, 1 * first + 2 * second + 3
    assert (f"{1 + first:.4f}", f"{total:.4f}", f"{sum_x:.4f}", f"{sum_x / total:.4f}") == ("1.1353", "1.2034", "3.2349", "2.6881")
    for number in ("1.1353", "1.2034", "3.2349", "2.6881"):
        assert number in text


def test_intensity_of_an_addition(text):
    operations_per_byte = 6e13 / 2e12
    assert operations_per_byte == 30 and operations_per_byte * 12 == 360
    assert "thirty for every byte" in text and "could have done 360" in text and "(30 here)" in text


def test_what_float16_cannot_number(text):
    columns = torch.arange(4096)
    first = int((columns.half().long() != columns).nonzero()[0])
    # 2049 becomes 2048; squares are infinite from 256 on.
    assert first == 2049 and torch.tensor(256.0).half().square().isinf() and torch.tensor(255.0).half().square().isfinite()
    assert "columns beyond 2048" in text and "eleven binary digits" in text
    assert torch.tensor(50.0).half().mul(8192.0).isinf()


def test_float32_resolves_ten_thousand_to_a_thousandth(text):
    spacing = torch.nextafter(torch.tensor(1e4), torch.tensor(2e4)) - 1e4
    assert 0.0009 < float(spacing) < 0.0011 and "known to a thousandth" in text


def test_numbers_of_the_memory_question(lessons):
    maps, cells = 64 * 17, 64 * 17 * 96 * 72
    size, speed, rate = 4 * cells, 1.6e12, 1.92e13
    by_bytes_us, by_operations_us = size / speed * 1e6, 12 * cells / rate * 1e6
    assert (f"{size / 1e6:.1f}", f"{by_bytes_us:.1f}", f"{by_operations_us:.1f}", f"{by_bytes_us / 2:.1f}") == (
        "30.1",
        "18.8",
        "4.7",
        "9.4",
    )
    assert rate / speed * 4 == 48 and rate / speed * 2 == 24 and maps == 1088
    assert (f"{maps * 2 * 4 / 1e3:.1f}", f"{maps * 4 * 4 / 1e3:.1f}", f"{2 * by_bytes_us:.0f}") == ("8.7", "17.4", "38")
    (question,) = [cell.source for cell in lessons["3_kernels"].cells if cell.role is Role.QUESTION]
    for number in QUESTION_NUMBERS:
        assert number in question, number


def test_the_written_question_is_not_answered_by_the_text(lessons):
    shown = "\n".join(cell.source for cell in lessons["3_kernels"].cells if cell.role is not Role.QUESTION)
    assert [number for number in QUESTION_NUMBERS if number in shown] == []
    # how often maps travel forward and backward is theirs to count: the comparison prints ratios to the student's own kernels.
    assert "times the first" in shown and "for each cell; reading each cell once" in shown


def test_eighteen_suspects_as_the_text_says(a1, text):
    cases = a1.exercises["pose.test_soft_argmax"].cases()
    assert len(cases) == 18 and sum(case.public for case in cases) == 5
    assert "eighteen wrong implementations, five of which the check below names: ten are" in text
    assert sum(case.family == "value" for case in cases) == 10
    points = a1.exercises["pose.test_soft_argmax"].points_by_family
    assert [points[family] for family in ("value", "stability", "edge", "dtype")] == [1.5, 1.0, 1.0, 0.5]
    assert a1.exercises["pose.test_soft_argmax"].probe.calls_max == 64 and "up to 64 times" in text


def test_saved_numbers_of_the_backward_exercise_are_those_of_the_sent_maps(a1):
    exercise = a1.exercises["pose.soft_argmax_backward_kernel"]
    for case in exercise.cases():
        maps, saved, pull, _ = case.inputs(exercise.public_seed(case)).args
        x, y, peak, total = saved.reshape(-1, 4).unbind(dim=1)
        assert saved.ndim == pull.ndim == 1 and len(pull) == 2 * len(maps), case.name
        # to the last bit of what is sent: a maximum is a logit.
        assert torch.equal(peak, maps.amax(dim=(1, 2))), case.name
        blank = torch.isneginf(peak)
        assert bool((total[blank] == 0).all()) and bool((total[~blank] >= 1).all()), case.name
        height, width = maps.shape[1:]
        assert bool((x[blank] == (width - 1) / 2).all()) and bool((y[blank] == (height - 1) / 2).all()), case.name


def test_backward_reference_is_the_gradient_of_the_forward_reference(a1):
    maps = torch.randn(3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pull = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    leaf = maps.clone().requires_grad_(True)
    a1.exercises["pose.soft_argmax_kernel"].reference(leaf, 64).mul(pull).sum().backward()
    found = a1.exercises["pose.soft_argmax_backward_kernel"].reference(maps, torch.zeros(12), pull.flatten(), 64)
    assert torch.allclose(found, leaf.grad, atol=1e-14)


@pytest.fixture
def tested(a1):
    """A function that judges a test of soft-arg-max as the judge would, in one kernel."""
    exercise = a1.exercises["pose.test_soft_argmax"]
    bench = LocalBench(exercise)

    def judge(path):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return score(exercise, judge_test(exercise, SeedSource(b"a secret of this test", "a submission"), module.test_soft_argmax, bench))

    return judge


def test_the_test_of_the_solution_catches_everything_and_nothing_right(lessons, tested, tmp_path):
    lesson, path = lessons["3_kernels"], tmp_path / "solution.py"
    path.write_text(f"{lesson.setup_source}\n\n\n{lesson.solution_source('pose.test_soft_argmax')}\n", encoding="utf-8")
    assert tested(path).earned == 4.0


def test_a_test_without_special_inputs_earns_the_value_points_alone(a1, tested):
    assert tested(a1.folder / "mutants" / "test_soft_argmax" / "ordinary_maps_only.py").earned == 1.5


def test_a_test_that_asks_for_equal_bits_earns_nothing(a1, tested):
    assert tested(a1.folder / "mutants" / "test_soft_argmax" / "exact_to_the_last_bit.py").earned == 0.0
