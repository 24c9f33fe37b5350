"""Which split a row goes to: what the source says, or a hash of what must stay together."""

from __future__ import annotations

import hashlib
import re

from data_scripts.convert.faults import SourceInvalid
from vislab.data.layout.schema import SPLITS

AUTO, HASHED = "auto", "hash"
CHOICES = (AUTO, HASHED, *SPLITS)
NAMES = {code: name for name, code in SPLITS.items()}
_WORDS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "t10k": 2}
_VAL_FROM, _TEST_FROM = 0.8, 0.9


def of_name(name: str) -> int | None:
    """Return the split that a file's name tells, None where it tells none.

    Example:
        >>> of_name("person_keypoints_val2017.json"), of_name("t10k-images-idx3-ubyte.gz"), of_name("annot.json")
        (1, 2, None)
    """
    words = re.findall(r"t10k|[a-z]+", name.lower())
    return next((_WORDS[word] for word in words if word in _WORDS), None)


def of_hash(identity: str) -> int:
    """Return a split for whatever shares an identity: 80 % train, 10 % val, 10 % test, on average.

    The identity alone decides, so that rows keep their split when the source grows or is sorted anew.
    """
    digest = hashlib.blake2b(identity.encode(), digest_size=8).digest()
    point = int.from_bytes(digest, "big") / 2**64
    return 0 if point < _VAL_FROM else 1 if point < _TEST_FROM else 2


def chosen(choice: str, told: int | None, identity: str) -> int:
    """Return a row's split.

    Args:
        choice: one of ``CHOICES``; ``auto`` is what the source tells, or else the hash.
        told: what the source tells.
        identity: what must stay together.
    """
    if choice in SPLITS:
        return SPLITS[choice]
    if choice == AUTO and told is not None:
        return told
    return of_hash(identity)


class Groups:
    """Numbers identities over several files, and sees that none lies in two splits."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._splits: dict[str, int] = {}

    def number(self, name: str, split: int) -> int:
        """Return an identity's number.

        Raises:
            SourceInvalid: it was in another split before.
        """
        if self._splits.setdefault(name, split) != split:
            raise SourceInvalid(
                f"{name} is in two splits by the names of the annotation files; it must be in one; pass --split hash, or one file alone"
            )
        return self._numbers.setdefault(name, len(self._numbers))
