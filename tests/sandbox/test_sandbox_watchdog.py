from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_bench import Bench

from autograder.sandbox.limits import Limits
from autograder.sandbox.watchdog import FILE_COUNT_MAX, Cause, Sample, Watchdog, exceeded, take_sample

LIMITS = Limits(memory_mib=512, processes=32, submission_s=60, cell_s=60)
CALM = Sample(memory_bytes=0, tasks=1, cpu_s=0, files=0)


def add_process(proc: Path, pid: int, status: dict[str, int], stat: str = "", rollup: dict[str, int] | None = None) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "status").write_text(
        "Name:\tx 7\n" + "".join(f"{k}:\t{v} kB\n" if k != "Threads" else f"{k}:\t{v}\n" for k, v in status.items())
    )
    (proc / str(pid) / "stat").write_text(stat)
    if rollup is not None:
        (proc / str(pid) / "smaps_rollup").write_text(
            "55f0-7ffe ---p 00000000 00:00 0 [rollup]\n" + "".join(f"{k}: {v} kB\n" for k, v in rollup.items())
        )


@pytest.fixture
def proc(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 1 kB\n")
    folder = os.open(tmp_path / "proc", os.O_RDONLY)
    yield tmp_path / "proc", folder
    os.close(folder)


def test_memory_is_anonymous_shared_swap_and_tables(proc: tuple[Path, int]) -> None:
    add_process(proc[0], 2, {"VmRSS": 999_999, "RssAnon": 100, "RssFile": 50_000, "RssShmem": 20, "VmSwap": 3, "VmPTE": 4, "Threads": 7})
    add_process(proc[0], 5, {"RssAnon": 1, "RssShmem": 0, "VmPTE": 1, "Threads": 2})
    sample = take_sample(proc[1], [], LIMITS.memory_bytes)
    assert sample.memory_bytes == (100 + 20 + 3 + 4 + 1 + 1) * 1024
    assert sample.tasks == 9


def test_shared_pages_are_told_apart_only_above_the_limit(proc: tuple[Path, int]) -> None:
    for pid in (2, 3, 4):
        add_process(proc[0], pid, {"RssAnon": 1000, "RssShmem": 100}, rollup={"Pss_Anon": 400, "Pss_Shmem": 50, "SwapPss": 1})
    assert take_sample(proc[1], [], LIMITS.memory_bytes).memory_bytes == 3300 * 1024
    assert take_sample(proc[1], [], 3000 * 1024).memory_bytes == (1203 + 150) * 1024


def test_a_copy_of_the_warm_servers_pages_is_nobodys_memory(proc: tuple[Path, int]) -> None:
    add_process(proc[0], 1, {"RssAnon": 1000, "RssShmem": 9, "VmPTE": 5, "Threads": 1}, rollup={"Pss_Anon": 300})
    add_process(proc[0], 2, {"RssAnon": 1100, "Threads": 3}, rollup={"Pss_Anon": 400})
    assert take_sample(proc[1], [], LIMITS.memory_bytes).memory_bytes == 2114 * 1024
    # It is counted as a process all the same; what the other one shares with the server counts in part above the limit.
    assert take_sample(proc[1], [], LIMITS.memory_bytes, ["1"]) == Sample(1100 * 1024, 4, 0.0, 0)
    assert take_sample(proc[1], [], 1000 * 1024, ["1"]).memory_bytes == 400 * 1024


def test_a_process_that_hides_its_map_is_charged_in_full(proc: tuple[Path, int]) -> None:
    add_process(proc[0], 2, {"RssAnon": 1000}, rollup={"Pss_Anon": 400})
    add_process(proc[0], 3, {"RssAnon": 1000, "VmSwap": 7})
    assert take_sample(proc[1], [], 1).memory_bytes == (400 + 1000 + 7) * 1024


def test_cpu_time_survives_a_hostile_name_and_counts_children(proc: tuple[Path, int]) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    numbers = " ".join(["S", *["0"] * 10, str(ticks), str(2 * ticks), str(3 * ticks), str(4 * ticks), *["0"] * 30])
    add_process(proc[0], 2, {}, f"2 (a) S 9 9 9 9 9 9 9 9 9 9 9 9 9) {numbers}\n")
    assert take_sample(proc[1], [], LIMITS.memory_bytes).cpu_s == 10.0


def test_a_process_that_ended_meanwhile_is_nothing(proc: tuple[Path, int]) -> None:
    (proc[0] / "9").mkdir()
    assert take_sample(proc[1], [], LIMITS.memory_bytes) == Sample(0, 0, 0.0, 0)


@pytest.mark.parametrize(
    ("sample", "cause"),
    [
        (CALM, None),
        (Sample(LIMITS.memory_bytes, 1, 0, 0), None),
        (Sample(LIMITS.memory_bytes + 1, 1, 0, 0), Cause.MEMORY),
        (Sample(0, 1, 60.0, 0), None),
        (Sample(0, 1, 60.1, 0), Cause.CPU),
        (Sample(0, 40, 0, 0), None),
        (Sample(0, 41, 0, 0), Cause.PROCESSES),
        (Sample(0, 1, 0, FILE_COUNT_MAX), None),
        (Sample(0, 1, 0, FILE_COUNT_MAX + 1), Cause.FILES),
        (Sample(LIMITS.memory_bytes + 1, 99, 99, 0), Cause.MEMORY),
    ],
)
def test_what_exceeds_which_limit(sample: Sample, cause: Cause | None) -> None:
    assert exceeded(sample, LIMITS) is cause


def test_it_ends_when_the_sandbox_has_gone(proc: tuple[Path, int]) -> None:
    gone = os.open(proc[0] / "meminfo", os.O_RDONLY)
    watchdog = Watchdog(gone, [], LIMITS, lambda: pytest.fail("nothing to kill"), interval_s=0.001)
    watchdog.start()
    watchdog.stop()
    os.close(gone)
    assert watchdog.cause is None


needs_walls = pytest.mark.needs_walls
TOUCH = (
    "import sys\nheld = []\nwhile len(held) < {pieces}: held.append(b'1' * (16 << 20))\nimport time; time.sleep({rest})\nprint('survived')"
)


@needs_walls
def test_a_memory_bomb_is_killed(bench: Bench) -> None:
    ended = bench.run(TOUCH.format(pieces=(512 + 1024) // 16, rest=5), LIMITS, watched=True)
    assert ended.cause is Cause.MEMORY
    assert "survived" not in ended.out
    assert ended.status == 128 + 9


@needs_walls
def test_memory_inside_the_limit_is_left_alone(bench: Bench) -> None:
    ended = bench.run(TOUCH.format(pieces=400 // 16, rest=0.5), LIMITS, watched=True)
    assert (ended.cause, ended.out) == (None, "survived\n")


@needs_walls
def test_forks_that_share_their_memory_are_not_charged_for_it_twice(bench: Bench) -> None:
    code = """
import os, time
held = b'1' * (300 << 20)
children = []
for _ in range(4):
    children.append(os.fork())
    if not children[-1]:
        time.sleep(1); os._exit(0)
for child in children: os.waitpid(child, 0)
print('survived')
"""
    ended = bench.run(code, LIMITS, watched=True)
    assert (ended.cause, ended.out) == (None, "survived\n")


@needs_walls
def test_memory_that_many_processes_take_together_is_charged(bench: Bench) -> None:
    code = """
import os, time
for _ in range(5):
    if not os.fork():
        held = b'1' * (200 << 20)
        time.sleep(30); os._exit(0)
time.sleep(30)
"""
    assert bench.run(code, LIMITS, watched=True).cause is Cause.MEMORY


SHARED_MAPPING = """
import mmap, time
shared = mmap.mmap(-1, 900 << 20)
for i in range(0, 900 << 20, 4096): shared[i] = 1
time.sleep(30)
"""
FILES_IN_MEMORY = """
import time
for i in range(8):
    for folder in ('/dev/shm', '/tmp'): open(f'{folder}/{i}', 'wb').write(b'1' * (62 << 20))
held = b'1' * (200 << 20)
time.sleep(30)
"""


@needs_walls
@pytest.mark.parametrize("code", [SHARED_MAPPING, FILES_IN_MEMORY], ids=["shared mapping", "files in memory"])
def test_memory_outside_the_heap_is_charged_too(bench: Bench, code: str) -> None:
    assert bench.run(code, Limits(memory_mib=512, files_mib=500), watched=True).cause is Cause.MEMORY


@needs_walls
def test_cpu_time_of_all_processes_is_counted_together(bench: Bench) -> None:
    code = "import os\nfor _ in range(2):\n  if not os.fork():\n    while True: pass\nwhile True: pass"
    ended = bench.run(code, Limits(case_s=1, cell_s=1, submission_s=1), watched=True)
    assert ended.cause is Cause.CPU


@needs_walls
def test_too_many_files_are_noticed(bench: Bench) -> None:
    code = f"""
import os
for i in range({FILE_COUNT_MAX} + 200_000):
    if i % 1000 == 0: os.mkdir(f'/tmp/{{i // 1000}}')
    os.close(os.open(f'/tmp/{{i // 1000}}/{{i}}', os.O_CREAT | os.O_WRONLY))
"""
    assert bench.run(code, watched=True).cause is Cause.FILES


def test_cpu_time_that_was_granted_comes_on_top() -> None:
    sample = Sample(0, 1, 70.0, 0)
    assert exceeded(sample, LIMITS) is Cause.CPU
    assert exceeded(sample, LIMITS, granted_s=10.0) is None
    assert exceeded(Sample(0, 1, 70.1, 0), LIMITS, granted_s=10.0) is Cause.CPU


def test_the_watchdog_keeps_to_what_is_granted_while_it_runs(proc: tuple[Path, int]) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    stat = f"2 (a) {' '.join(['S', *['0'] * 10, str(70 * ticks), '0', '0', '0', *['0'] * 30])}\n"
    add_process(proc[0], 2, {"RssAnon": 1}, stat)
    killed: list[int] = []
    watchdog = Watchdog(proc[1], [], LIMITS, lambda: killed.append(1), interval_s=0.001)
    watchdog.granted_s = 20.0
    watchdog.start()
    while not watchdog.cpu_s:
        pass
    assert not killed
    # the training is over, and used less than it might have.
    watchdog.granted_s = 5.0
    watchdog._thread.join(60)
    watchdog.stop()
    assert killed == [1] and watchdog.cause is Cause.CPU
