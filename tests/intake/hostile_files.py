"""Damaged notebooks, hostile downloads and mutations, counted.

``PYTHONPATH=. python tests/intake/hostile_files.py`` prints what other commands call.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from damaged_notebooks import DAMAGES, Damage
from editor_notebooks import EDITORS
from intake_notebooks import ALL_RIGHT, judged, release_template
from lms_archives import DOWNLOADS, Download, run
from notebook_fuzz import assert_definite, count_mutations

from autograder.intake.repair import clean_notebook
from autograder.intake.template import Template


@dataclass
class FixtureCount:
    """What became of fixtures that each have one definite outcome.

    Args:
        fixtures: how many.
        statuses: status to number of fixtures.
        failures: name to what went wrong: no definite result, or another one than expected.
    """

    fixtures: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def definite(self) -> int:
        return self.fixtures - len(self.failures)


def count_damages() -> FixtureCount:
    """Clean every damaged notebook and every editor's, and hold the result against what must come of it."""
    template = release_template()
    saved = [
        Damage(name, make, "repaired" if name == "nbformat_3" else "ok", {"format_old"} if name == "nbformat_3" else set(), ALL_RIGHT)
        for name, make in EDITORS.items()
    ]
    return _counted((damage.name, partial(_status, damage, template)) for damage in (*DAMAGES, *saved))


def count_downloads() -> FixtureCount:
    """Collect every hostile download through nbgrader's zip_collect and intake, and hold the result against what must come of it."""
    return _counted((recipe.name, partial(_collected, recipe)) for recipe in DOWNLOADS)


def _collected(recipe: Download) -> str:
    with tempfile.TemporaryDirectory(prefix="vislab-download-") as place:
        return run(recipe, Path(place)) or "nothing"


def _counted(fixtures: Iterable[tuple[str, Callable[[], str]]]) -> FixtureCount:
    count = FixtureCount()
    statuses: Counter[str] = Counter()
    for name, outcome in fixtures:
        count.fixtures += 1
        try:
            statuses[outcome()] += 1
        except Exception:  # counted, so that one failing fixture does not hide the next
            count.failures[name] = traceback.format_exc()
    count.statuses = dict(statuses)
    return count


def _status(damage: Damage, template: Template) -> str:
    raw = damage.make()
    clean = clean_notebook(raw, template)
    codes = {note.code for note in clean.notes}
    assert clean.status == damage.status, f"{clean.status}, expected {damage.status}"
    assert damage.codes is None or codes == damage.codes, f"notes {sorted(codes)}, expected {sorted(damage.codes or ())}"
    given = judged(clean.notebook)
    assert damage.judged is None or given == damage.judged, f"judged {given}, expected {damage.judged}"
    if damage.name not in OWN_RULES:
        assert_definite(raw)
    return clean.status


# answers in one cell share that cell's grade id, so one id of the release is not there.
OWN_RULES = frozenset({"two_answers_merged_into_one_cell"})


def main() -> None:
    """Command line: prints one JSON object; exit 1 when anything got no definite result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="machine-readable (always)")
    chosen = parser.parse_args()
    counts = {"damaged": count_damages(), "downloads": count_downloads(), "mutations": count_mutations(chosen.mutations, chosen.seed)}
    print(json.dumps({name: {**asdict(count), "definite": count.definite} for name, count in counts.items()}, indent=1))
    sys.exit(any(count.failures for count in counts.values()))


if __name__ == "__main__":
    main()
