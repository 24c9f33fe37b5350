from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.sandbox import identity
from autograder.sandbox.identity import PRIVATE_IDS, STUDENT_ID, Identity, another_id, private_ids

ALL_CAPABILITIES = "CapEff:\t000001ffffffffff\n"


def pretend(monkeypatch: pytest.MonkeyPatch, uid: int, status: str, id_map: str) -> None:
    texts = {"/proc/self/status": status, "/proc/self/uid_map": id_map, "/proc/self/gid_map": id_map}
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(identity.Path, "read_text", lambda path: texts[str(path)])


def test_root_of_a_whole_machine_takes_private_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 0, ALL_CAPABILITIES, "0 0 4294967295\n")
    chosen = {Identity.choose() for _ in range(20)}
    assert all(one.uid in PRIVATE_IDS and one.gid in PRIVATE_IDS and not one.namespaced for one in chosen)
    assert len({one.uid for one in chosen}) > 15


def test_an_ordinary_user_takes_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 1000, ALL_CAPABILITIES, "0 0 4294967295\n")
    assert Identity.choose() == Identity(STUDENT_ID, STUDENT_ID, namespaced=True)


def test_root_without_capabilities_takes_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    without_sys_admin = f"CapEff:\t{0x1FFFFFFFFFF & ~(1 << 21):016x}\n"
    pretend(monkeypatch, 0, without_sys_admin, "0 0 4294967295\n")
    assert Identity.choose().namespaced
    pretend(monkeypatch, 0, "Name:\tpython\n", "0 0 4294967295\n")
    assert Identity.choose().namespaced


def test_root_that_is_the_only_mapped_user_takes_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 0, ALL_CAPABILITIES, "0 1000 1\n")
    assert Identity.choose().namespaced


@pytest.mark.parametrize(
    ("id_map", "wanted"),
    [
        ("         0          0 4294967295\n", PRIVATE_IDS),
        ("0 100000 65536\n", range(32768, 65534)),
        ("0 1000 1\n1 100000 65536\n", range(32769, 65535)),
        ("0 1000 1\n", range(0)),
        ("", range(0)),
    ],
)
def test_ids_are_taken_from_what_is_mapped(id_map: str, wanted: range) -> None:
    assert private_ids(id_map) == wanted


@pytest.mark.parametrize("taken", [PRIVATE_IDS.start, PRIVATE_IDS.start + 1, PRIVATE_IDS.stop - 1])
def test_the_second_user_of_a_sandbox_is_nobody_either(taken: int) -> None:
    assert another_id(taken) != taken and another_id(taken) in PRIVATE_IDS
    assert another_id(another_id(taken)) == taken


def test_this_machine_gets_somebody_who_is_not_root() -> None:
    chosen = Identity.choose()
    assert chosen.uid > 0 and chosen.gid > 0
    assert chosen.namespaced or Path("/proc/self/uid_map").exists()
