"""One notebook through walls and judge: each accident costs its own check, each failure of ours costs nothing."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from tiny_assignment import notebook_bytes

from autograder.engine.grade_one import grade_one
from autograder.engine.job import Job, Result
from autograder.engine.run import RunOutcome, run_notebook

pytestmark = pytest.mark.needs_walls

# messages that jupyter's own reader fails over, sent under the kernel's own key: no form, no JSON, no signature, no end of brackets.
FORGERY = """
kernel = get_ipython().kernel
session, socket = kernel.session, kernel.iopub_socket
def say(kind, content):
    parts = [session.pack(part) for part in (session.msg(kind)["header"], kernel.get_parent()["header"], {})] + [content]
    socket.send_multipart([kind.encode(), b"<IDS|MSG>", session.sign(parts), *parts])
for kind in ("stream", "display_data", "execute_result", "error", "status", "comm_open", "comm_msg", "update_display_data"):
    for content in (b"{}", b"[]", b"{", b'{"name": 1, "text": 2, "data": [3], "ename": [4], "transient": [5], "comm_id": 6}'):
        say(kind, content)
say("stream", b'{"name": "stdout", "text": "\\ud800"}')
say("display_data", b'{"data": {"application/json": ' + b"[" * 900 + b"]" * 900 + b'}, "metadata": {}}')
say("display_data", b'{"data": {"application/json": ' + b"[" * 99999 + b"]" * 99999 + b'}, "metadata": {}}')
socket.send_multipart([b"no delimiter"])
socket.send_multipart([b"topic", b"<IDS|MSG>", b"no signature", b"{}", b"{}", b"{}", b"{}"])
"""


def verdicts(result: Result) -> dict[str, tuple[str, float]]:
    return {entry["name"]: (entry["verdict"], entry["points"]) for entry in result.ledger["exercises"]}


def test_right_answers_earn_everything(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job())
    assert verdicts(result) == {"tiny.double": ("OK", 3.0), "tiny.sums": ("OK", 3.0)}
    assert result.ledger["points"] == result.ledger["max_points"] == 6.0
    assert result.ledger["run"]["runs"] == 1


def test_a_wrong_answer_is_named_and_costs_itself_alone(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(notebook_bytes(double="def double(rows):\n    return 3.0 * rows")))
    found = verdicts(result)
    assert found["tiny.double"][0] == "WRONG_VALUE" and found["tiny.sums"] == ("OK", 3.0)
    messages = [case["message"] for entry in result.ledger["exercises"] for case in entry["cases"] if case["message"]]
    assert messages and messages[0].startswith('[tiny.double · value · "')


def test_a_stub_is_not_attempted(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(notebook_bytes(double="def double(rows):\n    raise NotImplementedError()")))
    assert verdicts(result) == {"tiny.double": ("NOT_ATTEMPTED", 0.0), "tiny.sums": ("OK", 3.0)}


def test_an_answer_that_is_not_defined_is_an_error_of_its_cell(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(notebook_bytes(double="def double(rows:")))
    assert verdicts(result)["tiny.double"] == ("RUNTIME_ERROR", 0.0)
    assert result.ledger["exercises"][0]["error"] == "the check cell failed before it reached the judge; does an earlier cell fail?"


@pytest.mark.usefixtures("impatient")
def test_an_endless_answer_is_not_called_a_check_that_was_never_reached(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(notebook_bytes(double="def double(rows):\n    while True:\n        pass")))
    entry = result.ledger["exercises"][0]
    assert sorted({case["text"] for case in entry["cases"]}) == ["no answer within 3 s", "not run: an earlier case used up the time"]
    # the cases run in a secret order: the first one of the list is among those that were not run.
    assert entry["cases"][0]["text"].startswith("not run") and entry["error"] == ""


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("def double(rows):\n    while True:\n        pass", "TIME_LIMIT"),
        (
            "def double(rows):\n    while True:\n        try:\n            while True:\n                pass\n"
            "        except BaseException:\n            pass",
            "TIME_LIMIT",
        ),
        ("import os\ndef double(rows):\n    os._exit(3)", "RUNTIME_ERROR"),
        ("import ctypes\ndef double(rows):\n    return ctypes.string_at(0)", "RUNTIME_ERROR"),
        (
            "kept = []\ndef double(rows):\n    for _ in range(28):\n        kept.append(torch.ones(16 << 20))\n    return rows",
            "MEMORY_LIMIT",
        ),
        ("def double(rows):\n    while True:\n        print('x' * (1 << 12), flush=True)", "OUTPUT_LIMIT"),
        ("import sys\ndef double(rows):\n    sys.exit(0)", "RUNTIME_ERROR"),
    ],
    ids=["loop", "loop that swallows interrupts", "exit", "segmentation fault", "memory", "output", "system exit"],
)
def test_an_accident_costs_its_own_check(make_job: Callable[..., Job], answer: str, verdict: str) -> None:
    result = grade_one(make_job(notebook_bytes(double=answer)))
    found = verdicts(result)
    assert found["tiny.double"] == (verdict, 0.0)
    assert found["tiny.sums"] == ("OK", 3.0), result.log


def test_a_cell_of_the_students_own_that_kills_the_kernel_is_skipped(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(notebook_bytes(between="import os\nos.kill(os.getpid(), 9)")))
    assert verdicts(result) == {"tiny.double": ("OK", 3.0), "tiny.sums": ("OK", 3.0)}
    assert result.ledger["run"]["skipped_cells"] == ["between"]


def test_a_kernel_that_somebody_else_kills_costs_no_answer(make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's out-of-memory killer strikes once, while an answer's own cell runs: leaving that cell out would be our zero."""
    runs = []

    def killed_in_the_first_run(notebook: nbformat.NotebookNode, *rest: object) -> RunOutcome:
        runs.append(copy.deepcopy(notebook))
        if len(runs) == 1:
            (cell,) = [each for each in runs[0].cells if each.id == "double"]
            cell.source = "import os\nos.kill(os.getpid(), 9)"
        return run_notebook(runs[-1], *rest)

    monkeypatch.setattr("autograder.engine.grade_one.run_notebook", killed_in_the_first_run)
    result = grade_one(make_job())
    assert verdicts(result) == {"tiny.double": ("OK", 3.0), "tiny.sums": ("OK", 3.0)}
    assert result.ledger["run"]["runs"] == 2 and result.ledger["run"]["skipped_cells"] == []


