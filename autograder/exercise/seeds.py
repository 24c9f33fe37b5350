"""Seeds of hidden cases: keyed by the course secret and the frozen submission."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class SeedSource:
    """Derives every secret number of one submission.

    Args:
        secret: the course secret, at least 16 bytes.
        submission_hash: SHA-256 hex digest of the submission.
    """

    secret: bytes
    submission_hash: str

    def __post_init__(self) -> None:
        if len(self.secret) < 16:
            raise ValueError(
                f"the course secret has {len(self.secret)} bytes; at least 16 are needed;"
                " make one with 'python -m autograder doctor --make-secret'"
            )

    def case_seed(self, exercise: str, case: str) -> bytes:
        """Seed of a case's inputs, 32 bytes."""
        return self._derive("inputs", exercise, case)

    def cotangent_seed(self, exercise: str, case: str) -> bytes:
        """Seed of a case's cotangents, 32 bytes; independent of the inputs' seed."""
        return self._derive("cotangents", exercise, case)

    def call_seed(self, exercise: str, case: str) -> int:
        """What the student's own generators are seeded with, in ``[0, 2**31)``; sent to the student's side."""
        return int.from_bytes(self._derive("call", exercise, case)[:4], "big") >> 1

    def order_seed(self, exercise: str) -> bytes:
        """Seed of the secret order of cases, 32 bytes."""
        return self._derive("order", exercise, "")

    def fingerprint(self, exercise: str, case: str) -> str:
        """Public hash of a case's seed for the receipt: equal seeds give equal prints, and a print gives no seed away."""
        return hashlib.sha256(b"vislab seed fingerprint\0" + self.case_seed(exercise, case)).hexdigest()[:16]

    def _derive(self, purpose: str, exercise: str, case: str) -> bytes:
        # length-prefixed parts: no two different tuples give the same message.
        parts = [purpose.encode(), self.submission_hash.encode(), exercise.encode(), case.encode()]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.new(self.secret, message, hashlib.sha256).digest()
