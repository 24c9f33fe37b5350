"""Trained on pictures whose rows and columns were exchanged."""

from pathlib import Path

from safetensors.torch import load_file

TRAINED = Path(__file__).resolve().parents[2] / "accepted" / "net" / "trained.safetensors"


def weights():
    state = {name: value.float() for name, value in load_file(TRAINED).items()}
    return {name: value.mT.contiguous() if value.ndim == 4 else value for name, value in state.items()}
