"""How each stored dataset becomes the tensor that is handed out, for files of the layout and for the two original ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import h5py
import numpy as np

from vislab.data.info import FieldInfo, mirror_by_name
from vislab.data.layout.faults import ContentInvalid, DatasetMissing
from vislab.data.layout.field import Field
from vislab.data.layout.schema import Schema, Table
from vislab.data.layout.verification import described, stored_dtype

Convert = Callable[[np.ndarray], np.ndarray]
# a joint this far outside the image says that pose_2d is not in 0..1.
_UNIT_INTERVAL_MAX = 4.0


@dataclass(frozen=True)
class Recipe:
    """One tensor: where it is stored, what turns stored rows into handed-out rows, and what it then is."""

    stored: str
    info: FieldInfo
    convert: Convert


def layout_recipes(file: h5py.File, schema: Schema, table: Table) -> dict[str, Recipe]:
    """Recipes for one table of a file of the layout, by name.

    Raises:
        DatasetMissing: a dataset that the schema requires.
        ContentInvalid: a dtype, a shape or a length that breaks the schema.
    """
    group = file[table.path or "/"]
    known = {field.name: field for field in table.fields}
    missing = [name for name, field in known.items() if field.required and name not in group]
    if missing:
        raise DatasetMissing(f"{file.filename} lacks {table.where(missing[0])}, which {schema.name} must have; build the file again")
    lacking = [attribute.name for attribute in schema.attributes if attribute.required and attribute.name not in file.attrs]
    if lacking:
        raise DatasetMissing(f"{file.filename} lacks the attribute {lacking[0]}, which {schema.name} must have; build the file again")
    letters = {letter: len(file.attrs[name]) for letter, name in schema.sizes.items()}
    found: dict[str, Recipe] = {}
    problems: list[str] = []
    ordered = [name for name in known if name in group] + sorted(set(group) - set(known))
    for name in ordered:
        if not isinstance(group[name], h5py.Dataset):
            continue
        field = known.get(name) or described(group[name], name)
        if field is None:
            continue
        problems += field.check_kind(stored_dtype(group[name]), group[name].shape, letters, table.where(name))
        if not problems:
            found[name] = _recipe(file, group[name], field, table.where(name))
    lengths = {table.where(name): len(group[name]) for name in found}
    if len(set(lengths.values())) > 1:
        problems.append(f"the datasets of a table must have one length, here {lengths}")
    if problems:
        raise ContentInvalid(f"{file.filename} breaks the layout of {schema.name}:\n  " + "\n  ".join(problems))
    return found


def is_original_icons(file: h5py.File) -> bool:
    """Whether this is the original course's icon file: ``img`` and ``polygon``, no attributes."""
    if set(file) != {"img", "polygon"} or "schema" in file.attrs:
        return False
    img, polygon = file["img"], file["polygon"]
    return _is(img, "uint8", (3, 32, 32)) and _is(polygon, "float32", (96, 2)) and len(img) == len(polygon)


def original_icon_recipes(file: h5py.File) -> dict[str, Recipe]:
    """The original icon file: its polygons are standardised, y points up, and nothing leads back to pixels."""
    img = FieldInfo("img", "uint8", (3, 32, 32), "intensity 0-255", "RGB")
    polygon = FieldInfo("polygon", "float32", (2, 96), "standard deviation", _OUTLINE, "standardised_y_up")
    return {"img": Recipe("img", img, _same), "polygon": Recipe("polygon", polygon, _vertices_last)}


def is_original_pose(file: h5py.File) -> bool:
    """Whether this is the original course's pose schema: ``img``, ``pose_2d``, ``pose_3d``, no layout version."""
    if not {"img", "pose_2d", "pose_3d"} <= set(file) or "schema" in file.attrs:
        return False
    img, flat, space = file["img"], file["pose_2d"], file["pose_3d"]
    if not all(isinstance(item, h5py.Dataset) and item.dtype.kind in "fu" for item in (img, flat, space)):
        return False
    shapes = img.ndim == 4 and 3 in (img.shape[1], img.shape[3]) and flat.ndim == space.ndim == 3
    return shapes and flat.shape[2] == 2 and space.shape[2] == 3 and flat.shape[1] == space.shape[1] and len(img) == len(flat) == len(space)