@pytest.mark.usefixtures("impatient")
def test_a_cell_of_the_students_own_may_raise_and_may_loop(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(notebook_bytes(before="1 / 0", between="while True:\n    pass")))
    assert verdicts(result) == {"tiny.double": ("OK", 3.0), "tiny.sums": ("OK", 3.0)}


@pytest.mark.usefixtures("impatient")
def test_cells_that_call_an_endless_answer_are_cut_short_and_then_left_out(make_job: Callable[..., Job]) -> None:
    loop = "def double(rows):\n    while True:\n        pass"
    result = grade_one(make_job(notebook_bytes(double=loop, between="double(torch.ones(2, 3))")))
    assert verdicts(result) == {"tiny.double": ("TIME_LIMIT", 0.0), "tiny.sums": ("OK", 3.0)}
    assert result.ledger["run"]["skipped_cells"] == ["between"]


def test_forged_kernel_messages_are_no_failure_of_ours(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(notebook_bytes(before=FORGERY, between=FORGERY)))
    assert result.ledger["status"] == "GRADED", result.ledger.get("error")
    assert verdicts(result) == {"tiny.double": ("OK", 3.0), "tiny.sums": ("OK", 3.0)}


def test_a_check_outside_its_own_cell_earns_and_spoils_nothing(make_job: Callable[..., Job]) -> None:
    early = "from vislab.check import check\ncheck('tiny.sums', lambda rows: rows.sum(dim=-1))\ncheck('tiny.double', lambda rows: rows)"
    result = grade_one(make_job(notebook_bytes(sums="def sums(rows):\n    return rows", before=early)))
    found = verdicts(result)
    assert found["tiny.double"] == ("OK", 3.0)
    assert found["tiny.sums"][0] == "WRONG_SHAPE" and found["tiny.sums"][1] == 0.0


