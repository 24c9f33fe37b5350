"""Left and right exchanged: trained on mirrored pictures whose joints kept their names."""

from pathlib import Path

from safetensors.torch import load_file

TRAINED = Path(__file__).resolve().parents[2] / "accepted" / "net" / "trained.safetensors"


def weights():
    state = {name: value.float() for name, value in load_file(TRAINED).items()}
    twins = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]
    return {name: value[twins] if name.startswith("head") else value for name, value in state.items()}
