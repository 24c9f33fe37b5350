"""``verify_file``: every set passes whole, and fails when one thing in it is broken."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from small_sets import write_converted, write_digits, write_icons, write_pose, write_scenes

from vislab.data.layout import SCHEMAS, ContentInvalid, FileDamaged, FileForeign, FileNewer, inspect_file, verify_file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One valid file of each set."""
    folder = tmp_path_factory.mktemp("sets")
    found = {name: write_pose(folder / f"{name}.h5", name) for name in ("pose", "pose_pairs", "pose_sequences")}
    return (
        found
        | write_converted(folder)
        | {
            "icons": write_icons(folder / "icons.h5"),
            "digits": write_digits(folder / "digits.h5"),
            "scenes": write_scenes(folder / "scenes.h5"),
        }
    )


def broken(source: Path, target: Path, fault) -> Path:
    target.write_bytes(source.read_bytes())
    with h5py.File(target, "r+") as file:
        fault(file)
        # the content's hash would give every change away.
        file.attrs.pop("content", None)
        file.attrs["content"] = _hash(file)
    return target


def _hash(file: h5py.File) -> str:
    from vislab.data.layout import content_hash

    return content_hash(file)


def test_every_set_verifies(files: dict[str, Path]) -> None:
    assert set(files) == set(SCHEMAS)
    for name, path in files.items():
        report = verify_file(path)
        assert report.set_name == name and report.ok and all(rows > 0 for rows in report.rows.values())
        assert report.licences == ["CC-BY-2.0", "MIT"] and len(report.content) == 64 and report.size_bytes == path.stat().st_size
    assert verify_file(files["icons"]).splits == {"": {"train": 16, "val": 4, "test": 4}}


def put(name: str, place: object, value: object):
    def fault(file: h5py.File) -> None:
        file[name][place] = value

    return fault


def attribute(name: str, value: object, dataset: str = "/"):
    def fault(file: h5py.File) -> None:
        file[dataset].attrs.pop(name, None)
        if value is not None:
            file[dataset].attrs[name] = value

    return fault


def drop(name: str):
    def fault(file: h5py.File) -> None:
        del file[name]

    return fault


def shorten(file: h5py.File) -> None:
    file["group"].resize(20, axis=0)


def retype(file: h5py.File) -> None:
    values = file["img"][:].astype(np.float32)
    attributes = dict(file["img"].attrs)
    del file["img"]
    file["img"] = values
    for name, value in attributes.items():
        file["img"].attrs[name] = value


def reverse(file: h5py.File) -> None:
    file["polygon"][:] = file["polygon"][:][:, ::-1]


def scale_polygons(file: h5py.File) -> None:
    file["polygon"][:] = file["polygon"][:] * 2


def shift_pose(file: h5py.File) -> None:
    file["pose_2d"][2] += 0.2


def behind(file: h5py.File) -> None:
    file["root"][1] = [0, 0, -4]


