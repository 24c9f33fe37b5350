"""Grade on the workers of a Dask cluster: notebooks and release files travel as bytes, so that nothing needs a shared disk.

A worker has this repository at the same state installed, and bubblewrap; it is told nothing else. Each task is graded in a process of the
worker's own that can be lost without the worker: a notebook never runs in a thread beside others.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import current_process
from pathlib import Path
from typing import Any

from autograder.engine.course import REPOSITORY, grader_digest
from autograder.engine.grade_one import assignment_at, grade_one, refused, work_files
from autograder.engine.job import Job, Result
from autograder.engine.pool import TRIES_MAX, Finished, worker_pool

CONNECT_S = 20.0


class ClusterError(RuntimeError):
    """No cluster that could grade: it is not there, has no workers, or other code than this machine."""


class UnfitWorker(RuntimeError):
    """A worker that must not grade: its code or assignment differs, so that its marks would not be these, or it cannot start a process."""


@dataclass(frozen=True)
class Parcel:
    """A job that can be graded elsewhere.

    Args:
        job: its folders are empty paths; the worker puts its own there.
        assignment_digest, grader_digest: what the worker's own must be.
    """

    job: Job
    assignment_digest: str
    grader_digest: str


# the files beside a notebook: path below the release folder to content.
Release = dict[str, bytes]


def pack(job: Job) -> Parcel:
    """Return what travels of a job: everything but this machine's paths."""
    return Parcel(replace(job, assignment_folder=Path(), work_folder=Path()), assignment_at(job.assignment_folder).digest, grader_digest())


def pack_release(job: Job) -> Release:
    """Return what travels of a job's release: its notebook as released, and the files beside it."""
    template = job.work_folder / f"{job.notebook}.ipynb"
    return {template.name: template.read_bytes()} | {name: path.read_bytes() for name, path in work_files(job.work_folder).items()}


def grade_parcel(parcel: Parcel, release: Release, assignments: Path = REPOSITORY / "assignments") -> Result:
    """Grade on this machine what another one packed.

    Args:
        assignments: this machine's own; what was packed must agree with it.

    Raises:
        UnfitWorker: this machine would mark it differently.
    """
    folder = assignments / parcel.job.assignment
    if not folder.is_dir():
        raise UnfitWorker(f"this worker has no assignment {parcel.job.assignment}; bring its repository to the same commit")
    for what, own, sent in (
        ("grading code or versions", grader_digest(), parcel.grader_digest),
        (f"assignment {parcel.job.assignment}", assignment_at(folder).digest, parcel.assignment_digest),
    ):
        if own != sent:
            raise UnfitWorker(f"this worker's {what} differ from the sender's; bring its repository and environment to the same state")
    work = Path(tempfile.mkdtemp(prefix="vislab-parcel-"))
    try:
        for name, content in release.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
        return grade_one(replace(parcel.job, assignment_folder=folder, work_folder=work))
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _Process:
    """The process of one worker thread, kept between tasks: it has imported what grading needs."""

    def __init__(self) -> None:
        self._local = threading.local()

    def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Run there.

        Raises:
            BrokenProcessPool: the process died; the next task gets a new one.
        """
        pool: Executor | None = getattr(self._local, "pool", None)
        if pool is None:
            if current_process().daemon:
                remedy = "start it with --no-nanny, or with DASK_DISTRIBUTED__WORKER__DAEMON=False in its environment"
                raise UnfitWorker(f"this worker may have no processes of its own, as Dask runs it as a daemon; {remedy}")
            pool = self._local.pool = worker_pool(1)
        try:
            return pool.submit(work, *arguments).result()
        except BrokenProcessPool:
            self._local.pool = None
            pool.shutdown(wait=False)
            raise


_PROCESS = _Process()


def grade_remotely(parcel: Parcel, release: Release) -> Result:
    """Grade a parcel in a process of this worker's own: what Dask calls."""
    return _PROCESS.run(grade_parcel, parcel, release)


def grade_on_cluster(jobs: Sequence[Job], finished: Finished, scheduler: str) -> None:
    """Grade all jobs on a cluster.

    A job whose process dies is tried again, ``TRIES_MAX`` times in all; one whose worker is lost goes to another worker, as often as Dask
    allows (``distributed.scheduler.allowed-failures``). Then it gets a ``GRADER_ERROR`` result. The others go on.

    Args:
        jobs: in the order in which they are started.
        finished: called in this process, once per job, as each ends: the one writer.
        scheduler: address, such as ``tcp://host:8786``, or ``tls://`` with Dask's own certificates.

    Raises:
        ClusterError: nobody answers at that address, the cluster has no workers, dask is not installed, or workers hold other code.
    """
    if not jobs:
        return
    with _client(scheduler) as client:
        slots = sum(client.nthreads().values())
        if not slots:
            raise ClusterError(f"the cluster at {scheduler} has no workers; start some: dask worker {scheduler} --nthreads 1")
        with closing(_Executor(client)) as executor:
            _drain(executor, deque(jobs), slots, finished)


def _drain(executor: _Executor, waiting: deque[Job], slots: int, finished: Finished) -> None:
    running: dict[Future[Result], Job] = {}
    tries: dict[int, int] = {}
    while waiting or running:
        # a few more than there are workers, so that none waits for this machine; not all, as each holds its files in memory.
        while waiting and len(running) < slots + 2:
            job = waiting.popleft()
            running[executor.submit(job)] = job
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            try:
                result = future.result()
            except UnfitWorker as error:
                raise ClusterError(str(error)) from error
            except Exception as error:  # whatever happened to worker, process or network: ours, and never this student's
                executor.forget(job)
                tries[id(job)] = tries.get(id(job), 0) + 1
                if tries[id(job)] < TRIES_MAX:
                    waiting.append(job)
                    continue
                result = refused(job, f"lost {TRIES_MAX} times on the cluster: {type(error).__name__}: {error}")
            finished(job, result)


class _Executor:
    """Dask's own executor, with the release of a notebook sent to the cluster once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._sent: dict[tuple[str, str], Any] = {}

    def submit(self, job: Job) -> Future[Result]:
        key = (job.assignment, job.notebook)
        if key not in self._sent:
            # to all workers: what one alone holds is lost with it.
            self._sent[key] = self._client.scatter(pack_release(job), broadcast=True, hash=False)
        return self._executor.submit(grade_remotely, pack(job), self._sent[key])

    def forget(self, job: Job) -> None:
        """Send the release anew with the next job: whoever held it may be gone."""
        self._sent.pop((job.assignment, job.notebook), None)

    def close(self) -> None:
        self._sent.clear()
        self._executor.shutdown(wait=False)


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("--scheduler needs Dask: pip install --constraint constraints.txt '.[cluster]'") from None
    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {scheduler} ({error}); start one: dask scheduler") from error
    try:
        yield client
    finally:
        client.close(timeout=5)
