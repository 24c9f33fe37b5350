"""The store of results: ``ledgers/<assignment>/<student>/<notebook>/``, keyed by content."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from autograder.engine.job import Result

LEDGER, RECEIPT, EXECUTED, KEY, LOG = "ledger.json", "receipt.json", "executed.ipynb", "key", "log.txt"
# a staging folder that is older was left by a run that was killed: none takes as long to write.
STALE_S = 3600.0


class StoreError(OSError):
    """The store cannot be written."""


class LedgerStore:
    """Reads and writes results; every write is whole or absent.

    Args:
        root: the course's ``ledgers`` folder; made when first written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, assignment: str, student: str, notebook: str) -> Path:
        return self.root / assignment / student / notebook

    def key(self, assignment: str, student: str, notebook: str) -> str | None:
        """Return the content key of the stored result, or None where nothing (whole) is stored."""
        try:
            return (self.folder(assignment, student, notebook) / KEY).read_text(encoding="ascii").strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    def get(self, assignment: str, student: str, notebook: str, key: str | None = None) -> Result | None:
        """Return the stored result.

        Args:
            key: return it only under this content key; None takes whatever is stored.
        """
        stored = self.key(assignment, student, notebook)
        if stored is None or (key is not None and stored != key):
            return None
        folder = self.folder(assignment, student, notebook)
        try:
            ledger = json.loads((folder / LEDGER).read_text(encoding="utf-8"))
            log = tuple((folder / LOG).read_text(encoding="utf-8").splitlines())
            return Result((folder / EXECUTED).read_bytes(), ledger, (folder / RECEIPT).read_bytes(), log)
        except (OSError, ValueError):
            return None

    def put(self, assignment: str, student: str, notebook: str, key: str, result: Result) -> None:
        """Store a result, replacing an older one.

        Raises:
            StoreError: the disk is full or not writable; what was stored before is still there.
        """
        target = self.folder(assignment, student, notebook)
        staging: Path | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_stale(target.parent)
            staging = Path(tempfile.mkdtemp(prefix=f".{notebook}.", dir=target.parent))
            (staging / EXECUTED).write_bytes(result.executed)
            (staging / LEDGER).write_text(json.dumps(result.ledger, indent=1, ensure_ascii=False, sort_keys=True), encoding="utf-8")
            (staging / RECEIPT).write_bytes(result.receipt)
            (staging / LOG).write_text("\n".join(result.log) + "\n", encoding="utf-8")
            # the key comes last: a folder without one counts as absent.
            with open(staging / KEY, "w", encoding="ascii") as file:
                file.write(key + "\n")
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.rmtree(target)
            os.replace(staging, target)
        except OSError as error:
            if staging is not None:
                shutil.rmtree(staging, ignore_errors=True)
            raise StoreError(
                error.errno,
                f"{target}: the result could not be stored ({error.strerror}); free space or fix the permissions,"
                " then run the same grade command again: it goes on where it stopped",
            ) from error

    def ledgers(self, assignment: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Return (student, notebook, ledger) of every stored result of an assignment, sorted."""
        found = []
        for path in sorted((self.root / assignment).glob(f"*/*/{LEDGER}")):
            student, notebook = path.parent.parent.name, path.parent.name
            # a run that was killed while it wrote leaves its staging folder, a whole result in it or half of one.
            if notebook.startswith("."):
                continue
            result = self.get(assignment, student, notebook)
            if result is not None:
                found.append((student, notebook, result.ledger))
        return found


def _remove_stale(folder: Path) -> None:
    for path in folder.glob(".*"):
        try:
            if time.time() - path.lstat().st_mtime > STALE_S:
                shutil.rmtree(path)
        except OSError:
            # another run was quicker, or it is not ours to remove; nothing reads it.
            continue
