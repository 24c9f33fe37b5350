"""``python -m benchmarks scale``: a run played through on paper, against what one can work out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.grading.scale import Pace, finish_s, measured_pace, scale_table, scale_text

QUICK = Pace(service_s=6.0, start_s=5.0, write_s=0.01)
MEASURED = {
    "ways": [{"way": "engine, 2 workers", "s_each": 3.2}, {"way": "engine, 1 worker", "s_each": 6.0}],
    "two_workers": 1.875,
    "starts": {"warm_s": 2.5},
    "growth": [
        {"submissions": 50, "memory_mib": 300, "writer_s": 4.0},
        {"submissions": 200, "memory_mib": 310, "writer_s": 9.0},
        {"submissions": 1000, "memory_mib": 395, "writer_s": 23.0},
    ],
}


@pytest.mark.parametrize(
    ("submissions", "places", "expected"),
    [
        (1, 1, 5 + 6 + 0.01),
        (1, 100, 5 + 6 + 0.01),
        (10, 1, 5 + 60 + 0.01),
        (10, 4, 5 + 18 + 0.02),  # three rounds, two in the last
        (1000, 1000, 5 + 6 + 10),  # all come at once, the writer takes them one by one
    ],
)
def test_rounds_of_equal_submissions(submissions: int, places: int, expected: float) -> None:
    assert finish_s(submissions, places, QUICK) == pytest.approx(expected)


def test_with_places_enough_the_writer_sets_the_time() -> None:
    assert finish_s(100_000, 1200, QUICK) == pytest.approx(100_000 * 0.01, rel=0.02)
    assert finish_s(100_000, 12, QUICK) == pytest.approx(100_000 * 6 / 12, rel=0.02)


def test_those_that_get_stuck_hold_a_place_each_and_the_others_go_on() -> None:
    stuck = Pace(6.0, 5.0, 0.01, stuck_share=0.1, stuck_s=300.0)
    # one of ten: the last of them waits for nobody on ten places.
    assert finish_s(10, 10, stuck) == pytest.approx(5 + 300 + 0.01)
    assert finish_s(10_000, 10, stuck) == pytest.approx(1000 * (0.9 * 6 + 0.1 * 300), rel=0.02)


def test_pace_is_read_from_what_was_measured() -> None:
    pace = measured_pace(MEASURED, 0.01, 300.0)
    assert (pace.service_s, pace.start_s, pace.stuck_share, pace.stuck_s) == (6.4, 2.5, 0.01, 300.0)
    assert pace.write_s == pytest.approx(0.02) and pace.memory_kib == pytest.approx(0.1 * 1024)
    with pytest.raises(LookupError, match="no ways, no starts; measure with python -m benchmarks grading"):
        measured_pace({"growth": MEASURED["growth"]})


def test_table_says_hours_and_what_bounds_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = scale_table(Pace(3.6, 0.0, 0.036, 1024.0), 2, [2000], [1, 500])
    (row,) = table["rows"]
    assert row["hours_on_machines"] == {"1": 1.0, "500": 0.02}
    assert row["writer_alone_hours"] == 0.02 and row["writer_memory_gib"] == 1.95
    assert scale_text(table).splitlines()[2] == "| 2,000 | 1.0 h | 0.02 h | 0.02 h | 1.95 GiB |"
    path = tmp_path / "grading.json"
    path.write_text(json.dumps(MEASURED), encoding="utf-8")
    assert main(["scale", str(path), "--submissions", "100", "--machines", "1", "2"]) == 0
    assert capsys.readouterr().out.startswith("| submissions | 1 machine | 2 machines | writer alone | writer's memory |\n")
    assert main(["scale", str(path), "--submissions", "100", "--machines", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["hours_on_machines"]["1"] == pytest.approx(0.09)


def test_what_cannot_be_played_through_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "grading.json"
    assert main(["scale", str(path)]) == 2 and "No such file" in capsys.readouterr().err
    path.write_text("{}", encoding="utf-8")
    assert main(["scale", str(path)]) == 2 and "the result has no ways, no growth, no starts" in capsys.readouterr().err
    for wrong in (["--machines", "0"], ["--submissions", "0"], ["--stuck-share", "1.5"], ["--stuck-s", "nan"]):
        assert main(["scale", str(path), *wrong]) == 2 and "must be at least 1" in capsys.readouterr().err
    with pytest.raises(ValueError, match="submissions 0 and places 3 must be at least 1"):
        finish_s(0, 3, QUICK)
