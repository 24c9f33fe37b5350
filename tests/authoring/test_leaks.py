"""A secret line planted in any place a release has is found; what is no secret is not."""

from __future__ import annotations

import base64
import gzip
import io
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import nbformat
import numpy as np
import pytest

from autograder.authoring.contents import DEPTH_MAX, texts_of
from autograder.authoring.fault import AuthoringError
from autograder.authoring.leaks import find_leaks, refuse_leaks, secret_lines
from autograder.authoring.rules import read_lessons

# one line of each kind of secret in the small assignment.
SOLUTION = "means = rows.mean(dim=-1, keepdim=True)"
HIDDEN_TEST = 'assert double(2.25) == 4.5, "hidden number"'
MODEL_ANSWER = "It becomes zero, because the mean of equal numbers is that number."
REFERENCE = "return rows - rows.sum(dim=-1, keepdim=True) / rows.shape[-1]"
MUTANT = "column_mean = rows.mean(dim=0, keepdim=True)"
ACCEPTED = "width = rows.shape[-1]"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="session")
def secrets(mini):
    return secret_lines(mini, read_lessons(mini))


@pytest.fixture
def release(built_mini, tmp_path) -> Path:
    return Path(shutil.copytree(built_mini.release.folder, tmp_path / "aX_mini"))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(kind: bytes, line: str) -> bytes:
    packed = zlib.compress(f"{line}\n".encode())
    body = {b"tEXt": b"Comment\0" + line.encode(), b"zTXt": b"Comment\0\0" + packed, b"iTXt": b"Comment\0\1\0\0\0" + packed}[kind]
    return PNG + chunk(b"IHDR", bytes(13)) + chunk(kind, body) + chunk(b"IEND", b"")


def edit_notebook(release: Path, change: Callable[[dict], None]) -> None:
    path = release / "mini_vectors.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    change(notebook)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def code_cell(notebook: dict) -> dict:
    return next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")


def in_notebook_source(release: Path, line: str) -> None:
    edit_notebook(release, lambda notebook: code_cell(notebook)["source"].append(f"\n    {line}\n"))


def in_notebook_metadata(release: Path, line: str) -> None:
    edit_notebook(release, lambda notebook: notebook["metadata"].update({"author": {"note": line}}))


def in_cell_metadata(release: Path, line: str) -> None:
    edit_notebook(release, lambda notebook: code_cell(notebook)["metadata"].update({"note": [line]}))


def in_metadata_key(release: Path, line: str) -> None:
    edit_notebook(release, lambda notebook: notebook["metadata"].update({line: 1}))


def in_traceback(release: Path, line: str) -> None:
    coloured = "".join(f"\x1b[32m{part}\x1b[39m " for part in line.split(" "))
    output = {"output_type": "error", "ename": "E", "evalue": "", "traceback": [f"----> 3     {coloured}"]}
    edit_notebook(release, lambda notebook: code_cell(notebook).update(outputs=[output]))


def in_html_output(release: Path, line: str) -> None:
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace("=", "<b>=</b>")
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": [f"<pre>{escaped}</pre>"]}}
    edit_notebook(release, lambda notebook: code_cell(notebook).update(outputs=[output]))


def in_picture_output(release: Path, line: str) -> None:
    picture = base64.encodebytes(png_with(b"zTXt", line)).decode()
    output = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    edit_notebook(release, lambda notebook: code_cell(notebook).update(outputs=[output]))


def in_data_address(release: Path, line: str) -> None:
    picture = base64.b64encode(png_with(b"tEXt", line)).decode()
    edit_notebook(release, lambda notebook: notebook["cells"][0]["source"].append(f"![x](data:image/png;base64,{picture})"))


def in_readme(release: Path, line: str) -> None:
    (release / "README.md").write_text(f"# Title\n\n    {line}\n", encoding="utf-8")


def in_hidden_file(release: Path, line: str) -> None:
    (release / ".cache").mkdir()
    (release / ".cache" / "x.bin").write_bytes(bytes(100) + line.encode() + bytes(100))


