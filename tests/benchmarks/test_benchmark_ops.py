"""``python -m benchmarks ops``: the gate, the ratios and what is printed; no statement about speed."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from benchmarks import publish
from benchmarks.__main__ import main
from benchmarks.machine import slug
from benchmarks.ops import command
from benchmarks.ops.gate import red_comparisons
from benchmarks.ops.measure import GateError, measure
from benchmarks.ops.subject import PASSES, Library, subjects
from benchmarks.timing import interleaved_times, median_ratio

CPU = torch.device("cpu")
ROW = {"op", "size", "pass", "speedup_vs_eager", "speedup_vs_compile", "bandwidth_fraction"}


@pytest.fixture
def small():
    """Soft-argmax at sizes that take no time."""
    return replace(subjects()["soft_argmax"], sizes={"cpu": ((2, 3, 9, 8), (1, 2, 16, 17))})


def test_every_op_has_a_subject_with_three_sizes_on_both_devices():
    found = subjects()
    assert "soft_argmax" in found
    for subject in found.values():
        assert set(subject.sizes) == {"cpu", "cuda"} and all(len(shapes) == 3 for shapes in subject.sizes.values())
        for passes in PASSES:
            counts = [subject.bytes_moved(shape, 4, passes) for shape in subject.sizes["cuda"]]
            assert counts == sorted(counts)


def test_soft_argmax_reads_once_forward_and_moves_three_maps_in_all():
    moved = subjects()["soft_argmax"].bytes_moved
    maps = 2 * 3 * 64 * 64 * 4
    assert maps < moved((2, 3, 64, 64), 4, "forward") < 1.01 * maps
    assert 3 * maps < moved((2, 3, 64, 64), 4, "forward+backward") < 3.01 * maps


def test_rows_hold_what_is_promised(small):
    rows = measure(small, CPU, rounds=2, copy_bytes_per_s=1e9, compiled=False)
    assert [(row["size"], row["pass"]) for row in rows] == [(size, name) for size in ("2x3x9x8", "1x2x16x17") for name in PASSES]
    for row in rows:
        assert row.keys() >= ROW and row["path"] == "plain" and row["eager"] == "softmax, two products, two sums"
        assert row["speedup_vs_eager"] > 0 and row["speedup_vs_compile"] is None and row["bandwidth_fraction"] >= 0


def wrong_values(heatmaps):
    return command.subjects()["soft_argmax"].naive(heatmaps) + 0.01


def wrong_gradient(heatmaps):
    right = command.subjects()["soft_argmax"].naive(heatmaps)
    return right.detach() + (right - right.detach()) / 2


def wrong_shape(heatmaps):
    return command.subjects()["soft_argmax"].naive(heatmaps)[..., :1]


def not_a_number(heatmaps):
    return command.subjects()["soft_argmax"].naive(heatmaps) * torch.nan


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (wrong_values, "output 0 is off by 0.01"),
        (wrong_gradient, "gradient of input 0 is off by"),
        (wrong_shape, "output 0 is (2, 3, 1), expected (2, 3, 2)"),
        (not_a_number, "output 0 is off by nan"),
    ],
)
@pytest.mark.parametrize("contender", ["ours", "eager"])
def test_no_figure_is_taken_while_a_comparison_is_red(small, contender, wrong, said):
    with pytest.raises(GateError) as caught:
        measure(replace(small, **{contender: wrong}), CPU, rounds=2, copy_bytes_per_s=None, compiled=False)
    assert any(line.startswith(f"soft_argmax 2x3x9x8: {contender}: {said}") for line in caught.value.args[0])


def test_the_gate_is_green_for_what_is_right(small):
    tensors = small.inputs((2, 3, 9, 8), torch.Generator().manual_seed(0), CPU)
    assert red_comparisons({"ours": small.ours, "eager": small.eager}, small.naive, tensors, (torch.ones(2, 3, 2),), "soft_argmax") == []


def two_inputs(features, boxes, *, factor=1.0):
    return features * boxes.sum() * factor


def without_box_gradients(features, boxes):
    return 2.0 * features * boxes.detach().sum()


def half_gradient(features, boxes):
    right = two_inputs(features, boxes)
    return 1.5 * right.detach() + 0.5 * right


@pytest.fixture
def paired(small):
    """An op of two inputs, and a library that computes twice of it and gives the second input no gradient."""
    return replace(
        small,
        inputs=lambda shape, generator, device: (torch.randn(shape, generator=generator), torch.rand(3, generator=generator)),
        **dict.fromkeys(("ours", "naive", "eager"), two_inputs),
        path=lambda *_: "plain",
        libraries={"other": Library(without_box_gradients, options={"factor": 2.0}, gradients=(0,))},
    )


def test_a_library_is_compared_in_what_both_compute(paired):
    rows = measure(paired, CPU, rounds=2, copy_bytes_per_s=None, compiled=False)
    assert len(rows) == 4 and all(row["speedup_vs_other"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (Library(without_box_gradients, gradients=(0,)), "other: output 0 is off by"),
        (Library(lambda features, boxes: (2.0 * features).detach() * features * 0.5, {"factor": 2.0}, (0,)), "other: output 0 is off by"),
        (
            Library(lambda *given: 1.5 * two_inputs(*given).detach() + 0.5 * two_inputs(*given), {"factor": 2.0}),
            "other: gradient of input 1",
        ),
    ],
    ids=["another factor", "another function", "another gradient"],
)
def test_no_figure_is_taken_while_a_library_computes_something_else(paired, library, said):
    with pytest.raises(GateError) as caught:
        measure(replace(paired, libraries={"other": library}), CPU, rounds=2, copy_bytes_per_s=None, compiled=False)
    assert any(said in line for line in caught.value.args[0]), caught.value.args[0]


def test_a_library_that_is_not_installed_has_no_column(small):
    (row, *_) = measure(replace(small, libraries={}), CPU, rounds=2, copy_bytes_per_s=None, compiled=False)
    assert set(row) == {*ROW, "path", "eager", "ours_ms"}


def test_the_page_names_every_key_of_a_row(small, root):
    page = (root / "docs" / "ops" / "README.md").read_text()
    rows = measure(small, CPU, rounds=2, copy_bytes_per_s=None, compiled=False)
    keys = {key for row in rows for key in row} | {f"speedup_vs_{name}" for subject in subjects().values() for name in subject.libraries}
    assert [key for key in sorted(keys | {"note"}) if f"`{key}`" not in page] == []


def test_installed_libraries_pass_the_gate():
    for name, size in (("affine_sample", (8, 1, 32, 32)), ("soft_argmax", (2, 3, 16, 17)), ("gaussian_heatmaps", (2, 3, 16, 17))):
        subject = subjects()[name]
        for library in subject.libraries:
            rows = measure(replace(subject, sizes={"cpu": (size,)}), CPU, rounds=1, copy_bytes_per_s=None, compiled=False)
            assert all(row[f"speedup_vs_{library}"] > 0 for row in rows)


def test_the_command_prints_one_json_object(small, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "subjects", lambda: {"soft_argmax": small})
    monkeypatch.setattr(publish, "RESULTS", tmp_path / "benchmarks" / "results")
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    assert main(["ops", "--json", "--save", "--device", "cpu", "--rounds", "2", "--no-compile"]) == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["device"] and result["versions"]["torch"] and len(result["rows"]) == 4
    assert all(row.keys() >= ROW and row["bandwidth_fraction"] is None for row in result["rows"])
    saved = tmp_path / "benchmarks" / "results" / f"ops_{slug(result['device'])}.json"
    assert json.loads(saved.read_text()) == result and f"wrote benchmarks/results/{saved.name}" in printed.err


def test_the_command_prints_a_table(small, monkeypatch, capsys):
    monkeypatch.setattr(command, "subjects", lambda: {"soft_argmax": small})
    assert main(["ops", "--device", "cpu", "--rounds", "2", "--no-compile"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 4 and lines[2].split()[:3] == ["soft_argmax", "2x3x9x8", "forward"]


def test_the_command_fails_and_prints_no_figure_while_a_comparison_is_red(small, monkeypatch, capsys):
    monkeypatch.setattr(command, "subjects", lambda: {"soft_argmax": replace(small, ours=wrong_values)})
    assert main(["ops", "--json", "--device", "cpu", "--rounds", "2", "--no-compile"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "soft_argmax 2x3x9x8: ours: output 0 is off by 0.01" in printed.err


def test_committed_results_name_device_versions_and_every_figure(root):
    files = sorted((root / "benchmarks" / "results").glob("ops_*.json"))
    measured = set()
    for file in files:
        result = json.loads(file.read_text())
        assert file.name == f"ops_{slug(result['device'])}.json" and result["versions"]["torch"] and result["rounds"] >= 20
        assert all(row.keys() >= ROW for row in result["rows"])
        measured |= {row["op"] for row in result["rows"]}
    # an op that is newer than a machine's last visit is missing from that machine's file, but not from all.
    assert measured == set(subjects())


def test_an_unknown_op_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["ops", "--op", "sort_argmax"])
    assert caught.value.code == 2 and "sort_argmax" in capsys.readouterr().err


def test_contenders_take_turns_in_alternating_order():
    calls = []

    def contender(name):
        def call():
            calls.append(name)
            time.sleep(0.011)  # fills a sample, so that each sample is one call

        return call

    times = interleaved_times({"a": contender("a"), "b": contender("b")}, 4, CPU)
    assert "".join(calls[-8:]) == "abbaabba"
    assert {name: len(samples) for name, samples in times.items()} == {"a": 4, "b": 4}


def test_a_ratio_is_taken_round_by_round():
    # a machine that slows down threefold in between moves no ratio.
    assert median_ratio([2.0, 6.0, 4.0], [1.0, 3.0, 2.0]) == 2.0


def test_a_device_name_becomes_a_file_name():
    assert slug("Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz") == "intel-xeon-gold-6338-cpu-2-00ghz"


@pytest.mark.parametrize("room", ["ops", "loaders"])
def test_a_room_for_gpus_needs_no_grader(root, room):
    without = "import sys; sys.modules['nbgrader'] = sys.modules['zmq'] = None"
    script = f"{without}; from benchmarks.__main__ import main; main([{room!r}, '--help'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and f"usage: python -m benchmarks {room}" in done.stdout, done.stderr


def test_a_formulation_can_be_asked_for(monkeypatch, capsys):
    asked = []
    small = replace(command.subjects()["soft_argmax"], sizes={"cpu": ((1, 1, 4, 4),)})
    monkeypatch.setattr(command, "subjects", lambda: {"soft_argmax": small})
    for words in (["--path", "fused"], []):
        assert main(["ops", "--json", "--device", "cpu", "--rounds", "1", "--no-compile", *words]) == 0
        asked += [row["path"] for row in json.loads(capsys.readouterr().out)["rows"]]
    assert asked == ["fused", "fused", "plain", "plain"]