def test_a_skip_tag_of_the_students_own_is_ignored(make_job: Callable[..., Job]) -> None:
    notebook = json.loads(notebook_bytes())
    notebook["cells"][3]["metadata"]["tags"] = ["vislab-skip"]
    assert verdicts(grade_one(make_job(json.dumps(notebook).encode())))["tiny.double"] == ("OK", 3.0)


def test_the_files_of_the_release_and_of_the_submission_lie_beside_the_notebook(make_job: Callable[..., Job]) -> None:
    after = "print(open('words.txt').read(), open('mine.txt').read())"
    executed = grade_one(make_job(notebook_bytes(after=after), extra_files={"mine.txt": b"and mine"})).executed
    assert "seen by the notebook and mine" in json.loads(executed)["cells"][-1]["outputs"][0]["text"][0]


def test_regrading_gives_the_same_receipt_and_another_secret_another(make_job: Callable[..., Job]) -> None:
    wrong = notebook_bytes(double="def double(rows):\n    return rows + rows.mean()")
    first, second = grade_one(make_job(wrong)), grade_one(make_job(wrong))
    assert first.receipt == second.receipt
    assert grade_one(make_job(wrong, secret=b"another secret of thirty-two bytes")).receipt != first.receipt
    told = first.receipt.decode()
    assert "wall" not in told and os.uname().nodename not in told


def test_a_failing_reference_is_our_failure_and_never_a_zero(make_job: Callable[..., Job], tiny: Path) -> None:
    path = tiny / "exercises" / "rows.py"
    path.write_text(path.read_text().replace("return 2.0 * rows", "raise RuntimeError('broken reference')"))
    result = grade_one(make_job())
    assert verdicts(result)["tiny.double"][0] == "GRADER_ERROR"
    assert result.is_grader_error and verdicts(result)["tiny.sums"] == ("OK", 3.0)


def test_a_fault_of_the_machine_is_our_failure_told_in_one_line(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        try:
            raise OSError("no room")
        finally:
            # nbclient cleans up after a kernel that could not be started, and has none.
            raise AssertionError

    monkeypatch.setattr("autograder.engine.grade_one.run_notebook", broken)
    result = grade_one(make_job())
    assert result.is_grader_error and result.ledger["error"] == "OSError: no room"
    assert {verdict for verdict, _ in verdicts(result).values()} == {"GRADER_ERROR"}
    (record,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert record.getMessage().endswith(" could not be graded: OSError: no room") and record.exc_info is None
    assert any("raise OSError" in line for line in result.log)


def test_an_unreadable_file_has_a_verdict_without_a_run(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(unreadable="the file is not JSON"))
    assert result.ledger["status"] == "UNREADABLE" and not result.is_grader_error
    assert verdicts(result) == {"tiny.double": ("UNREADABLE", 0.0), "tiny.sums": ("UNREADABLE", 0.0)}


def test_without_walls_the_marks_are_the_same(make_job: Callable[..., Job]) -> None:
    result = grade_one(make_job(walls=False))
    assert verdicts(result) == {"tiny.double": ("OK", 3.0), "tiny.sums": ("OK", 3.0)}
    assert result.ledger["run"]["walls"] is False


def test_nothing_is_left_behind(make_job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n    os._exit(0)"
    grade_one(make_job(notebook_bytes(before=daemon)))
    assert list(place.iterdir()) == []


def test_a_flood_of_output_costs_its_own_cell_alone(make_job: Callable[..., Job]) -> None:
    # all is printed at once, and the kernel's end is noticed when the check below has begun.
    result = grade_one(make_job(notebook_bytes(before="for _ in range(20_000):\n    print('x' * 1000)")))
    assert verdicts(result) == {"tiny.double": ("OK", 3.0), "tiny.sums": ("OK", 3.0)}, result.log
    assert result.ledger["run"]["skipped_cells"] in ([], ["before"])
