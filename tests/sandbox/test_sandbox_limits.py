from __future__ import annotations

import dataclasses
import tomllib

import pytest

from autograder.sandbox.identity import Identity
from autograder.sandbox.limits import RANGES, Limits, LimitsError
from autograder.sandbox.walls import resource_limits


def test_defaults_are_the_documented_ones() -> None:
    assert Limits() == Limits(case_s=10, cell_s=60, submission_s=300, memory_mib=2048, processes=64, files_mib=256, output_mib=32)


def test_every_limit_has_a_range_that_holds_its_default() -> None:
    for field in dataclasses.fields(Limits):
        smallest, largest = RANGES[field.name]
        assert smallest <= field.default <= largest


def test_a_table_changes_what_it_names() -> None:
    table = tomllib.loads("[limits]\ncell_s = 90.5\nmemory_mib = 4096\n")["limits"]
    assert Limits.from_table(table) == Limits(cell_s=90.5, memory_mib=4096)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LimitsError, match=r"limits\.memory_mb is not a limit; use one of case_s, cell_s, submission_s, memory_mib"):
        Limits.from_table({"memory_mb": 512})


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"memory_mib": "2 GiB"}, r"memory_mib '2 GiB' must be a whole number; write for example memory_mib = 2048"),
        ({"memory_mib": True}, r"memory_mib True must be a whole number"),
        ({"processes": 64.0}, r"processes 64.0 must be a whole number"),
        ({"case_s": float("nan")}, r"case_s nan must be a number of seconds"),
        ({"submission_s": float("inf")}, r"submission_s inf must be a number of seconds"),
        ({"memory_mib": 100}, r"memory_mib 100 must lie in 512 to 1.04858e\+06; the default is 2048"),
        ({"case_s": 0}, r"case_s 0 must lie in 0.1 to 86400"),
        ({"files_mib": -1}, r"files_mib -1 must lie in 1 to 65536"),
        ({"case_s": 61}, r"case_s 61 must not exceed cell_s 60; lower case_s or raise cell_s"),
        ({"cell_s": 301}, r"cell_s 301 must not exceed submission_s 300"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused(table: dict[str, object], text: str) -> None:
    with pytest.raises(LimitsError, match=text):
        Limits.from_table(table)


def test_sizes_in_bytes() -> None:
    limits = Limits(memory_mib=1024, files_mib=2, output_mib=3)
    assert (limits.memory_bytes, limits.files_bytes, limits.output_bytes) == (1 << 30, 2 << 20, 3 << 20)


def test_the_time_of_trainings_follows_from_the_exercises_and_is_not_stated() -> None:
    with pytest.raises(LimitsError, match=r"limits\.training_s is not a limit; use one of case_s, cell_s, submission_s"):
        Limits.from_table({"training_s": 60})
    with pytest.raises(LimitsError, match=r"training_s -1 must lie in 0 to 86400"):
        Limits(training_s=-1)
    identity = Identity(1000, 1000, namespaced=True)
    plain, training = (resource_limits(Limits(training_s=extra), identity)["RLIMIT_CPU"] for extra in (0, 90.5))
    assert plain == (302, 303) and training == (393, 394)
