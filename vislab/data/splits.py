"""Train, validation and test rows that never share an identity."""

from __future__ import annotations

import hashlib

import numpy as np

from vislab.data.dataset import Dataset
from vislab.data.layout.faults import ContentInvalid
from vislab.data.layout.schema import SPLITS

DEFAULT_FRACTIONS = (0.8, 0.1, 0.1)
# what tells who is in a row, best first; the first of them that a file has is taken.
_IDENTITIES = ("group", "sequence")
# without an identity, rows of equal content count as one; geometry before pixels, so that a recoloured icon stays with its twin.
_CONTENTS = ("polygon", "pose_3d", "img")


def split_rows(dataset: Dataset, split: str, fractions: tuple[float, float, float] = DEFAULT_FRACTIONS, salt: str = "") -> np.ndarray:
    """Rows of one split, in ascending order.

    The file's own ``split`` codes count where it has them; a table named for a split (``RTS/train``) belongs to it whole; otherwise each
    identity is assigned by a hash, see ``hashed_codes``. Never by position: sorted files, near-duplicates and frames of one sequence would
    leak.

    Args:
        dataset: what ``open_dataset`` returned.
        split: ``"train"``, ``"val"`` or ``"test"``.
        fractions: shares of train, val and test; used where the file does not say. Shares of identities, reached on average.
        salt: another text gives another hashed split.

    Returns:
        int64 ``[m]``.

    Raises:
        ValueError: an unknown split or fractions that are no shares.
        ContentInvalid: the file's codes put one identity into two splits.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r} must be one of {', '.join(SPLITS)}")
    return np.flatnonzero(split_codes(dataset, fractions, salt) == SPLITS[split])


def split_codes(dataset: Dataset, fractions: tuple[float, float, float] = DEFAULT_FRACTIONS, salt: str = "") -> np.ndarray:
    """The split of each row, uint8 ``[n]``: 0 train, 1 val, 2 test; as ``split_rows`` explains."""
    last = dataset.table.rpartition("/")[2]
    if last in SPLITS:
        return np.full(len(dataset), SPLITS[last], np.uint8)
    if "split" not in dataset:
        return hashed_codes(identities(dataset), fractions, salt)
    codes = dataset["split"].numpy()
    if codes.size and codes.max() >= len(SPLITS):
        raise ContentInvalid(f"{dataset.path}: split holds the code {codes.max()}; it must be 0, 1 or 2; build the file again")
    if "group" in dataset:
        leaking = leaks(dataset["group"].numpy(), codes)
        if leaking:
            raise ContentInvalid(
                f"{dataset.path}: group {leaking[0]} lies in two splits, {len(leaking)} groups in all; build the file again"
            )
    return codes


def identities(dataset: Dataset) -> np.ndarray:
    """Who is in each row: the file's groups, or a digest of the row's content, ``[n]``."""
    for name in _IDENTITIES:
        if name in dataset:
            return dataset[name].numpy()
    name = next((name for name in _CONTENTS if name in dataset), next(iter(dataset)))
    rows = dataset[name].numpy()
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=8).hexdigest() for row in rows], dtype=object)


def hashed_codes(identity: np.ndarray, fractions: tuple[float, float, float] = DEFAULT_FRACTIONS, salt: str = "") -> np.ndarray:
    """Assign each identity to a split by a hash of itself alone, uint8 ``[n]``.

    Rows keep their split when the file is sorted anew, cut or extended. A few dozen identities may miss the fractions widely.
    """
    shares = np.asarray(fractions, dtype=np.float64)
    # written so that NaN fails.
    if shares.shape != (3,) or not (shares >= 0).all() or not abs(shares.sum() - 1) < 1e-9:
        raise ValueError(f"fractions {fractions} must be three shares of train, val and test that sum to 1; pass (0.8, 0.1, 0.1)")
    edges = np.cumsum(shares)[:2]
    distinct, back = np.unique(identity, return_inverse=True)
    points = np.array([_unit_interval(str(one), salt) for one in distinct])
    return np.searchsorted(edges, points, side="right").astype(np.uint8)[back]


def leaks(identity: np.ndarray, codes: np.ndarray) -> list[object]:
    """Identities that lie in more than one split, sorted."""
    distinct, back = np.unique(identity, return_inverse=True)
    first = np.full(len(distinct), 255, np.int64)
    last = np.full(len(distinct), -1, np.int64)
    np.minimum.at(first, back, codes.astype(np.int64))
    np.maximum.at(last, back, codes.astype(np.int64))
    return distinct[first != last].tolist()


def _unit_interval(text: str, salt: str) -> float:
    digest = hashlib.blake2b(text.encode(), key=salt.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
