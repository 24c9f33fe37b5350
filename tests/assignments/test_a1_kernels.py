"""The kernel notebook: it opens where there is no Triton, and the numbers in its text are right."""

import ast
import math

import pytest

from autograder.authoring.cell import Role


@pytest.fixture
def text(lessons):
    return "\n".join(cell.source for cell in lessons["3_kernels"].cells)


def test_setup_of_the_kernel_notebook_survives_a_machine_without_triton(lessons, monkeypatch):
    # an entry of None makes the import fail, as on a system that has no wheel.
    monkeypatch.setitem(__import__("sys").modules, "triton", None)
    space = {}
    exec(compile(lessons["3_kernels"].setup_source, "setup", "exec"), space)
    exec(compile(lessons["3_kernels"].stub_source("pose.soft_argmax_kernel"), "stub", "exec"), space)
    assert space["HAVE_TRITON"] is False and callable(space["soft_argmax_kernel"])


def test_kernel_demonstrations_ask_whether_triton_is_there(lessons):
    for cell in lessons["3_kernels"].cells:
        if cell.role is Role.CODE and "_kernel[" in cell.source:
            launches = [node for node in ast.parse(cell.source).body if "_kernel[" in ast.unparse(node)]
            assert all(isinstance(node, ast.If) and ast.unparse(node.test) == "HAVE_TRITON" for node in launches)


def test_worked_example_of_the_running_maximum(text):
    first, second = math.exp(-2), math.exp(-3)
    total, sum_x = (1 + first) * first + second + 1, 1 * first + 2 * second + 3
    assert (f"{1 + first:.4f}", f"{total:.4f}", f"{sum_x:.4f}", f"{sum_x / total:.4f}") == ("1.1353", "1.2034", "3.2349", "2.6881")
    for number in ("1.1353", "1.2034", "3.2349", "2.6881"):
        assert number in text
