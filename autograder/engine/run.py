"""Execute one notebook once, inside the walls, with the judge beside it."""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nbformat
from jupyter_client.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from traitlets import Any as AnyTrait

from autograder.judge.records import CheckRecord, Ending
from autograder.judge.server import Judge
from autograder.sandbox.home import RunHome
from autograder.sandbox.limits import Limits
from vislab.check.compare import Finding
from vislab.check.verdict import Verdict

log = logging.getLogger(__name__)

SKIP_TAG = "vislab-skip"
CAUSES_OF_DEATH = {"memory": "memory", "cpu": "time", "processes": "processes", "files": "files"}
INTERRUPT_GRACE_S = 3.0
POLL_S = 0.05
FLOOD_FACTOR = 4


@dataclass
class Death:
    """How a run ended before its last cell.

    Args:
        cell_id: of the cell that was running.
        check: the exercise whose check it was, or None.
        cause: "memory", "time", "output", "processes", "files" or "crash".
    """

    cell_id: str
    check: str | None
    cause: str


@dataclass
class RunOutcome:
    """What one run gave: the notebook with outputs, the checks judged until its end, and how it died, if it did.

    Args:
        slow_cells: ids of cells outside checks that used up a cell's whole time.
        cut_cells: ids of cells outside checks that were cut short, because an earlier cell of this run had used up its time.
        start: how the kernel was started: "fresh" or "forked".
    """

    notebook: NotebookNode
    records: dict[str, CheckRecord] = field(default_factory=dict)
    death: Death | None = None
    out_of_time: bool = False
    slow_cells: set[str] = field(default_factory=set)
    cut_cells: set[str] = field(default_factory=set)
    output_cut: bool = False
    wall_s: float = 0.0
    start: str = ""


def check_of(cell: Mapping[str, Any]) -> str | None:
    """Return the exercise whose check cell this is, or None."""
    name = cell.get("metadata", {}).get("vislab", {}).get("check")
    return name if isinstance(name, str) else None


def run_notebook(
    notebook: NotebookNode, sandbox: RunHome, judge: Judge, limits: Limits, skips: Mapping[str, Finding], skip_cells: set[str]
) -> RunOutcome:
    """Execute every code cell in order.

    Args:
        notebook: cleaned by intake; not changed.
        sandbox: entered; its kernel is not started yet.
        judge: entered.
        limits: of this submission.
        skips: checks that answer with a verdict without calling the student's code.
        skip_cells: ids of cells that are not executed.
    """
    client = GradingClient(
        copy.deepcopy(notebook),
        km=sandbox.make_kernel_manager(),
        sandbox=sandbox,
        judge=judge,
        limits=limits,
        skips=dict(skips),
        skip_cells=set(skip_cells),
        # no time-out of nbclient's own: after one it goes on to the next cell, whether the kernel answers or not.
        timeout=None,
        allow_errors=True,
        record_timing=False,
        skip_cells_with_tag=SKIP_TAG,
        raise_on_iopub_timeout=False,
        iopub_timeout=20,
        startup_timeout=120,
        store_widget_state=False,
        # a kernel that dies is the everyday business of a grader, and told in the ledger.
        log=_quiet_log(),
    )
    return client.grade()


