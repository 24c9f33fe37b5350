"""Reading cases.h5: what it holds, and one clear sentence for every way in which it can be unfit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
import torch

from vislab.check.public_cases import CASES_VARIABLE, CasesInvalid, CasesMissing, cases_path, read_cases

SCALE = "toy.scale"


def test_cases_come_in_order_with_all_they_need(cases: Path) -> None:
    found, hidden = read_cases(cases, SCALE)
    assert hidden == ("value", "stability", "edge")
    assert [(case.name, case.family, case.raises) for case in found] == [
        ("three points", "value", None),
        ("gradient", "gradient", None),
        ("bfloat16", "dtype", None),
    ]
    first, second, third = found
    assert first.plan["probe"] == "function" and first.tensors["in.0"].dtype is torch.float32
    assert first.targets["out.0"].dtype is torch.float32 and first.targets["out.0"].value.dtype is torch.float64
    assert (first.targets["out.0"].atol, first.targets["out.0"].bias) == (1e-4, 1e-4)
    assert second.targets.keys() == {"out.0", "grad.0"} and second.tensors.keys() == {"in.0", "cot.0"}
    assert third.tensors["in.0"].dtype is torch.bfloat16 and third.targets["out.0"].dtype is torch.bfloat16
    assert read_cases(cases, "toy.root")[0][1].raises == "ValueError"


def test_more_than_ten_cases_stay_in_order(edit: Callable[..., Path]) -> None:
    def many(file: h5py.File) -> None:
        group = file[SCALE]
        for index in range(3, 12):
            group.copy(group["0"], group, name=str(index))
            group[str(index)].attrs["name"] = f"number {index}"

    names = [case.name for case in read_cases(edit(many), SCALE)[0]]
    assert names[3:] == [f"number {index}" for index in range(3, 12)]


def test_the_file_is_looked_for_where_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CASES_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CasesMissing) as caught:
        cases_path()
    assert isinstance(caught.value, FileNotFoundError)
    assert str(caught.value) == (
        f"cases.h5 is not here ({tmp_path}); keep cases.h5 beside the notebook, as in the assignment's zip,"
        " or set the environment variable VISLAB_CASES to its path"
    )
    (tmp_path / "cases.h5").mkdir()
    with pytest.raises(CasesMissing):
        cases_path()
    other = tmp_path / "elsewhere.h5"
    other.touch()
    monkeypatch.setenv(CASES_VARIABLE, str(other))
    assert cases_path() == other


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_asks_for_the_right_wheel(edit: Callable[..., Path], schema: object) -> None:
    def change(file: h5py.File) -> None:
        del file.attrs["schema"]
        if schema is not None:
            file.attrs["schema"] = schema

    path = edit(change)
    with pytest.raises(CasesInvalid) as caught:
        read_cases(path, SCALE)
    assert str(caught.value) == f"{path} has schema {schema}, this vislab reads schema 1; install the wheel that came with the assignment"


def test_an_unknown_exercise_lists_the_known_ones(cases: Path) -> None:
    with pytest.raises(CasesInvalid, match=r"holds no exercise 'toy.scala'; it holds toy.root, toy.scale$"):
        read_cases(cases, "toy.scala")


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all", b"\x89HDF\r\n\x1a\n" + b"\0" * 40], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_hdf5_asks_for_a_fresh_copy(cases: Path, content: bytes) -> None:
    cases.write_bytes(content)
    with pytest.raises(CasesInvalid, match=r"cannot be read as HDF5 .*; take a fresh copy from the assignment's zip"):
        read_cases(cases, SCALE)


def test_a_file_cut_in_half_asks_for_a_fresh_copy(cases: Path) -> None:
    cases.write_bytes(cases.read_bytes()[: cases.stat().st_size // 2])
    with pytest.raises(CasesInvalid, match="take a fresh copy from the assignment's zip"):
        read_cases(cases, SCALE)


def drop_attribute(name: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[f"{SCALE}/1"].attrs[name]

    return change


def plan_is_no_json(file: h5py.File) -> None:
    file[f"{SCALE}/1"].attrs["plan"] = "{"


def stray_group(file: h5py.File) -> None:
    file[SCALE].create_group("first")


def unknown_dtype(file: h5py.File) -> None:
    file[f"{SCALE}/1/expected/out.0"].attrs["dtype"] = "float31"


def no_tolerance(file: h5py.File) -> None:
    del file[f"{SCALE}/1/expected/grad.0"].attrs["atol"]


def inputs_are_a_dataset(file: h5py.File) -> None:
    del file[f"{SCALE}/1/inputs"]
    file[f"{SCALE}/1"].create_dataset("inputs", data=3)


def text_for_numbers(file: h5py.File) -> None:
    del file[f"{SCALE}/1/inputs/in.0"]
    file[f"{SCALE}/1/inputs"].create_dataset("in.0", data=["a", "b"])


def families_are_no_json(file: h5py.File) -> None:
    file[SCALE].attrs["hidden_families"] = json.dumps([1])[:-1]


@pytest.mark.parametrize(
    "change",
    [
        *(drop_attribute(name) for name in ("name", "family", "plan", "raises")),
        plan_is_no_json,
        stray_group,
        unknown_dtype,
        no_tolerance,
        inputs_are_a_dataset,
        text_for_numbers,
        families_are_no_json,
    ],
)
def test_damage_inside_names_the_exercise_and_the_remedy(edit: Callable[..., Path], change: Callable[[h5py.File], None]) -> None:
    path = edit(change)
    with pytest.raises(CasesInvalid) as caught:
        read_cases(path, SCALE)
    text = str(caught.value)
    assert text.startswith(f"{path} is damaged at exercise 'toy.scale' (") and text.endswith(
        "; take a fresh copy from the assignment's zip"
    )
    # the other exercise is whole.
    assert len(read_cases(path, "toy.root")[0]) == 2
