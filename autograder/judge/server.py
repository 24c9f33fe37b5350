"""The judge's Unix socket: one check at a time, and only the one that is open."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.bench import Bench
from autograder.judge.exchange import SocketExchange
from autograder.judge.records import CaseRecord, CheckRecord, Ending
from autograder.judge.session import CheckSession
from autograder.judge.test_suite import SuiteSession
from vislab.check.compare import Finding
from vislab.check.suite import CALL_LIMITS
from vislab.wire.frames import receive, send
from vislab.wire.limits import Limits, WireClosed, WireError

log = logging.getLogger(__name__)

GREETING_S = 5.0
# how long our own side may compute on one case after its connection was cut.
JUDGING_S = 60.0
CONNECTIONS_MAX = 2000
RETRY_S = 0.1
SOCKET_NAME = "judge.sock"


@dataclass
class _Check:
    """One opening of a check. State of an earlier opening can never reach a later one."""

    name: str
    skip: Finding | None
    session: CheckSession | SuiteSession | None = None
    running: bool = False
    record: CheckRecord | None = None
    finished: threading.Event = field(default_factory=threading.Event)


class Judge:
    """Serves one notebook run.

    The engine opens a check before it executes that check's cell and closes it afterwards; a connection that asks for anything else is
    refused, and a check answers once.

    Args:
        exercises: by name.
        seeds: of the submission.
        folder: where the socket is made; bound into the sandbox. Its path must be short (a Unix socket's path holds 107 bytes).
        case_s: wall seconds for one case.
        limits: of the wire.
        bench: where implementations run that a student's test calls; then all exercises are test-suites.
        number: of the kernel, for a test that runs in several.
    """

    def __init__(
        self,
        exercises: Mapping[str, Exercise],
        seeds: SeedSource,
        folder: Path,
        case_s: float = 10.0,
        limits: Limits | None = None,
        bench: Bench | None = None,
        number: int = 0,
    ) -> None:
        self._exercises = exercises
        self._seeds = seeds
        self._case_s = case_s
        self._limits = limits or (Limits() if bench is None else CALL_LIMITS)
        self._bench = bench
        self._number = number
        self.path = folder / SOCKET_NAME
        self.stalled = threading.Event()
        self._lock = threading.Lock()
        self._check: _Check | None = None
        self._connection: socket.socket | None = None
        self._closing = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(self.path))
        except OSError:
            self._listener.close()
            raise
        # the sandbox runs under another user id; only the bound folder makes the socket reachable.
        self.path.chmod(0o666)
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._serve, name="judge", daemon=True)

    def __enter__(self) -> Judge:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing = True
        for sock in (self._connection, self._listener):
            if sock is not None:
                _shut(sock)
        self._listener.close()
        self._thread.join(timeout=30)
        self.path.unlink(missing_ok=True)

    def serves(self, exercise: str | None) -> bool:
        """Whether an exercise is judged in this run at all."""
        return exercise in self._exercises

    @property
    def is_open(self) -> bool:
        """Whether a check has been opened and not yet closed."""
        return self._check is not None

    def allowance(self, exercise: str) -> tuple[float, float]:
        """Return the CPU and wall seconds that a check may take beside what any cell may: those of a training."""
        found = self._exercises.get(exercise)
        return (found.training_s, found.extra_wall_s) if found is not None else (0.0, 0.0)

    def open(self, exercise: str, skip: Finding | None = None) -> None:
        """Accept the check of ``exercise`` from now on.

        Args:
            exercise: a known name.
            skip: answer every case with this, without calling the student's code (the rerun rule).
        """
        if exercise not in self._exercises:
            raise KeyError(f"exercise {exercise!r} is not in this assignment; known: {sorted(self._exercises)}")
        check = _Check(exercise, skip)
        check.session = self._session(self._exercises[exercise], partial(self._stall, check))
        with self._lock:
            earlier, connection = self._check, self._connection
            self._check = check
            self.stalled.clear()
        if earlier is not None and earlier.running and connection is not None:
            _shut(connection)

    def _session(self, exercise: Exercise, on_stall: Callable[[], None]) -> CheckSession | SuiteSession:
        if self._bench is None:
            return CheckSession(exercise, self._seeds, self._case_s, on_stall)
        return SuiteSession(exercise, self._seeds, self._case_s, self._bench, self._number, on_stall)

    def close(self, grace_s: float = 2.0) -> CheckRecord:
        """Stop accepting the open check and return its record; a check nobody came for is ``ABSENT``.

        Args:
            grace_s: how long a session that is comparing its last answer may take to finish.
        """
        with self._lock:
            check, self._check = self._check, None
            connection = self._connection
        if check is None or check.session is None:
            raise RuntimeError("no check is open")
        if check.running and not check.finished.wait(grace_s):
            if connection is not None:
                _shut(connection)
            check.finished.wait(JUDGING_S)
        self.stalled.clear()
        if check.skip is not None:
            return self._skipped(check.name, check.skip)
        if check.record is not None:
            return check.record
        # a session that runs and cannot be ended is a fault of ours: what it has not judged becomes GRADER_ERROR.
        return check.session.record(Ending.COMPLETE if check.running else Ending.ABSENT)

    def _stall(self, check: _Check) -> None:
        with self._lock:
            if check is self._check:
                self.stalled.set()

    def _skipped(self, name: str, skip: Finding) -> CheckRecord:
        cases = [
            CaseRecord(case.name, case.family, skip.verdict, skip.text, self._seeds.fingerprint(name, case.name))
            for case in self._exercises[name].cases()
        ]
        return CheckRecord(name, Ending.SKIPPED, cases)

    def _serve(self) -> None:
        for _ in range(CONNECTIONS_MAX):
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closing:
                    return
                # too many open files, or no memory: ours, and it may pass. Whoever comes waits in the queue meanwhile.
                log.exception("accepting a connection")
                time.sleep(RETRY_S)
                continue
            if self._closing:
                connection.close()
                return
            with connection:
                with self._lock:
                    self._connection = connection
                try:
                    self._converse(connection)
                except (WireClosed, WireError, TimeoutError, OSError) as error:
                    log.debug("connection ended: %s", error)
                except Exception:  # whatever one connection does, the next check must find somebody at home
                    log.exception("serving a connection")
                finally:
                    with self._lock:
                        self._connection = None
        # nobody may wait for an answer that does not come: a shutdown turns away only who connects from now on, closing also ends
        # the connections that the kernel has already queued.
        self._listener.close()

    def _converse(self, connection: socket.socket) -> None:
        greeting = receive(connection, Limits(header_bytes=4096, body_bytes=0), time.monotonic() + GREETING_S)
        with self._lock:
            check = self._check
            reason = None
            if greeting.type != "check" or greeting.header.get("version") != 1:
                reason = "this vislab speaks another version of the protocol"
            elif check is None or greeting.header.get("exercise") != check.name:
                reason = "an exercise is judged in its own check cell only"
            elif check.running or check.finished.is_set():
                reason = "this check has been answered"
            elif check.skip is None:
                check.running = True
        if reason is not None or check is None or check.session is None:
            send(connection, {"type": "refused", "reason": reason or ""})
            return
        if check.skip is not None:
            send(connection, {"type": "done"})
            return
        try:
            check.record = check.session.run(SocketExchange(connection, self._limits))
        finally:
            check.finished.set()
        if check.record.ending is Ending.COMPLETE:
            send(connection, {"type": "done"})


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
