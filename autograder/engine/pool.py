"""Grade many jobs at once: a pool of processes, one writer, results saved as they come."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext, SpawnProcess

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

    A worker process that dies (killed by the operating system, say) is our failure. The jobs that were being graded when it died are tried
    again, alone, after all others: one that kills its worker cannot take others with it. After ``TRIES_MAX`` deaths a job gets a
    ``GRADER_ERROR`` result. The deaths of other jobs' workers cost a waiting job nothing.
    """
    waiting = deque(jobs)
    suspects: list[Job] = []
    while waiting:
        with worker_pool(min(workers, len(waiting))) as pool:
            suspects += _drain(pool, waiting, workers, finished, work)
    for job in suspects:
        for _ in range(TRIES_MAX - 1):
            with worker_pool(1) as pool:
                if not _drain(pool, deque([job]), 1, finished, work):
                    break
        else:
            finished(job, refused(job, f"the grading process died {TRIES_MAX} times on this notebook"))


def _drain(pool: Executor, waiting: deque[Job], workers: int, finished: Finished, work: Callable[[Job], Result]) -> list[Job]:
    """Take jobs from ``waiting`` until none is left or the pool breaks; return the jobs that were being graded when it broke."""
    running: dict[Future[Result], Job] = {}
    suspects: list[Job] = []
    ended: deque[tuple[Job, Result]] = deque()
    try:
        while True:
            # no more at once than there are workers: the pool does not tell whose worker died, so whoever waits must not be in it.
            while waiting and not suspects and len(running) < workers:
                job = waiting.popleft()
                try:
                    running[pool.submit(work, job)] = job
                except BrokenProcessPool:
                    # it broke while nothing of ours was going on, or before we were told: this job never began.
                    waiting.appendleft(job)
                    break
            # the workers have something to do again, so this is the time to write.
            while ended:
                finished(*ended.popleft())
            if not running:
                return suspects
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(future)
                try:
                    ended.append((job, future.result()))
                except BrokenProcessPool:
                    suspects.append(job)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


class Worker(SpawnProcess):
    """A worker process that can be ended whatever it is doing."""

    def terminate(self) -> None:
        """Kill it.

        When one worker dies, the pool terminates the others and waits for them. nbclient takes SIGTERM for itself while a notebook runs,
        and a worker that survives waits for ever on the lock of a queue that the dead one held.
        """
        self.kill()


class Workers(SpawnContext):
    """Makes such processes. Spawned: a forked child would inherit torch's threads and locks."""

    Process = Worker


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of processes that import what grading needs once, and are killed with this one."""
    return ProcessPoolExecutor(workers, mp_context=Workers(), initializer=die_with, initargs=(os.getpid(),))


def die_with(parent: int) -> None:
    """See to it that this worker dies with its parent: a killed run must not go on grading, nor hold a lock, in the background.

    Args:
        parent: its process id. Where it is gone already, as while this worker was being started, the worker ends here.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # Nobody would send the signal any more, and what waits in the queue would be graded for nobody.
            os._exit(1)