def in_file_name(release: Path, line: str) -> None:
    (release / (line.replace("/", "") + ".txt")).touch()


def in_hdf5_attribute(release: Path, line: str) -> None:
    with h5py.File(release / "cases.h5", "a") as file:
        file["mini.centre/0"].attrs["note"] = line


def in_hdf5_file_attribute(release: Path, line: str) -> None:
    with h5py.File(release / "cases.h5", "a") as file:
        file.attrs["note"] = np.bytes_(line)


def in_hdf5_attribute_array(release: Path, line: str) -> None:
    with h5py.File(release / "cases.h5", "a") as file:
        file["mini.centre/0/inputs/in.0"].attrs["notes"] = ["x", line]


def in_hdf5_strings(release: Path, line: str) -> None:
    with h5py.File(release / "cases.h5", "a") as file:
        file.create_dataset("notes", data=[line, "x"], dtype=h5py.string_dtype(), compression="gzip", chunks=(2,))


def in_hdf5_bytes(release: Path, line: str) -> None:
    with h5py.File(release / "cases.h5", "a") as file:
        file.create_dataset("notes", data=np.frombuffer(line.encode() + bytes(4096), np.uint8), compression="gzip")


def in_hdf5_group_name(release: Path, line: str) -> None:
    with h5py.File(release / "cases.h5", "a") as file:
        file.create_group(line.replace("/", ""))


def in_png_text(release: Path, line: str) -> None:
    (release / "figures" / "rows.png").write_bytes(png_with(b"tEXt", line))


def in_png_compressed_text(release: Path, line: str) -> None:
    (release / "figures" / "rows.png").write_bytes(png_with(b"zTXt", line))


def in_png_international_text(release: Path, line: str) -> None:
    (release / "figures" / "rows.png").write_bytes(png_with(b"iTXt", line))


def in_svg(release: Path, line: str) -> None:
    (release / "figures" / "rows.svg").write_text(f"<svg><!-- {line} --></svg>", encoding="utf-8")


def in_gzip(release: Path, line: str) -> None:
    (release / "notes.gz").write_bytes(gzip.compress(line.encode()))


def in_zip_comment(release: Path, line: str) -> None:
    with zipfile.ZipFile(release / "more.zip", "w") as archive:
        archive.writestr("x.txt", "x")
        archive.comment = line.encode()


def in_wheel_metadata(release: Path, line: str) -> None:
    with zipfile.ZipFile(release / "vislab-0.1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vislab-0.1.0.dist-info/METADATA", f"Name: vislab\n\n{line}\n")


def in_nested_zip(release: Path, line: str) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/x.txt", line)
    with zipfile.ZipFile(release / "more.zip", "w") as archive:
        archive.writestr("inner", inner.getvalue())


PLACES = [value for name, value in list(globals().items()) if name.startswith("in_")]


def test_a_clean_release_has_no_leak(release, secrets):
    assert find_leaks([release], secrets) == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_solution_is_found_in_every_place(place, release, secrets):
    line = SOLUTION if place is not in_file_name else MUTANT
    place(release, line)
    leaks = find_leaks([release], secrets)
    assert {leak.line.text for leak in leaks} == {line}
    assert not any(leak.shared for leak in leaks)
    assert all(leak.where.startswith("aX_mini/") for leak in leaks)


@pytest.mark.parametrize(
    ("line", "origin"),
    [
        (SOLUTION, "lessons/mini_vectors.py:"),
        (HIDDEN_TEST, "lessons/mini_vectors.py:"),
        (MODEL_ANSWER, "lessons/mini_vectors.py:"),
        (REFERENCE, "exercises/vectors.py:"),
        (MUTANT, "mutants/centre/over_columns.py:"),
        (ACCEPTED, "accepted/centre/by_a_matrix.py:"),
    ],
)
def test_every_kind_of_secret_is_searched_for(line, origin, mini, release, secrets):
    in_readme(release, line)
    (leak,) = find_leaks([release], secrets)
    assert leak.line.origin.startswith(origin)
    number = int(leak.line.origin.split(":")[1])
    assert line in (mini.folder / origin.rstrip(":")).read_text(encoding="utf-8").split("\n")[number - 1]


