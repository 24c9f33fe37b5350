"""From lesson texts to source/ and release/: executed, byte for byte the same each time, and never half done."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import nbformat
import pytest

from autograder.authoring.build import build_release, build_source
from autograder.authoring.execute import execute
from autograder.authoring.fault import AuthoringError
from autograder.authoring.folder import files_below, replaced
from autograder.authoring.freshness import check_built
from autograder.authoring.lesson import parse_lesson
from autograder.authoring.notebook import make_notebook

VECTORS = "lessons/mini_vectors.py"


def contents(folder: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files_below(folder).items()}


def outputs_of(path: Path) -> list:
    return [cell.outputs for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def test_the_source_holds_all_that_goes_along(built_mini):
    assert built_mini.source.executed == ("mini_vectors", "mini_more")
    assert list(contents(built_mini.source.folder)) == [
        "README.md",
        "cases.h5",
        "figures/rows.png",
        "mini_more.ipynb",
        "mini_vectors.ipynb",
    ]
    assert list(contents(built_mini.release.folder)) == list(contents(built_mini.source.folder))


def test_the_source_is_executed_without_clocks(built_mini):
    notebook = nbformat.read(built_mini.source.folder / "mini_vectors.ipynb", 4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    printed = next(cell for cell in code if cell.source == "print(centre(rows))")
    assert printed.outputs[0].text.startswith("tensor([[ -3.5000")
    assert not any("execution" in cell.metadata for cell in code)
    assert "version" not in notebook.metadata.language_info
    assert notebook.cells[2].outputs == []


def test_the_release_holds_stubs_and_no_outputs(built_mini):
    for path in built_mini.release.folder.glob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
        assert any("raise NotImplementedError()" in cell.source for cell in code)
        assert "SOLUTION" not in path.read_text(encoding="utf-8")
        assert "HIDDEN" not in path.read_text(encoding="utf-8")


def test_ids_are_the_same_in_source_and_release(built_mini):
    for name in ("mini_vectors.ipynb", "mini_more.ipynb"):
        ids = [[cell.id for cell in nbformat.read(built.folder / name, 4).cells] for built in (built_mini.source, built_mini.release)]
        assert ids[0] == ids[1]


def test_the_students_page_names_what_they_need(built_mini):
    page = (built_mini.release.folder / "README.md").read_text(encoding="utf-8")
    assert "Due 2027-02-05 23:59 (UTC+01:00)." in page
    assert "https://colab.research.google.com/github/vislab-course/vislab/blob/main/release/aX_mini/mini_more.ipynb" in page
    assert "pip install ./vislab-*.whl" in page
    assert "conda activate vislab" in page
    assert "Rows of numbers" in page


def test_a_second_build_keeps_outputs_and_bytes(mini, course, course_copy, built_mini):
    again = build_source(mini, course, course_copy)
    assert (again.executed, again.kept) == ((), ("mini_vectors", "mini_more"))
    assert contents(again.folder) == contents(built_mini.source.folder)
    assert contents(build_release(mini, course, course_copy).folder) == contents(built_mini.release.folder)


def test_changed_prose_keeps_outputs_and_changed_code_does_not(course, course_copy, spoilt):
    assignment = spoilt(VECTORS, ("What happens to a row of equal numbers?", "What becomes of a row of equal numbers?"))
    again = build_source(assignment, course, course_copy)
    assert again.executed == ()
    assert "What becomes of" in (again.folder / "mini_vectors.ipynb").read_text(encoding="utf-8")
    assignment = spoilt(VECTORS, ("print(centre(rows))", "print(centre(rows) + 1)"))
    again = build_source(assignment, course, course_copy)
    assert (again.executed, again.kept) == (("mini_vectors",), ("mini_more",))
    assert "-2.5000,  -1.5000" in json.dumps(outputs_of(again.folder / "mini_vectors.ipynb"))


def test_force_runs_everything(mini, course, course_copy, built_mini):
    again = build_source(mini, course, course_copy, force=True)
    assert (again.executed, again.kept) == (("mini_vectors", "mini_more"), ())
    before = contents(built_mini.source.folder)
    # two runs give the same bytes, but for the one cell that says so.
    assert contents(again.folder) | {"mini_vectors.ipynb": b""} == before | {"mini_vectors.ipynb": b""}


def test_changed_cases_run_the_notebooks_again(mini, course, course_copy):
    with h5py.File(course_copy / "source" / "aX_mini" / "cases.h5", "a") as file:
        file["mini.centre/0"].attrs["name"] = "an older name"
    again = build_source(mini, course, course_copy)
    assert again.executed == ("mini_vectors", "mini_more")
    assert check_built(mini, course, course_copy) == []


def test_without_running_the_source_has_no_outputs(mini, course, tmp_path):
    built = build_source(mini, course, tmp_path, run=False)
    assert (built.executed, built.kept) == ((), ())
    assert all(outputs == [] for outputs in outputs_of(built.folder / "mini_vectors.ipynb"))
    assert "mini_vectors.ipynb has cells that were never run; build it with its outputs" in check_built(mini, course, tmp_path)


def test_a_failed_build_leaves_the_old_folder(course, course_copy, spoilt):
    before = contents(course_copy / "source" / "aX_mini")
    assignment = spoilt(VECTORS, ("print(centre(rows))", "print(rows @ centre)"))
    with pytest.raises(AuthoringError, match="mini_vectors: a cell raised TypeError") as caught:
        build_source(assignment, course, course_copy)
    assert "print(rows @ centre)" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert contents(course_copy / "source" / "aX_mini") == before
    assert sorted(path.name for path in (course_copy / "source").iterdir()) == ["aX_mini"]


def test_a_wrong_solution_does_not_build(course, course_copy, spoilt):
    assignment = spoilt(VECTORS, ("return rows - means", "return rows + means"))
    with pytest.raises(AuthoringError, match="mini_vectors: a cell raised ChecksFailed"):
        build_source(assignment, course, course_copy)


def test_progress_is_told(mini, course, course_copy):
    told: list[str] = []
    build_source(mini, course, course_copy, progress=told.append)
    build_release(mini, course, course_copy, progress=told.append)
    assert "mini_vectors: code unchanged, outputs kept" in told
    assert "aX_mini: making the release" in told


def test_a_release_needs_a_source(mini, course, tmp_path):
    with pytest.raises(AuthoringError, match=r"source/aX_mini is missing; build the source of aX_mini first"):
        build_release(mini, course, tmp_path)


def test_what_nbgrader_refuses_is_told_with_its_reason(mini, course, course_copy):
    path = course_copy / "source" / "aX_mini" / "mini_more.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("### END SOLUTION", "### THE END"), encoding="utf-8")
    before = contents(course_copy / "release" / "aX_mini")
    with pytest.raises(AuthoringError, match=r"nbgrader refused .*aX_mini: .*nested begin solution"):
        build_release(mini, course, course_copy)
    assert contents(course_copy / "release" / "aX_mini") == before


def test_a_leak_is_no_release(mini, course, course_copy):
    path = course_copy / "source" / "aX_mini" / "mini_more.ipynb"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('"### BEGIN SOLUTION\\n",\n    "    shrink', '"    shrink').replace(
            '    ### BEGIN SOLUTION\\n",\n    "    shrink', "    shrink"
        ),
        encoding="utf-8",
    )
    assert path.read_text(encoding="utf-8") != text
    before = contents(course_copy / "release" / "aX_mini")
    with pytest.raises(AuthoringError, match=r"2 secret lines would reach the students(.|\n)*mini_more.ipynb holds 'shrink = "):
        build_release(mini, course, course_copy)
    assert contents(course_copy / "release" / "aX_mini") == before


def test_nbgraders_own_command_writes_the_same_release(built_mini, course_copy):
    shutil.rmtree(course_copy / "release")
    command = [
        sys.executable,
        "-m",
        "nbgrader",
        "generate_assignment",
        "aX_mini",
        "--db",
        f"sqlite:///{course_copy}/g.db",
        "--course",
        "vislab",
    ]
    # nbgrader calls alembic by its name, also where the environment is not activated.
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(command, cwd=course_copy, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert contents(course_copy / "release" / "aX_mini") == contents(built_mini.release.folder)


def test_a_fresh_build_is_fresh(mini, course, built_mini):
    assert check_built(mini, course, built_mini.root) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "difference"),
    [
        (
            "source/aX_mini/mini_more.ipynb",
            "longer than 1",
            "longer than one",
            "source/aX_mini/mini_more.ipynb is not what its lesson gives",
        ),
        ("source/aX_mini/README.md", "laptop", "desktop", "source/aX_mini/README.md is not what its lesson gives"),
        (
            "release/aX_mini/mini_more.ipynb",
            "longer than 1",
            "longer than one",
            "release/aX_mini/mini_more.ipynb is not what its lesson gives",
        ),
        (
            "release/aX_mini/mini_more.ipynb",
            '"deletable": false',
            '"deletable": true',
            "release/aX_mini/mini_more.ipynb is not what its lesson gives",
        ),
    ],
)
def test_hand_edits_are_seen(file, old, new, difference, mini, course, course_copy):
    path = course_copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert difference in check_built(mini, course, course_copy)


def test_missing_and_stray_files_are_seen(mini, course, course_copy):
    (course_copy / "release" / "aX_mini" / "figures" / "rows.png").unlink()
    (course_copy / "source" / "aX_mini" / "notes.txt").write_text("x", encoding="utf-8")
    differences = check_built(mini, course, course_copy)
    assert "release/aX_mini/figures/rows.png is missing" in differences
    assert "source/aX_mini/notes.txt belongs to no lesson; remove it" in differences


def test_changed_outputs_alone_are_no_difference(mini, course, course_copy):
    path = course_copy / "source" / "aX_mini" / "mini_vectors.ipynb"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("-3.5000", "-3.5001"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    assert check_built(mini, course, course_copy) == []


def test_edited_cases_are_seen(mini, course, course_copy):
    with h5py.File(course_copy / "source" / "aX_mini" / "cases.h5", "a") as file:
        file["mini.centre/0/expected/out.0"][0, 0] = 7.0
    differences = check_built(mini, course, course_copy)
    assert "source/aX_mini/cases.h5: mini.centre/0/expected/out.0 differs" in differences


def test_too_many_exempt_cells_are_seen(course, tmp_path, spoilt):
    assignment = spoilt(
        VECTORS, ("# %%\nprint(centre(rows))", '# %% exempt="x"\nprint(centre(rows))'), ("# %%\nnorm(rows)", '# %% exempt="x"\nnorm(rows)')
    )
    build_source(assignment, course, tmp_path, run=False)
    differences = check_built(assignment, course, tmp_path)
    assert any("mini_vectors.ipynb: 3 of 12 code cells are exempt from comparison, more than 15%" in line for line in differences)


def notebook_of(code: str, mini, course):
    return make_notebook(parse_lesson(f"# %% [markdown]\n# # T\n\n# %%\n{code}\n", "one"), mini, course)


def test_the_surroundings_of_a_run_are_fixed(mini, course, tmp_path, monkeypatch):
    monkeypatch.setenv("VISLAB_JUDGE", "/somewhere")
    code = "import os, sys\nprint(os.environ['VISLAB_CI'], os.environ['TRITON_INTERPRET'], 'VISLAB_JUDGE' in os.environ)\nimport vislab"
    done = execute(notebook_of(code, mini, course), tmp_path)
    assert done.cells[-1].outputs[0].text == "1 1 False\n"


def test_figures_appear_as_pictures(mini, course, tmp_path):
    done = execute(notebook_of("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", mini, course), tmp_path)
    assert "image/png" in done.cells[-1].outputs[0].data


def test_a_cell_that_takes_too_long_is_told(mini, course, tmp_path):
    with pytest.raises(AuthoringError, match="one: a cell ran longer than 2 s; shorten it"):
        execute(notebook_of("import time\ntime.sleep(60)", mini, course), tmp_path, cell_limit_s=2)


def test_a_dead_kernel_is_told(mini, course, tmp_path):
    with pytest.raises(AuthoringError, match="one: the kernel died"):
        execute(notebook_of("import os\nos._exit(3)", mini, course), tmp_path)


def test_paths_of_this_machine_do_not_enter_the_outputs(mini, course, tmp_path):
    with pytest.raises(AuthoringError, match=r"one: the output of the cell that begins 'import sys' names .*, a path of this machine"):
        execute(notebook_of("import sys\nprint(sys.prefix)", mini, course), tmp_path)
    with pytest.raises(AuthoringError, match="ipykernel_', a path of this machine; warnings and tracebacks hold such"):
        execute(notebook_of("import warnings\nwarnings.warn('x')", mini, course), tmp_path)


def test_what_a_notebook_writes_is_not_kept(course, course_copy, spoilt):
    assignment = spoilt(VECTORS, ("print(centre(rows))", "open('made.txt', 'w').close()"))
    build_source(assignment, course, course_copy)
    assert not (course_copy / "source" / "aX_mini" / "made.txt").exists()


def test_widgets_leave_no_trace(mini, course, tmp_path):
    code = (
        "from IPython.display import display\n"
        "display({'text/plain': 'w', 'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}}, raw=True)\n"
        "display({'text/plain': 'w', 'text/html': '<b>w</b>', 'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}}, raw=True)"
    )
    done = execute(notebook_of(code, mini, course), tmp_path)
    assert [dict(output.data) for output in done.cells[-1].outputs] == [{"text/plain": "w", "text/html": "<b>w</b>"}]
    assert "widgets" not in done.metadata


def test_a_print_that_comes_in_parts_is_one_output_and_stays_between_pictures(mini, course, tmp_path):
    code = (
        "import sys, time\nfrom IPython.display import display\n"
        "for part in ('a\\n', 'b\\n'):\n    print(part, end='', flush=True)\n    time.sleep(0.3)\n"
        "display({'text/html': 'w'}, raw=True)\nprint('c', flush=True)\nprint('d', file=sys.stderr, flush=True)\nprint('e', flush=True)"
    )
    outputs = execute(notebook_of(code, mini, course), tmp_path).cells[-1].outputs
    assert [output.get("text") for output in outputs] == ["a\nb\n", None, "c\n", "d\n", "e\n"]


def test_a_folder_is_replaced_in_one_step_or_not_at_all(tmp_path):
    target = tmp_path / "made"
    with replaced(target) as fresh:
        (fresh / "a").write_text("1", encoding="utf-8")
    with replaced(target) as fresh:
        (fresh / "b").write_text("2", encoding="utf-8")
    assert list(contents(target)) == ["b"]
    with pytest.raises(RuntimeError), replaced(target) as fresh:
        (fresh / "c").write_text("3", encoding="utf-8")
        raise RuntimeError
    assert list(contents(target)) == ["b"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
