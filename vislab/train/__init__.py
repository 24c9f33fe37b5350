"""Training: one plain loop with progress, validation, checkpoints and seeds. A notebook can always write the loop out instead."""

from vislab.train.checkpoint import CheckpointError, load_weights
from vislab.train.early_stop import NonFiniteNumber
from vislab.train.history import History
from vislab.train.loop import fit
from vislab.train.seeds import seeded

__all__ = ["CheckpointError", "History", "NonFiniteNumber", "fit", "load_weights", "seeded"]
