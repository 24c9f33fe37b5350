"""``python -m benchmarks loaders``: the gate and what is printed; no statement about speed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import benchmarks.loaders.gate as gate
from benchmarks.__main__ import main
from benchmarks.loaders import command
from benchmarks.loaders.contenders import HEADLINE, WORK, Contender, contenders
from benchmarks.loaders.gate import red_augmentations, red_loaders
from benchmarks.loaders.sample_set import write_set
from vislab.data.dataset import open_dataset

CPU = torch.device("cpu")
COUNT = 70


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small set in both files."""
    return write_set(tmp_path_factory.mktemp("set"), COUNT)


@pytest.fixture(scope="module")
def images(files: tuple[Path, Path]) -> torch.Tensor:
    """All its images."""
    return open_dataset(files[0])["img"].tensor()


def test_all_contenders_bring_the_same_set(files: tuple[Path, Path], images: torch.Tensor) -> None:
    for work in WORK:
        loaders = contenders(*files, work, 16, CPU, workers=0)
        assert {"ours", "stream", "tensordataset", "hdf5_0_workers", "contiguous_0_workers"} <= set(loaders)
        assert red_loaders(loaders, images, work) == []
        assert loaders["ours"].epoch() == COUNT


@pytest.mark.parametrize("work", [work for work, augmentation in WORK.items() if augmentation is not None])
def test_the_plain_preparations_are_ours(images: torch.Tensor, work: str) -> None:
    assert red_augmentations(images, work, CPU) == []


def test_a_wrong_preparation_is_red(images: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    right = gate.prepare_batch
    monkeypatch.setattr(gate, "prepare_batch", lambda *arguments: right(*arguments) + 1e-3)
    (told,) = red_augmentations(images, HEADLINE, CPU)
    assert "ours and the plain batch are apart by" in told


def test_a_loader_that_cheats_is_red(files: tuple[Path, Path], images: torch.Tensor) -> None:
    work = "decode, normalise"
    honest = contenders(*files, work, 16, CPU, workers=0)["ours"]

    def twice():
        batches = list(honest.batches())
        yield from [batches[0], *batches[:-1]]

    def darker():
        for image, group in honest.batches():
            yield image - 1e-3, group

    red = red_loaders({"twice": replace(honest, batches=twice), "darker": Contender(darker, COUNT)}, images, work)
    assert len(red) == 2
    assert "expected 70 of 70" in red[0] and "images are off by 0.001" in red[1]


def test_the_command_prints_the_headlines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    right = command.measure
    monkeypatch.setattr(command, "measure", lambda *arguments: right(*arguments, workers=0, works=(HEADLINE,)))
    assert main(["loaders", "--json", "--rounds", "1", "--count", "40", "--batch-size", "20", "--device", "cpu"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"speedup_vs_dataloader_hdf5", "speedup_vs_tensordataset", "device", "versions", "rows"} <= set(result)
    assert result["rows"][0]["work"] == HEADLINE and result["rows"][0]["samples_per_s"]["ours"] > 0
    assert main(["loaders", "--rounds", "1", "--count", "40", "--batch-size", "20", "--device", "cpu"]) == 0
    assert "speedup_vs_tensordataset" in capsys.readouterr().out


def test_no_figure_is_printed_while_a_comparison_is_red(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def red(*arguments):
        raise command.GateError(["one is red"])

    monkeypatch.setattr(command, "measure", red)
    assert main(["loaders", "--device", "cpu"]) == 1
    told = capsys.readouterr()
    assert told.out == "" and "one is red" in told.err
