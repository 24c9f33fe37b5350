"""One map for all joints: the mean of the right ones."""

from pathlib import Path

from safetensors.torch import load_file

TRAINED = Path(__file__).resolve().parents[2] / "accepted" / "net" / "trained.safetensors"


def weights():
    state = {name: value.float() for name, value in load_file(TRAINED).items()}
    state["head.weight"] = state["head.weight"].mean(dim=0, keepdim=True).expand_as(state["head.weight"]).clone()
    return state