class GradingClient(NotebookClient):
    """nbclient, with a check opened and closed around each check cell, limits, and a watch for stalls."""

    sandbox = AnyTrait()
    judge = AnyTrait()
    limits = AnyTrait()
    skips = AnyTrait()
    skip_cells = AnyTrait()

    def grade(self) -> RunOutcome:
        """Run the notebook to its end or to the kernel's death."""
        self.outcome = RunOutcome(self.nb)
        self._current: NotebookNode | None = None
        self._watch: asyncio.Future[None] | None = None
        self._timed_out = self._timed_out_before = False
        self._killed_for: str | None = None
        self._blamed: NotebookNode | None = None
        self._output_bytes = 0
        self._trained_s = 0.0
        self._started_s = time.monotonic()
        self._deadline_s = self._started_s + self.limits.submission_s
        self.on_cell_start = self._before
        self.on_cell_execute = self._execute
        self.on_cell_executed = self._executed
        try:
            self.execute()
        except DeadKernelError:
            self._note_death()
        except RuntimeError as error:
            # nbclient reports a kernel that dies at the wrong moment as a bare RuntimeError; a kernel that lives is our fault.
            if self.sandbox.poll() is None:
                raise
            log.debug("kernel died: %s", error)
            self._note_death()
        self.outcome.start = self.sandbox.start
        self.outcome.wall_s = time.monotonic() - self._started_s
        return self.outcome

    async def _before(self, cell: NotebookNode, cell_index: int) -> None:
        tags = cell.metadata.get("tags", [])
        out_of_time = time.monotonic() >= self._deadline_s
        self.outcome.out_of_time |= out_of_time and cell.cell_type == "code"
        if out_of_time or cell.get("id") in self.skip_cells:
            cell.metadata["tags"] = [*tags, SKIP_TAG]
        else:
            # the tag is ours alone: a submission must not skip its own check.
            cell.metadata["tags"] = [tag for tag in tags if tag not in (SKIP_TAG, "raises-exception")]

    async def _execute(self, cell: NotebookNode, cell_index: int) -> None:
        self._current = cell
        self._timed_out = False
        self._allowed = _Allowance()
        name = self._served(cell)
        if name is not None:
            self.judge.open(name, self.skips.get(name))
            if name not in self.skips:
                cpu_s, wall_s = self.judge.allowance(name)
                self._allowed = _Allowance(cpu_s, wall_s, self.sandbox.cpu_s, time.monotonic())
                self.sandbox.grant_cpu(self._trained_s + cpu_s)
        self._watch = asyncio.ensure_future(self._watch_cell(name is not None))

    async def _executed(self, cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:
        self._stop_watch()
        self._settle()
        name = self._served(cell)
        if name is None or name in self.outcome.records:
            return
        record = await asyncio.to_thread(self.judge.close)
        if self._timed_out and record.ending is Ending.BROKEN:
            record = record.recast(Verdict.TIME_LIMIT, "not answered before the cell's time was used up")
        self.outcome.records[name] = record

    def _served(self, cell: NotebookNode) -> str | None:
        # a check that is judged in another run is an ordinary cell of this one.
        name = check_of(cell)
        return name if self.judge.serves(name) else None

    async def _watch_cell(self, checking: bool) -> None:
        """Interrupt a cell whose time is up, or whose check has stalled; kill the kernel when that does not help."""
        # where one answer never ends, the lesson's own cells that call it do not end either: each is given a case's time, not a cell's.
        short = self._timed_out_before and not checking
        extra_s = self._allowed.wall_s
        deadline_s = min(time.monotonic() + (self.limits.case_s if short else self.limits.cell_s), self._deadline_s) + extra_s
        while time.monotonic() < deadline_s and not (checking and self.judge.stalled.is_set()):
            await asyncio.sleep(POLL_S)
        self._timed_out = self._timed_out_before = True
        if not checking and self._current is not None:
            (self.outcome.cut_cells if short else self.outcome.slow_cells).add(str(self._current.get("id", "")))
        if self.km is not None:
            await ensure_async(self.km.interrupt_kernel())
        # cancelled as soon as the cell ends.
        await asyncio.sleep(INTERRUPT_GRACE_S)
        self._kill("time")

    def _settle(self) -> None:
        """Take a training's time out of the submission's: as much of its allowance as its check used, and no other cell gets the rest."""
        allowed, self._allowed = self._allowed, _Allowance()
        if allowed.wall_s > 0:
            self._deadline_s += min(time.monotonic() - allowed.started_s, allowed.wall_s)
            self._trained_s += min(max(0.0, self.sandbox.cpu_s - allowed.cpu_before_s), allowed.cpu_s)
            self.sandbox.grant_cpu(self._trained_s)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Collect an output, up to the limit; beyond a multiple of it the kernel is killed."""
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data", "error"):
            self._output_bytes += _size(msg["content"])
            limit = self.limits.output_mib << 20
            if self._output_bytes > FLOOD_FACTOR * limit:
                # outputs arrive late: the flood belongs to the cell that printed it, whichever runs by now.
                self._kill("output", cell)
            if self._output_bytes > limit:
                self.outcome.output_cut = True
                return None
        return super().process_message(msg, cell, cell_index)

    def _kill(self, cause: str, cell: NotebookNode | None = None) -> None:
        """Kill the kernel for what a cell did, the current one unless another is named."""
        if self._killed_for is None:
            self._killed_for = cause
            # the kernel's end is noticed later, maybe when the next cell has begun.
            self._blamed = cell if cell is not None else self._current
            self.sandbox.kill()

    def _note_death(self) -> None:
        self._stop_watch()
        if self.judge.is_open:
            running = self.judge.close()
            self.outcome.records.setdefault(running.exercise, running)
        blamed = self._blamed if self._blamed is not None else self._current
        cell = blamed if blamed is not None else nbformat.v4.new_code_cell()
        name = self._served(cell)
        cause = self._killed_for or CAUSES_OF_DEATH.get(self.sandbox.cause_of_death or "", "crash")
        self.outcome.death = Death(str(cell.get("id", "")), name, cause)


@dataclass(frozen=True)
class _Allowance:
    """What a check may take beside what any cell may, and what had been used when it began, seconds."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    cpu_before_s: float = 0.0
    started_s: float = 0.0


def _quiet_log() -> logging.Logger:
    quiet = logging.getLogger(f"{__name__}.nbclient")
    quiet.setLevel(logging.CRITICAL)
    return quiet


def _size(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(_size(value) for value in content.values())
    if isinstance(content, list):
        return sum(_size(value) for value in content)
    return 8
