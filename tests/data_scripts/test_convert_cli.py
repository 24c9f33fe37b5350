"""``convert`` and ``verify PATH`` as typed: what they print, their exit codes, and what lies there afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from foreign_files import (
    PERSON,
    coco,
    coco_caption,
    coco_image,
    coco_person,
    idx,
    mpii_mat,
    mpii_point,
    mpii_rect,
    original_icons,
    original_pose,
    photograph,
    star,
)

from data_scripts.cli import app as room
from vislab.data import open_dataset

BRIGHT = {(20, 20): (255, 0, 0)}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """One small source of each format."""
    place = tmp_path / "raw"
    photograph(place / "images" / "a.png", 64, 48, BRIGHT)
    original_icons(place / "icons.hdf5", np.stack([star(points, 0.0) for points in range(3, 9)]))
    original_pose(place / "pose.hdf5")
    mpii_mat(place / "mpii.mat", [("a.png", [mpii_rect([mpii_point(0, 21, 21)], 21, 21, 0.2)], 1, 1.0)])
    people = [coco_person(1, 7, {0: (20, 20, 2)}, (4, 4, 32, 32))]
    coco(place / "person_keypoints_train.json", [coco_image(7, "a.png", 64, 48)], people, categories=[PERSON])
    captions = [coco_caption(number, 7, "a red dot") for number in range(5)]
    coco(place / "captions_train.json", [coco_image(7, "a.png", 64, 48)], captions)
    idx(place / "train-images-idx3-ubyte", np.arange(75).reshape(3, 5, 5))
    idx(place / "train-labels-idx1-ubyte", np.arange(3))
    return place


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["data_scripts", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        room.main()
    said = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), said.out, said.err


COMMANDS = {
    "icons": ("icons", "icons.hdf5"),
    "egocap": ("egocap", "pose.hdf5", "--unit", "mm", "--skeleton", "egocap"),
    "mpii": ("mpii", "mpii.mat", "--images", "images"),
    "coco-keypoints": ("coco-keypoints", "person_keypoints_train.json", "--images", "images", "--size", "32"),
    "coco-captions": ("coco-captions", "captions_train.json", "--images", "images", "--least", "1"),
    "mnist": ("mnist", "."),
}
SETS = {"icons": "icons_plain", "coco-captions": "captions", "mnist": "digits_plain"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_format_is_converted_opened_and_verified(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(raw)
    to = tmp_path / "new.h5"
    words = ("convert", *COMMANDS[name], "--out", to, "--licence", "CC-BY-4.0")
    code, out, err = run(monkeypatch, capsys, *words, "--dry-run", "--json")
    told = json.loads(out)
    assert code == 0 and err == "" and told["written"] is False and told["size_bytes"] is None and not to.exists()

    code, out, err = run(monkeypatch, capsys, *words, "--json")
    done = json.loads(out)
    assert code == 0 and err == "" and done["written"] is True and done["set"] == SETS.get(name, "keypoints") == told["set"]
    assert done["splits"] == told["splits"] and done["licences"] == ["CC-BY-4.0"] and done["size_bytes"] == to.stat().st_size
    data = open_dataset(to, "train" if name == "coco-captions" else None)
    assert data.set_name == done["set"] and list(data["img"].shape[1:]) == done["image"]

    code, out, _ = run(monkeypatch, capsys, "verify", to, "--json")
    verdict = json.loads(out)
    assert code == 0 and verdict["ok"] is True and verdict["sets"][str(to)]["content"] == done["content"]
    code, out, _ = run(monkeypatch, capsys, "verify", to)
    assert code == 0 and "all is well" in out and "nothing was built again" in out


def test_what_is_there_is_replaced_only_when_asked(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "new.h5"
    to.write_bytes(b"\x89HDF\r\n\x1a\nprecious")
    words = ("convert", "icons", raw / "icons.hdf5", "--out", to)
    code, _, err = run(monkeypatch, capsys, *words)
    assert (
        code == 2
        and err.startswith(f"error: --out {to} exists; it is not replaced unasked; pass --force")
        and to.read_bytes().endswith(b"precious")
    )
    assert run(monkeypatch, capsys, *words, "--dry-run")[0] == 0 and to.read_bytes().endswith(b"precious")
    code, out, err = run(monkeypatch, capsys, *words, "--force")
    assert code == 0 and "written" in out and "outlines" in err and len(open_dataset(to)) == 6
    code, _, err = run(monkeypatch, capsys, "convert", "icons", to, "--out", to, "--force")
    assert code == 2 and "is the file to be converted; it must be another one" in err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("icons", "none.hdf5"), 1, "error: none.hdf5 is no file; it must be there to be converted; correct the path"),
        (("icons", "mpii.mat"), 1, "error: mpii.mat is no HDF5 file"),
        (("egocap", "icons.hdf5"), 1, "error: icons.hdf5 lacks the dataset pose_2d"),
        (("icons", "pose.hdf5"), 1, "error: pose.hdf5 lacks the dataset polygon"),
        (
            ("coco-keypoints", "captions_train.json", "--images", "images"),
            1,
            "error: captions_train.json: annotations[0] has no 'keypoints'",
        ),
        (
            ("coco-captions", "person_keypoints_train.json", "--images", "images"),
            1,
            "error: person_keypoints_train.json: annotations[0] has no 'cap",
        ),
        (("mpii", "mpii.mat", "--images", "nowhere"), 2, "error: --images nowhere is no folder; it must hold the pictures"),
        (("mnist", "icons.hdf5"), 1, r"error: icons.hdf5 is no IDX file: it begins with b'\x89HDF'"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(
    raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    monkeypatch.chdir(raw)
    got, out, err = run(monkeypatch, capsys, "convert", *words, "--out", tmp_path / "new.h5", "--json")
    assert (got, out) == (code, "") and err.startswith(told) and err.count("\n") == 1, err
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_nothing_to_write_is_told(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = mpii_mat(raw / "none.mat", [("a.png", [mpii_rect([], 21, 21, 0.2)], 1, 1.0)])
    code, _, err = run(monkeypatch, capsys, "convert", "mpii", path, "--images", raw / "images", "--out", tmp_path / "new.h5")
    assert code == 2 and "error: nothing is left to write (people left out: no joint labelled: 1); one row at least must be" in err


def test_a_file_that_is_not_well_ends_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(monkeypatch, capsys, "verify", tmp_path / "none.h5", "--json")
    assert code == 1 and json.loads(out)["ok"] is False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_ended_leaves_nothing(root: Path, tmp_path: Path, how: signal.Signals) -> None:
    for name, rows in (("images-idx3", np.zeros((8000, 28, 28))), ("labels-idx1", np.zeros(8000))):
        idx(tmp_path / f"train-{name}-ubyte", rows)
    # the source stops in the middle and waits, as a slow disk does.
    program = (
        # whoever runs the tests in a shell's background has interrupts ignored, and hands that down.
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from data_scripts.convert import idx\n"
        "read = idx.rows\n"
        "def slow(head, count):\n"
        "    for number, rows in enumerate(read(head, count)):\n"
        "        yield rows\n"
        "        if number == 5: print('writing', flush=True); time.sleep(600)\n"
        "idx.rows = slow\n"
        "from data_scripts.cli.app import main\n"
        "main()\n"
    )
    images, labels = (str(tmp_path / f"train-{name}-ubyte") for name in ("images-idx3", "labels-idx1"))
    command = [sys.executable, "-c", program, "convert", "mnist", images, labels, "--out", str(tmp_path / "new.h5"), "--json"]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "writing\n", process.communicate()[1]
        assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] != []
        process.send_signal(how)
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == (143 if how == signal.SIGTERM else 130), err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] and out == ""