def original_pose_recipes(file: h5py.File) -> dict[str, Recipe]:
    """The original pose schema: ``pose_2d`` lies in 0..1 over the image; joints have no names in the file.

    Raises:
        ContentInvalid: ``pose_2d`` that is not in 0..1.
    """
    img, joints = file["img"], file["pose_2d"].shape[1]
    channels_first = img.shape[1] == 3
    height, width = img.shape[2:] if channels_first else img.shape[1:3]
    largest = float(np.abs(file["pose_2d"][:]).max(initial=0.0))
    if not largest <= _UNIT_INTERVAL_MAX:
        raise ContentInvalid(
            f"{file.filename}: pose_2d reaches {largest:g}; without layout attributes it must be normalised to 0..1; divide by W and H"
        )
    whole = img.dtype == np.uint8
    unit = "intensity 0-255" if whole else "intensity, as stored"
    extent = np.array([width, height], np.float32)

    def to_pixels(values: np.ndarray) -> np.ndarray:
        return (values * extent - 0.5).astype(np.float32)

    def image(values: np.ndarray) -> np.ndarray:
        kept = values if whole else values.astype(np.float32)
        return kept if channels_first else np.ascontiguousarray(kept.transpose(0, 3, 1, 2))

    def single(values: np.ndarray) -> np.ndarray:
        return values.astype(np.float32)

    infos = (
        (FieldInfo("img", "uint8" if whole else "float32", (3, height, width), unit, "RGB"), image),
        (FieldInfo("pose_2d", "float32", (joints, 2), "pixel", f"{joints} joints in the image", "pixel"), to_pixels),
        (FieldInfo("pose_3d", "float32", (joints, 3), "as stored", f"{joints} joints in space", "as stored"), single),
    )
    return {info.name: Recipe(info.name, info, convert) for info, convert in infos}


_OUTLINE = "outline, clockwise on the screen, the last vertex joined to the first"


def _is(item: object, dtype: str, row: tuple[int, ...]) -> bool:
    return isinstance(item, h5py.Dataset) and item.dtype == dtype and item.shape[1:] == row


def _recipe(file: h5py.File, dataset: h5py.Dataset, field: Field, where: str) -> Recipe:
    convention = str(dataset.attrs.get("convention", "")) if field.conventions else ""
    if field.conventions and convention not in field.conventions:
        known = ", ".join(field.conventions)
        raise ContentInvalid(f"{where}: attribute convention is {convention!r}; it must be one of {known}; build the file again")
    unit = str(dataset.attrs.get("unit", field.unit))
    info = FieldInfo(field.name, field.dtype, dataset.shape[1:], unit, field.meaning, convention, field.label, mirror=_mirror(file, field))
    if field.name != "polygon":
        return Recipe(where, info, _same)
    if convention == "standardised_y_up_unplaced":
        unplaced = FieldInfo("polygon", "float32", (dataset.shape[2], dataset.shape[1]), unit, _OUTLINE, "standardised_y_up")
        return Recipe(where, unplaced, _vertices_last)
    mean, scale = np.asarray(dataset.attrs.get("mean", [])), np.asarray(dataset.attrs.get("scale", []))
    if mean.shape != (2,) or scale.shape != (2,):
        raise DatasetMissing(f"{where} lacks the attributes mean and scale, which lead back to pixels; build the file again")
    vertices = FieldInfo(
        "polygon",
        "float32",
        (dataset.shape[2], dataset.shape[1]),
        "standard deviation",
        f"{_OUTLINE}; zeros where has_polygon is false",
        "standardised_y_up",
        mean=(float(mean[0]), float(mean[1])),
        scale=(float(scale[0]), float(scale[1])),
    )
    if convention == "standardised_y_up":
        return Recipe(where, vertices, _vertices_last)

    def from_pixels(values: np.ndarray) -> np.ndarray:
        # a row of zeros says that there is no polygon, and goes on saying so.
        real = np.any(values != 0, axis=(1, 2), keepdims=True)
        standard = (values.astype(np.float64) - mean) / scale * (1, -1)
        return _vertices_last(np.where(real, standard, 0).astype(np.float32))

    return Recipe(where, vertices, from_pixels)


def _mirror(file: h5py.File, field: Field) -> tuple[int, ...] | None:
    if field.name in ("pose_2d", "pose_3d", "visible", "labelled") and "mirror" in file.attrs:
        return tuple(int(joint) for joint in file.attrs["mirror"])
    if field.name == "limb" and "limb_names" in file.attrs:
        return mirror_by_name(list(file.attrs["limb_names"]))
    return None


def _same(values: np.ndarray) -> np.ndarray:
    return values


def _vertices_last(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values.transpose(0, 2, 1))
