"""Data sets and how they reach the device: one HDF5 layout, one reader, two loaders.

``open_dataset`` opens a file or a set by name, ``DeviceLoader`` and ``StreamLoader`` make batches, ``Augmentation`` and its parts change
them, ``split_rows`` lists a split's rows. ``vislab.data.layout`` is the layout itself, for builders.
"""

from importlib import import_module

_FACE = {
    "open_dataset": "dataset",
    "DeviceLoader": "device_loader",
    "StreamLoader": "stream_loader",
    "split_rows": "splits",
    "Augmentation": "augment",
    "AffineJitter": "augment",
    "ColourJitter": "augment",
    "Cutout": "augment",
}
__all__ = list(_FACE)


def __getattr__(name: str) -> object:
    # on demand: a builder that imports vislab.data.layout needs no torch.
    if name in _FACE:
        return getattr(import_module(f"vislab.data.{_FACE[name]}"), name)
    raise AttributeError(f"module vislab.data has no attribute {name!r}; it has {', '.join(_FACE)}")