def test_layout_hides_nothing(release, secrets):
    in_readme(release, "x;   means  =\trows.mean(dim=-1,   keepdim=True)  # comment")
    assert len(find_leaks([release], secrets)) == 1


def test_what_gives_nothing_away_is_not_searched_for(secrets):
    texts = {secret.text for secret in secrets}
    assert "return rows" not in texts, "shorter than the limit"
    assert "import torch" not in texts, "an import"
    assert "def centre(rows):" not in texts, "stands in the released text, too"
    assert {SOLUTION, HIDDEN_TEST, MODEL_ANSWER, REFERENCE, MUTANT, ACCEPTED} <= texts


def test_public_and_hidden_names_are_no_secret(release, secrets):
    in_readme(release, "many secret rows: value")
    assert find_leaks([release], secrets) == []


def wheel_with(release: Path, module: str) -> None:
    with zipfile.ZipFile(release / "vislab-0.1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vislab/ops/centre.py", module)


def test_one_line_of_a_shipped_op_is_shared(mini, release, secrets):
    wheel_with(release, f"def op(rows):\n    {SOLUTION}\n    return means\n")
    (leak,) = find_leaks([release], secrets)
    assert leak.shared
    assert leak.where == "aX_mini/vislab-0.1.0-py3-none-any.whl/vislab/ops/centre.py"
    assert refuse_leaks([release], mini, read_lessons(mini)) == [leak]


def test_two_lines_in_a_row_of_a_shipped_op_are_a_leak(mini, release):
    body = "shrink = lengths_of(rows).clamp(min=1.0)\n\n        return rows / shrink"
    wheel_with(release, f"def op(rows):\n    if True:\n        {body}\n")
    with pytest.raises(
        AuthoringError,
        match=r"aX_mini: 1 secret lines would reach the students; move them between markers.*\n.*centre\.py holds 'shrink = ",
    ):
        refuse_leaks([release], mini, read_lessons(mini))


def test_the_same_lines_apart_are_shared(release, secrets):
    wheel_with(release, "shrink = lengths_of(rows).clamp(min=1.0)\nprint(shrink)\nreturn rows / shrink\n")
    leaks = find_leaks([release], secrets)
    assert leaks
    assert all(leak.shared for leak in leaks)


def test_files_in_files_without_end_are_refused():
    data = b"x"
    for _ in range(DEPTH_MAX + 2):
        data = gzip.compress(data)
    with pytest.raises(ValueError, match="holds files in files deeper than"):
        list(texts_of(data, "bomb.gz"))


def test_the_source_is_no_release(built_mini, secrets):
    # the search is seen to work on the whole: the instructor's folder is full of secrets.
    found = {leak.line.text for leak in find_leaks([built_mini.source.folder], secrets)}
    assert {SOLUTION, HIDDEN_TEST, MODEL_ANSWER} <= found


def test_notebooks_of_any_layout_are_read(tmp_path, secrets):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"x = 1\n{SOLUTION}")])
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (tmp_path / "b.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    assert {leak.where.split("/")[1] for leak in find_leaks([tmp_path], secrets)} == {"a.ipynb", "b.ipynb"}


def test_what_travels_on_purpose_is_no_secret_and_its_neighbours_are(mini, secrets, monkeypatch):
    exercise = next(iter(mini.exercises.values()))
    shown = next(secret.text for secret in secrets if secret.origin.startswith("exercises/"))
    monkeypatch.setattr(type(exercise), "shown_sources", lambda self: [f"class Net:\n    {shown}\n"])
    left = {secret.text for secret in secret_lines(mini, read_lessons(mini))}
    assert shown not in left and {secret.text for secret in secrets} - {shown} <= left
