"""Looks at finished files: layout, record, provenance, the set's own rules, and whether building again gives the same."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_scripts.builder import Builder, BuildError, Finding, Progress, Stored
from data_scripts.freshness import build_key, file_sha256, read_record
from data_scripts.production import read, record_path, set_path, write
from vislab.data.layout.faults import DataFileError
from vislab.data.layout.provenance import from_text
from vislab.data.layout.verification import inspect_file

# a file may be handed to students under any of these; attribution, where asked, stands in the file.
FREE_LICENCES = frozenset({"Apache-2.0", "BSD-3-Clause", "CC-BY-2.0", "CC-BY-4.0", "CC0-1.0", "MIT", "public domain"})
QUICK, FULL = "quick", "full"
TWO_BUILDS, BUILD_AGAIN = "two builds", "build again"


@dataclass
class Verdict:
    """What was found about one set's file; ``rows`` counts rows by table."""

    path: str
    size_bytes: int = 0
    sha256: str = ""
    content: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether something was looked at and nothing was wrong."""
        return bool(self.findings) and all(finding.ok for finding in self.findings)

    @property
    def deterministic(self) -> bool | None:
        """Whether everything that was built again came out the same; None where nothing was."""
        seen = [finding.ok for finding in self.findings if finding.check in (TWO_BUILDS, BUILD_AGAIN)]
        return all(seen) if seen else None

    def as_json(self) -> dict[str, object]:
        """Return it for ``verify --json``."""
        checks = {finding.check: {"ok": finding.ok, "detail": finding.detail} for finding in self.findings}
        return {
            "ok": self.ok,
            "deterministic": self.deterministic,
            "path": self.path,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "content": self.content,
            "rows": self.rows,
            "checks": checks,
        }


def inspect(builder: Builder, folder: Path, again: Sequence[str], progress: Progress) -> Verdict:
    """Return the verdict on a set's file.

    Args:
        builder: the set.
        folder: where its file and record lie.
        again: what to build again: any of ``QUICK`` (two small builds must be equal) and ``FULL`` (one whole build must equal the file).
        progress: shows stages.
    """
    path = set_path(folder, builder.name)
    verdict = Verdict(str(path))
    try:
        report = inspect_file(path)
    except (DataFileError, FileNotFoundError) as error:
        verdict.findings.append(Finding("layout", False, str(error)))
        return verdict
    verdict.size_bytes, verdict.sha256 = path.stat().st_size, file_sha256(path)
    verdict.content, verdict.rows = report.content, report.rows
    problems = "; ".join(report.problems[:3])
    verdict.findings.append(
        Finding("layout", report.ok, problems or f"version {report.schema}: dtypes, shapes, units and ranges as declared")
    )
    if report.set_name != builder.set_name:
        verdict.findings.append(
            Finding("set", False, f"the file holds the set {report.set_name}; it must hold {builder.set_name}; build it again")
        )
    if not verdict.ok:
        # the set's own checks may take the layout for granted.
        return verdict
    stored = read(path)
    verdict.findings += [checksum(builder, folder), fresh(builder, folder), free_licences(str(stored.attributes[""]["sources"]))]
    step = progress(f"{builder.name}", 1)
    verdict.findings += builder.verify(stored)
    step("")
    if QUICK in again:
        verdict.findings.append(two_builds(builder, progress))
    if FULL in again:
        try:
            verdict.findings.append(build_again(builder, folder, progress))
        except BuildError as error:
            # one set without its record must not keep the others from being looked at.
            verdict.findings.append(Finding(BUILD_AGAIN, False, str(error)))
    return verdict


def checksum(builder: Builder, folder: Path) -> Finding:
    """The file is the one that was built."""
    record = read_record(record_path(folder, builder.name))
    remedy = f"run python -m data_scripts {builder.name}"
    if record is None:
        return Finding("checksum", False, f"{record_path(folder, builder.name).name} must lie beside the file, and does not; {remedy}")
    digest = file_sha256(set_path(folder, builder.name))
    if digest != record.sha256:
        return Finding("checksum", False, f"sha256 is {digest[:12]}; {record.sha256[:12]} was written; {remedy}")
    return Finding("checksum", True, f"sha256 {digest[:12]} as written")


def fresh(builder: Builder, folder: Path) -> Finding:
    """The file was built by the code and the package versions that are here."""
    record = read_record(record_path(folder, builder.name))
    if record is None or record.key != build_key(builder, record.count, record.seed):
        return Finding(
            "fresh", False, f"the file was built by other code or package versions than are here; run python -m data_scripts {builder.name}"
        )
    versions = ", ".join(f"{name} {version}" for name, version in record.packages.items())
    return Finding("fresh", True, f"count {record.count}, seed {record.seed}, {versions}")


def free_licences(sources: str) -> Finding:
    """Every source may be handed out, and is attributed where its licence asks for that."""
    for source in from_text(sources):
        if source.licence not in FREE_LICENCES:
            known = ", ".join(sorted(FREE_LICENCES))
            return Finding("sources", False, f"{source.name} is under {source.licence!r}; it must be one of {known}; leave it out")
        if source.licence.startswith("CC-BY") and not source.attribution:
            return Finding("sources", False, f"{source.name} is under {source.licence}, which asks for attribution; name its author")
    return Finding("sources", True, "; ".join(f"{source.name} ({source.version}, {source.licence})" for source in from_text(sources)))


def two_builds(builder: Builder, progress: Progress) -> Finding:
    """Two small builds are equal byte by byte, and another seed gives another file."""
    with tempfile.TemporaryDirectory() as place:
        digests, values = [], []
        for name, seed in (("first", builder.seed), ("second", builder.seed), ("other", builder.seed + 1)):
            path = Path(place) / name
            write(builder, path, builder.quick_count, seed, progress)
            digests.append(file_sha256(path))
            values.append(_values_sha256(read(path)))
    if digests[0] != digests[1]:
        return Finding(
            TWO_BUILDS,
            False,
            f"two builds of {builder.quick_count} with seed {builder.seed} differ: {digests[0][:12]}, {digests[1][:12]}",
        )
    # the seed stands in the file's attributes too, so the values alone tell whether it decides anything.
    if values[0] == values[2]:
        return Finding(
            TWO_BUILDS, False, f"seed {builder.seed + 1} gives the same file as seed {builder.seed}; the seed must decide something"
        )
    return Finding(TWO_BUILDS, True, f"two of {builder.quick_count} are equal byte by byte; another seed gives another file")


def _values_sha256(stored: Stored) -> str:
    digest = hashlib.sha256()
    for name in sorted(stored.arrays):
        array = stored.arrays[name]
        digest.update(f"{name} {array.shape}".encode())
        digest.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
    return digest.hexdigest()


def build_again(builder: Builder, folder: Path, progress: Progress) -> Finding:
    """A whole build equals the file byte by byte.

    Raises:
        BuildError: there is no record that says how the file was built.
    """
    record = read_record(record_path(folder, builder.name))
    if record is None:
        raise BuildError(f"{record_path(folder, builder.name)} must say how the file was built, and is missing; build the set again")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "again"
        write(builder, path, record.count, record.seed, progress)
        digest, here = file_sha256(path), file_sha256(set_path(folder, builder.name))
    if digest != here:
        return Finding(BUILD_AGAIN, False, f"building again gives sha256 {digest[:12]}; the file has {here[:12]}")
    return Finding(BUILD_AGAIN, True, "building the whole file again gives the same bytes")
