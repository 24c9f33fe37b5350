"""Grade many jobs at once: a pool of processes, one writer, results saved as they come."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import psutil

from autograder.engine.grade_one import grade_one, refused
from autograder.engine.job import Job, Result
from autograder.sandbox.limits import Limits

TRIES_MAX = 3
PR_SET_PDEATHSIG = 1
# what one worker and its sandboxed kernel hold beside the student's own memory.
OVERHEAD_MIB = 1024

Finished = Callable[[Job, Result], None]


def workers_for(wanted: int | None, memory_mib: int | None = None) -> int:
    """Return how many submissions are graded at once.

    Args:
        wanted: as asked for; None means one per processor.
        memory_mib: limit of one submission; never more of them at once than fit into this machine's free memory.
    """
    per_worker_mib = (memory_mib or Limits().memory_mib) + OVERHEAD_MIB
    fit = max(1, psutil.virtual_memory().available // (per_worker_mib << 20))
    return max(1, min(wanted or os.cpu_count() or 1, fit))


def grade_many(jobs: Sequence[Job], finished: Finished, workers: int = 1, work: Callable[[Job], Result] = grade_one) -> None:
    """Grade all jobs.

    Args:
        jobs: in the order in which they are started.
        finished: called in this process, once per job, as each ends: the one writer.
        workers: processes.
        work: what each process does with a job; importable by name.

    A worker process that dies (killed by the operating system, say) is our failure: its jobs are tried again, and after
    ``TRIES_MAX`` tries get a ``GRADER_ERROR`` result.
    """
    left = list(jobs)
    for number in range(1, TRIES_MAX + 1):
        # a class that is graded already leaves none, and a pool without workers cannot be made.
        if not left:
            return
        # the last try goes one at a time, so that a job that kills its worker cannot take others with it.
        last = number == TRIES_MAX
        left = _one_at_a_time(left, finished, work) if last else _round(left, finished, workers, work)
    for job in left:
        finished(job, refused(job, f"the grading process died {TRIES_MAX} times on this notebook"))


def _round(jobs: Sequence[Job], finished: Finished, workers: int, work: Callable[[Job], Result]) -> list[Job]:
    with _pool(min(workers, len(jobs))) as pool:
        return _drain(pool, jobs, finished, work)


def _one_at_a_time(jobs: Iterable[Job], finished: Finished, work: Callable[[Job], Result]) -> list[Job]:
    left: list[Job] = []
    for job in jobs:
        with _pool(1) as pool:
            left += _drain(pool, [job], finished, work)
    return left


def _drain(pool: Executor, jobs: Sequence[Job], finished: Finished, work: Callable[[Job], Result]) -> list[Job]:
    futures: dict[Future[Result], Job] = {pool.submit(work, job): job for job in jobs}
    left: list[Job] = []
    try:
        for future in as_completed(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                left.append(futures[future])
                continue
            finished(futures[future], result)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    return left


def _pool(workers: int) -> ProcessPoolExecutor:
    # spawn: a forked child would inherit torch's threads and locks.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_die_with_parent)


def _die_with_parent() -> None:
    """Ask the kernel to kill this worker when its parent dies: a killed run must not go on grading, nor hold a lock, in the background."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