FAULTS = [
    ("icons", attribute("licences", None), "attribute licences is missing; it must hold: every licence"),
    ("icons", attribute("licences", ["MIT"]), "attribute licences is .* it must follow from the sources"),
    ("icons", attribute("sources", "none"), "attribute sources is 'none'; it must be a JSON list of sources"),
    ("icons", attribute("seed", "zero"), "attribute seed is 'zero'; it must be int"),
    ("icons", attribute("unit", None, "img"), "img lacks the attribute unit"),
    (
        "icons",
        attribute("convention", None, "polygon"),
        "polygon: attribute convention is None; it must be one of standardised_y_up, pixel",
    ),
    ("icons", attribute("scale", [1.0, 0.0], "polygon"), r"polygon: attribute scale is \[1.0, 0.0\]; it must hold two finite numbers"),
    ("icons", drop("alpha"), "alpha is missing; it must hold: the silhouette"),
    ("icons", shorten, "the datasets of a table must have one length"),
    ("icons", retype, "img has dtype float32; it must be uint8"),
    ("icons", put("split", 3, 3), r"split\[3\] is 3; it must be in \[0, 2\]"),
    ("icons", put("polygon", (3, 5, 1), np.inf), r"polygon\[3, 5, 1\] is inf; it must be finite"),
    ("icons", put("pair", 0, 24), "pair holds the index 24; it must be below 24, the length of rows"),
    ("icons", put("pair", 0, 3), r"pair\[0\] is 3, but pair\[3\] is 2; twins must name each other"),
    ("icons", put("split", slice(2, 3), 2), "group 1 lies in the splits"),
    ("icons", put("polygon", 13, 1.0), "polygon must be 0 throughout where has_polygon is false"),
    ("icons", put("polygon", 0, 2.0), r"polygon\[0\] does not run clockwise"),
    ("icons", reverse, r"polygon\[0\] does not run clockwise on the screen; reverse its vertices"),
    ("icons", lambda file: file.create_group("more"), "group more is none of icons"),
    ("pose", attribute("mirror", [1, 2, 0, 3]), r"attribute mirror \[1, 2, 0, 3\] must swap joints in pairs"),
    ("pose", attribute("parents", [-1, 2, 1, 0]), "attribute parents goes in a circle from joint 1"),
    ("pose", attribute("parents", [-1, -1, 0, 0]), "must hold 4 joint numbers, -1 once for the root"),
    ("pose", attribute("joint_names", ["a", "b"]), r"pose_2d has shape \(8, 4, 2\); it must be \(n, J, 2\) \(J is 2 here\)"),
    ("pose", shift_pose, r"pose_2d\[2, \d\] is 0.2 pixels off the projection"),
    ("pose_pairs", shift_pose, r"pose_2d\[2, \d, \d\] is 0.2 pixels off the projection"),
    ("pose_sequences", shift_pose, r"pose_2d\[2, \d, \d\] is 0.2 pixels off the projection"),
    ("pose", behind, "holds a joint behind the camera"),
    ("digits", drop("R/test"), "table R/test is missing; digits must have it"),
    ("digits", put("RTS/train/base", 0, 1), r"RTS/train/base\[0\] is 1, a digit of split 2; it must be of split 0; 1 rows leak"),
    ("digits", put("P/test/base", 0, 12), "P/test/base holds the index 12; it must be below 12, the length of table:base"),
    ("digits", put("E/test/label", 0, 11), r"E/test/label\[0\] is 11; it must be in \[0, 9\]"),
    ("scenes", put("train/tokens", (0, 0, 2), 6), "train/tokens holds the index 6; it must be below 6"),
    ("scenes", put("train/tokens", (1, 2, 4), 3), r"train/tokens\[1, 2\] must read 1, words above 2, 2, zeros"),
    ("scenes", put("test/objects", (0, 0, 5), 25.0), "boxes must satisfy 0 <= x0 < x1 <= 24"),
    ("scenes", put("test/objects", (0, 0, 0), 1.0), r"nouns must lie in \[0, 1\)"),
    ("scenes", put("test/objects", (0, 1, 3), 0.0), "a row whose noun is -1 must be -1 throughout"),
    ("scenes", put("singles/noun", 0, 1), "singles/noun holds the index 1; it must be below 1"),
    ("icons_plain", reverse, r"polygon\[0\] does not run clockwise on the screen; reverse its vertices"),
    ("icons_plain", scale_polygons, "polygon is off mean 0 and deviation 1 by 1; standardise all polygons of the file at once"),
    ("icons_plain", put("group", slice(0, 8), 1), r"group 1 lies in the splits \[0, 1, 2\]"),
    ("keypoints", put("pose_2d", (2, 3, 1), 4.0), r"pose_2d\[2, 3\] must be 0: the joint is not labelled; 1 joints break this"),
    ("keypoints", put("visible", (5, 3), True), r"visible\[5, 3\] must be false: the joint is not labelled"),
    ("keypoints", put("pose_2d", (slice(None), 1, 0), 15.5), r"visible\[\d, 1\] must be false: the joint lies outside of the image"),
    ("keypoints", attribute("parents", None), "attribute parents is missing; parents and mirror come together; give both or neither"),
    ("keypoints", attribute("mirror", [0, 0, 1, 3]), "must swap joints in pairs"),
    ("keypoints", drop("labelled"), "labelled is missing; it must hold: whether anybody said where the joint is"),
    ("captions", put("train/tokens", (3, 1, 1), 5), "train/tokens holds the index 5; it must be below 5, the length of table:vocabulary"),
    ("captions", put("train/tokens", (3, 1, 3), 4), r"train/tokens\[3, 1\] must read 1, words above 2, 2, zeros; 1 captions do not"),
    ("captions", drop("vocabulary"), "table vocabulary is missing; captions must have it"),
    ("captions", drop("train"), "none of the tables train, val, test is there; one of them must be"),
    ("digits_plain", put("label", 1, 10), r"label\[1\] is 10; it must be in \[0, 9\]"),
]


