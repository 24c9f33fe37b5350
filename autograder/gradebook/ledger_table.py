"""The ledger as people read it: HTML panels for pages, plain text for a notebook cell. Everything from outside is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vislab.check.verdict import Verdict

MEANING: Mapping[str, str] = {
    Verdict.GRADER_ERROR: "could not be graded, through no fault of the submission",
    Verdict.UNREADABLE: "the file is no notebook that can be read",
    Verdict.MEMORY_LIMIT: "used more memory than allowed",
    Verdict.TIME_LIMIT: "took longer than allowed",
    Verdict.OUTPUT_LIMIT: "produced more output than allowed",
    Verdict.RUNTIME_ERROR: "raised an error",
    Verdict.RULE: "used an operation that the exercise forbids",
    Verdict.MUTATED_INPUT: "changed its inputs or the global random state",
    Verdict.WRONG_TYPE: "returned something of the wrong type",
    Verdict.WRONG_SHAPE: "returned a wrong shape",
    Verdict.WRONG_DTYPE: "returned a wrong dtype",
    Verdict.NOT_FINITE: "returned NaN or infinity",
    Verdict.WRONG_VALUE: "returned wrong values",
    Verdict.WRONG_GRADIENT: "has wrong gradients",
    Verdict.NOT_ATTEMPTED: "not attempted",
    Verdict.OK: "right in every case",
}
# where the verdict's usual meaning would mislead: what is judged is a student's test, or a file of weights.
OTHER_MEANING: Mapping[str, Mapping[str, str]] = {
    "test-suite": {
        Verdict.OK: "caught every wrong implementation",
        Verdict.WRONG_VALUE: "failed a right implementation, or let a wrong one pass",
        Verdict.WRONG_TYPE: "is no plain test function",
        Verdict.RUNTIME_ERROR: "could not be run to its end",
    },
    "model": {
        Verdict.OK: "reached every bar",
        Verdict.WRONG_VALUE: "did not reach every bar",
        Verdict.WRONG_TYPE: "is no file of this model's weights",
        Verdict.WRONG_SHAPE: "holds weights of a wrong shape",
        Verdict.WRONG_DTYPE: "holds weights of a wrong dtype",
        Verdict.NOT_FINITE: "holds, or leads to, NaN or infinity",
        Verdict.OUTPUT_LIMIT: "is larger than allowed",
        Verdict.RUNTIME_ERROR: "could not be run",
    },
}
MESSAGES_MAX = 12
# a text that more cases than this have in common is told once.
SHARED_MIN = 3

# one line: it stands inside a page's body, which a markdown renderer goes through.
STYLE = " ".join(
    """
.vislab { border: 1px solid #d0d7de; border-left: 5px solid #57606a; border-radius: 4px; background: #fff; color: #1f2328;
  padding: 8px 14px; margin: 4px 0 16px 0; font-size: 14px; line-height: 1.45; }
.vislab-good { border-left-color: #1a7f37; } .vislab-part { border-left-color: #9a6700; } .vislab-bad { border-left-color: #b42318; }
.vislab h4 { margin: 2px 0 6px 0; font-size: 16px; } .vislab p { margin: 4px 0; } .vislab ul { margin: 4px 0; padding-left: 1.4em; }
.vislab table { border-collapse: collapse; margin: 6px 0; width: auto; border: none; }
.vislab th, .vislab td { text-align: left; vertical-align: top; padding: 3px 18px 3px 0; border: none; background: none; }
.vislab th { color: #57606a; font-weight: 600; border-bottom: 1px solid #d0d7de; }
.vislab tr:nth-child(even) { background: none; }
.vislab td.vislab-number, .vislab th.vislab-number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.vislab .vislab-total td { border-top: 1px solid #d0d7de; font-weight: 600; }
.vislab .vislab-note { color: #57606a; font-size: 13px; } .vislab li { overflow-wrap: anywhere; }
.vislab-verdict { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 12.5px; font-weight: 700; white-space: nowrap; }
.vislab-good .vislab-verdict, .vislab-verdict.vislab-good { color: #1a7f37; }
.vislab-part .vislab-verdict, .vislab-verdict.vislab-part { color: #9a6700; }
.vislab-bad .vislab-verdict, .vislab-verdict.vislab-bad { color: #b42318; }
.rendered_html td, .rendered_html th { padding: 2px 14px 2px 0; vertical-align: top; }
""".split()
)


@dataclass(frozen=True)
class SummaryRow:
    """One graded cell in the table on top of a page.

    Args:
        anchor: grade id, to jump to.
        title: what the reader calls it.
        verdict: of an exercise; words for anything else.
        points: as they count in the gradebook; None while nobody has given any.
        points_max: of the cell; 0 for a bonus.
        tone: "good", "part", "bad" or "".
    """

    anchor: str
    title: str
    verdict: str
    points: float | None
    points_max: float
    tone: str = ""


def number(points: float) -> str:
    """Return points as people write them: at most two decimals, no trailing zeros."""
    return f"{round(points + 0.0, 2):g}"


def tone_of(entry: Mapping[str, Any]) -> str:
    """Return the colour of an exercise: by its verdict and by what it earned."""
    if entry["verdict"] == Verdict.OK:
        return "good"
    return "part" if entry["points"] > 0 else "bad"


def exercise_panel(entry: Mapping[str, Any], for_grader: bool, score: float | None = None) -> str:
    """Return the panel that stands under a check cell.

    Args:
        entry: of the ledger.
        for_grader: add what only concerns the staff, such as an error of ours.
        score: as it counts in the gradebook, where it is known: a grader may have set it by hand.
    """
    verdict = str(entry["verdict"])
    error = verdict == Verdict.GRADER_ERROR
    earned = "no points yet" if error else _earned(entry)
    parts = [
        f"<h4>{_text(entry['title'])} <code>{_text(entry['name'])}</code></h4>",
        f'<p><span class="vislab-verdict">{_text(verdict)}</span> {_text(_meaning(entry, verdict))} · {earned}</p>',
    ]
    if score is not None and not error and abs(score - entry["points"]) > 0.005:
        parts.append(f"<p><b>In the gradebook this counts {number(score)} points</b>: a grader has changed it.</p>")
    if verdict not in (Verdict.GRADER_ERROR, Verdict.UNREADABLE, Verdict.NOT_ATTEMPTED):
        parts += [_families(entry), _messages(entry), _observed(entry)]
    if entry["error"] and (for_grader or not error):
        parts.append(f'<p class="vislab-note">{_text(entry["error"])}</p>')
    return _panel(tone_of(entry), parts)


def _meaning(entry: Mapping[str, Any], verdict: str) -> str:
    return OTHER_MEANING.get(str(entry.get("probe")), {}).get(verdict) or MEANING.get(verdict, "")


def note_panel(text: str, tone: str = "") -> str:
    """Return a panel with one sentence."""
    return _panel(tone, [f"<p>{_text(text)}</p>"])


def summary_panel(ledger: Mapping[str, Any], rows: Sequence[SummaryRow], for_grader: bool, late_penalty: float = 0.0) -> str:
    """Return the panel on top of a page.

    Args:
        ledger: of the notebook; an empty one where it was never graded by the judge.
        rows: one per graded cell, in order.
        for_grader: add what only concerns the staff.
        late_penalty: points taken off.
    """
    status = ledger.get("status", "")
    parts = [f"<h4>Result{' of the judge' if for_grader else ''}</h4>"]
    if status == Verdict.GRADER_ERROR:
        fault = "This notebook could not be graded completely, through no fault of the submission."
        parts.append(f"<p><b>{fault}</b> It counts as ungraded.</p>")
        if for_grader and ledger.get("error"):
            parts.append(f"<p><code>{_text(ledger['error'])}</code></p>")
    if status == Verdict.UNREADABLE:
        parts.append(f"<p><b>The file could not be read as a notebook.</b> {_text(ledger.get('unreadable', ''))}</p>")
    parts.append(_summary_table(rows, late_penalty))
    # why a file is unreadable has been said above.
    reason = ledger.get("unreadable") or "\0"
    if notes := [text for note in ledger.get("intake", []) if reason not in (text := str(note.get("text", "")))]:
        parts.append("<p>What was repaired or left out when the submission was taken in:</p>" + _list(notes))
    if any(entry["max_points"] for entry in ledger.get("exercises", [])):
        parts.append(
            '<p class="vislab-note"><i>proven</i>: recomputed by the judge from what the code returned. <i>observed</i>: reported by the'
            " process that ran the code. <i>unproven</i>: scored by nbgrader from the notebook's own output.</p>"
        )
    if for_grader and ledger.get("run"):
        parts.append(f'<p class="vislab-note">{_text(_run(ledger["run"]))}</p>')
    return _panel("bad" if status in (Verdict.GRADER_ERROR, Verdict.UNREADABLE) else "", parts)


def exercise_text(entry: Mapping[str, Any]) -> str:
    """Return an exercise's result as plain text."""
    verdict = str(entry["verdict"])
    lines = [f"{entry['name']}: {verdict}, {_earned(entry)}"]
    for family in entry["families"] if verdict != Verdict.NOT_ATTEMPTED else ():
        kind = "proven" if family["proven"] else "observed"
        lines.append(f"  {family['family']:<10} {number(family['earned'])} / {number(family['max'])}  {_share(family)}  {kind}")
    lines += [f"  {message}" for message in _failed(entry)] if verdict != Verdict.NOT_ATTEMPTED else []
    if entry["error"]:
        lines.append(f"  {entry['error']}")
    return "\n".join(lines)


def _summary_table(rows: Sequence[SummaryRow], late_penalty: float) -> str:
    if not rows:
        return ""
    body = []
    for row in rows:
        points = "–" if row.points is None else number(row.points)
        style = f"vislab-verdict vislab-{row.tone}" if row.tone else "vislab-note"
        maximum = number(row.points_max) if row.points_max else "bonus"
        body.append(
            f'<tr><td><a href="#{_text(row.anchor)}">{_text(row.title)}</a></td>'
            f'<td><span class="{style}">{_text(row.verdict)}</span></td>'
            f'<td class="vislab-number">{points}</td><td class="vislab-number">{maximum}</td></tr>'
        )
    total = sum(row.points or 0.0 for row in rows)
    word = "sum so far" if any(row.points is None for row in rows) else "sum"
    if late_penalty > 0:
        body.append(f'<tr><td>late submission</td><td></td><td class="vislab-number">−{number(late_penalty)}</td><td></td></tr>')
        total -= late_penalty
    body.append(
        f'<tr class="vislab-total"><td>{word}</td><td></td><td class="vislab-number">{number(total)}</td>'
        f'<td class="vislab-number">{number(sum(row.points_max for row in rows))}</td></tr>'
    )
    head = '<tr><th>task</th><th>result</th><th class="vislab-number">points</th><th class="vislab-number">of</th></tr>'
    return f"<table>{head}{''.join(body)}</table>"


def _families(entry: Mapping[str, Any]) -> str:
    body = []
    for family in entry["families"]:
        gated = ' <span class="vislab-note">counts only where at least half of the values are right</span>' if family["gated"] else ""
        body.append(
            f"<tr><td>{_text(family['family'])}</td><td>{_text(_share(family))}{gated}</td>"
            f'<td class="vislab-number">{number(family["earned"])} / {number(family["max"])}</td>'
            f"<td>{'proven' if family['proven'] else '<i>observed</i>'}</td></tr>"
        )
    if not body:
        return ""
    head = '<tr><th>what was tested</th><th>right</th><th class="vislab-number">points</th><th></th></tr>'
    return f"<table>{head}{''.join(body)}</table>"


def _earned(entry: Mapping[str, Any]) -> str:
    return f"{number(entry['points'])} of {number(entry['max_points'])} points{' (bonus)' if entry['bonus'] else ''}"


def _messages(entry: Mapping[str, Any]) -> str:
    failed = _failed(entry)
    return "<p>What went wrong:</p>" + _list(failed) if failed else ""


def _failed(entry: Mapping[str, Any]) -> list[str]:
    """Return what the failed cases say; a text that many share, such as that of a crash, stands once and behind those of single cases."""
    sharing: dict[str, list[Mapping[str, Any]]] = {}
    for case in entry["cases"]:
        if case["message"]:
            sharing.setdefault(str(case["text"]), []).append(case)
    single, shared = [], []
    for text, cases in sharing.items():
        if len(cases) > SHARED_MIN:
            families = ", ".join(dict.fromkeys(str(case["family"]) for case in cases))
            shared.append(f"[{entry['name']} · {families} · {len(cases)} cases] {text}")
        else:
            single += [str(case["message"]) for case in cases]
    more = len(single) - MESSAGES_MAX
    return [*single[:MESSAGES_MAX], *([f"… and {more} more"] if more > 0 else []), *shared]


def _observed(entry: Mapping[str, Any]) -> str:
    observed = entry["observed"]
    lines = []
    if observed["mutated"]:
        lines.append("a call changed its inputs")
    if observed["rng_moved"]:
        lines.append("a call moved the global random state")
    if observed.get("switched"):
        lines.append("a step left a net in another mode than it found it (train or eval, or requires_grad)")
    if observed.get("over_budget"):
        lines.append("a training took more optimiser steps than its budget")
    if observed["forbidden"]:
        lines.append(f"forbidden operations were used: {', '.join(map(str, observed['forbidden'][:8]))}")
    if observed["tripped"]:
        lines.append(f"a ready solution was called: {', '.join(map(str, observed['tripped'][:8]))}")
    return "<p>Observed while it ran:</p>" + _list(lines) if lines else ""


def _share(family: Mapping[str, Any]) -> str:
    if family["proven"]:
        return f"{family['passed']} of {family['total']} cases"
    return "nothing found" if family["passed"] else "found"


def _run(run: Mapping[str, Any]) -> str:
    seconds = ", ".join(f"{float(value):.1f} s" for value in run.get("wall_s", []))
    facts = [f"{run['runs']} run{'s' if run['runs'] != 1 else ''} ({seconds})" if run.get("runs") and seconds else ""]
    facts += [f"{len(run['apart_s'])} kernels for tests ({sum(run['apart_s']):.1f} s)"] if run.get("apart_s") else []
    facts += ["its output was cut"] if run.get("output_cut") else []
    facts += ["it ran out of time"] if run.get("out_of_time") else []
    facts += [f"{len(run['skipped_cells'])} cells skipped because they kill the kernel"] if run.get("skipped_cells") else []
    facts += ["graded WITHOUT a sandbox"] if run.get("walls") is False else []
    return "For graders: " + "; ".join(filter(None, facts)) if any(facts) else ""


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _panel(tone: str, parts: Sequence[str]) -> str:
    # tex2jax_ignore: a message with two dollar signs is no formula.
    return f'<div class="vislab{f" vislab-{tone}" if tone else ""} tex2jax_ignore">{"".join(parts)}</div>'


def _text(value: Any) -> str:
    return html.escape(str(value)).replace("$", "&#36;")