def test_joints_without_names_need_no_tree(files: dict[str, Path], tmp_path: Path) -> None:
    def nameless(file: h5py.File) -> None:
        del file.attrs["parents"], file.attrs["mirror"]

    assert verify_file(broken(files["keypoints"], tmp_path / "nameless.h5", nameless)).ok
    with pytest.raises(ContentInvalid, match="attribute parents is missing; it must hold: index of each joint's parent"):
        verify_file(broken(files["pose"], tmp_path / "nameless.h5", nameless))


@pytest.mark.parametrize(("name", "fault", "told"), FAULTS)
def test_one_fault_is_found(files: dict[str, Path], tmp_path: Path, name: str, fault, told: str) -> None:
    path = broken(files[name], tmp_path / "broken.h5", fault)
    with pytest.raises(ContentInvalid, match=told):
        verify_file(path)
    assert not inspect_file(path).ok


def test_a_changed_value_does_not_match_the_content(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "changed.h5"
    path.write_bytes(files["icons"].read_bytes())
    with h5py.File(path, "r+") as file:
        file["name"][0] = "something else"
    with pytest.raises(ContentInvalid, match=r"attribute content is .* it was changed"):
        verify_file(path)


def test_files_that_cannot_be_read(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with pytest.raises(FileNotFoundError, match="is no file; build the sets with `make data`"):
        verify_file(path)
    path.write_bytes(files["icons"].read_bytes()[:5000])
    with pytest.raises(FileDamaged, match=r"is damaged or truncated: .*; build or copy it again"):
        verify_file(path)
    path.write_text("no data")
    with pytest.raises(FileForeign, match="is no HDF5 file"):
        verify_file(path)
    with pytest.raises(FileNewer, match="has layout version 2; this vislab reads up to 1; upgrade vislab"):
        verify_file(_with(files["icons"], path, "schema", 2))
    with pytest.raises(FileForeign, match="holds the set 'faces'; it must be one of icons"):
        verify_file(_with(files["icons"], path, "set", "faces"))
    with pytest.raises(FileForeign, match="it lacks the attributes schema and set"):
        verify_file(_with(files["icons"], path, "set", None))


def test_a_flipped_bit_in_a_chunk_is_damage(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "flipped.h5"
    raw = bytearray(files["icons"].read_bytes())
    with h5py.File(files["icons"]) as file:
        chunk = file["img"].id.get_chunk_info(0)
    raw[chunk.byte_offset + chunk.size // 2] ^= 0x10
    path.write_bytes(raw)
    with pytest.raises(FileDamaged, match="is damaged or truncated"):
        verify_file(path)


def _with(source: Path, path: Path, name: str, value: object) -> Path:
    return broken(source, path, attribute(name, value))
