"""The sets of the course: every dataset with its dtype, shape, unit, range and meaning."""

from __future__ import annotations

from dataclasses import replace

from vislab.data.layout.converted import CONVERTED
from vislab.data.layout.field import Field
from vislab.data.layout.parts import GROUP as _GROUP
from vislab.data.layout.parts import PIXEL
from vislab.data.layout.parts import SPLIT as _SPLIT
from vislab.data.layout.parts import optional as _optional
from vislab.data.layout.parts import tables_by_path as _tables
from vislab.data.layout.schema import Attribute, Schema, Table

CAMERA = ("camera_root",)

_ICONS = Schema(
    "icons",
    "Icons: bitmaps, outlines as polygons of 96 vertices, names, families",
    _tables(
        Table(
            "",
            (
                Field("img", "uint8", (3, "H", "W"), "intensity 0-255", "RGB over the background colour"),
                Field(
                    "polygon",
                    "float32",
                    (96, 2),
                    "standard deviations (or pixels, as the convention says)",
                    "outline, clockwise on the screen, the last vertex joined to the first; zeros where has_polygon is false",
                    -1e4,
                    1e4,
                    conventions=("standardised_y_up", "pixel"),
                ),
                Field("alpha", "uint8", (1, "H", "W"), "coverage 0-255", "the silhouette, so that the icon can be coloured anew"),
                Field("has_polygon", "bool", (), "1", "whether the silhouette has exactly one outline"),
                Field("colour", "uint8", (2, 3), "intensity 0-255", "RGB of the foreground, then of the background"),
                Field("family", "str", (), "1", "which collection the icon belongs to"),
                Field("name", "str", (), "1", "the icon's name in that collection"),
                replace(_GROUP, meaning="outline group: near-duplicates share it; rows of one group must never lie in two splits"),
                Field(
                    "pair", "int32", (), "1", "row of the twin in the other style, -1 for none", -1, index_of="rows", none=-1, label=True
                ),
                _SPLIT,
                Field("category", "str", (), "1", "what the icon shows, '' where unknown"),
                *_optional(
                    Field("licence", "str", (), "1", "licence of this icon"),
                    Field("style", "uint8", (), "1", "0 filled, 1 outline", 0, 1, label=True),
                    Field("area", "float32", (), "share of the image", "covered share of the bitmap", 0, 1),
                    Field("iou", "float32", (), "1", "intersection over union of polygon and silhouette", 0, 1),
                ),
            ),
        )
    ),
    rules=("groups_keep_to_one_split", "pairs_are_mutual", "polygons_are_standardised_and_clockwise"),
)

_SKELETON = (
    Attribute("joint_names", "strs", "name of each joint"),
    Attribute("parents", "ints", "index of each joint's parent, -1 for the root"),
    Attribute("mirror", "ints", "index of each joint's left-right twin, itself where it has none"),
    Attribute("limb_names", "strs", "name of each body part that limb counts, from 0", required=False),
    Attribute("backgrounds", "strs", "name of each background picture", required=False),
    Attribute("frame_rate_hz", "float", "frames a second", required=False),
)


def _pose(name: str, title: str, lead: tuple[str | int, ...], frame: tuple[str | int, ...]) -> Schema:
    """``lead``: axes of people and frames before the joints; ``frame``: the axis of frames before an image."""
    fields = (
        Field("img", "uint8", (*frame, 3, "H", "W"), "intensity 0-255", "RGB"),
        Field("pose_2d", "float32", (*lead, "J", 2), "pixel", "joints in the image; may lie outside it", -1e4, 1e4, conventions=PIXEL),
        Field(
            "pose_3d",
            "float32",
            (*lead, "J", 3),
            "metre",
            "joints on the camera's axes, relative to the root joint",
            -10,
            10,
            conventions=CAMERA,
        ),
        Field("root", "float32", (*lead, 3), "metre", "the root joint from the camera's centre", -1e3, 1e3, conventions=("camera",)),
        Field("camera", "float32", (4,), "pixel", "fx, fy, cx, cy: x_pixel = fx * X / Z + cx", -1e5, 1e5),
        Field("visible", "bool", (*lead, "J"), "1", "whether the joint is inside the image and not hidden"),
        Field("limb", "int8", (*frame, "H", "W"), "1", "index of the body part in front at each pixel, -1 background", -1, 127, label=True),
        _SPLIT,
        *_optional(
            Field(
                "person", "uint8", (*frame, "H", "W"), "1", "who is in front at each pixel: 0 nobody, 1 the first person, 2 ...", label=True
            ),
            Field("box", "float32", (*lead, 4), "pixel", "around the person's pixels", -1e4, 1e4, conventions=("box_edges",)),
            _GROUP,
            Field(
                "background", "int16", (), "1", "index of the background picture", -1, index_of="attribute:backgrounds", none=-1, label=True
            ),
            Field("sequence", "int32", (), "1", "number of the motion that the row belongs to", 0, label=True),
            Field("yaw", "float32", (), "radian", "turn of the body about the vertical, 0 facing the camera", -6.3, 6.3),
        ),
    )
    if frame:
        fields = tuple(replace(one, required=False) if one.name == "limb" else one for one in fields)
    rules = ("groups_keep_to_one_split", "skeleton_is_a_tree", "poses_project_onto_the_image")
    return Schema(name, title, _tables(Table("", fields)), _SKELETON, {"J": "joint_names"}, rules)


_DISTORTED = (
    Field("img", "uint8", (1, "S", "S"), "intensity 0-255", "the distorted digit"),
    Field("label", "uint8", (), "1", "the digit", 0, 9, label=True),
    Field("base", "int16", (), "1", "row of the digit in the table base", 0, index_of="table:base", label=True),
    Field("theta", "float32", (4,), "radian, 1, pixel, pixel", "angle, scale, shift x, shift y of the digit", -1e3, 1e3),
    *_optional(
        Field("matrix", "float32", (3, 3), "1", "homography from pixels of the base image to pixels of this one", -1e4, 1e4),
        Field("control", "float32", ("C", "C", 2), "pixel", "displacement of each control point, x then y", -1e3, 1e3),
    ),
)
DISTORTIONS = ("R", "RTS", "P", "E", "TC48")
_DIGITS = Schema(
    "digits",
    "Handwritten digits, plain and under the distortions of the spatial-transformer paper",
    _tables(
        Table(
            "base",
            (
                Field("img", "uint8", (1, 28, 28), "intensity 0-255", "the undistorted digit"),
                Field("label", "uint8", (), "1", "the digit", 0, 9, label=True),
                _SPLIT,
                *_optional(_GROUP),
            ),
        ),
        *(Table(f"{kind}/train", _DISTORTED) for kind in DISTORTIONS),
        *(Table(f"{kind}/val", _DISTORTED, required=False) for kind in DISTORTIONS),
        *(Table(f"{kind}/test", _DISTORTED) for kind in DISTORTIONS),
    ),
    rules=("distorted_digits_keep_to_the_split_of_their_base",),
)

_DRAWING = Field(
    "drawing", "int16", (4,), "1", "which drawing shows each object; -1 for none", -1, index_of="attribute:drawings", none=-1, label=True
)
_OBJECTS = Field("objects", "float32", (4, 7), "1, 1, 1, pixel x 4", "noun, colour, size, x0, y0, x1, y1; a row of -1 for none", -1, 1e4)
_SCENE = (
    Field("img", "uint8", (3, "H", "W"), "intensity 0-255", "RGB, without noise"),
    Field("tokens", "uint8", (5, "L"), "1", "0 pad, 1 begin, 2 end", index_of="attribute:vocabulary", label=True),
    Field("captions", "str", (5,), "1", "five references"),
    replace(_OBJECTS, conventions=("box_edges",)),
    Field(
        "mask", "uint8", ("H", "W"), "1", "which object is in front at each pixel: 0 background, 1 the first object ...", 0, 4, label=True
    ),
    *_optional(
        Field("relation", "int8", (3,), "1", "subject's object row, relation, object's object row; -1 for none", -1, 127, label=True),
        _DRAWING,
        _GROUP,
    ),
)
_SCENES = Schema(
    "scenes",
    "Scenes of two to four named, coloured icons with captions, boxes and masks",
    _tables(
        Table("train", _SCENE),
        Table("val", _SCENE, required=False),
        Table("test", _SCENE),
        Table(
            "singles",
            (
                Field("img", "uint8", (3, "h", "w"), "intensity 0-255", "one icon, RGB"),
                Field("noun", "uint8", (), "1", "what it shows", index_of="attribute:nouns", label=True),
                Field("colour", "uint8", (), "1", "its colour", index_of="attribute:colours", label=True),
                *_optional(_SPLIT, _GROUP, replace(_DRAWING, shape=(), meaning="which drawing it is", low=0, none=None)),
            ),
        ),
    ),
    (
        Attribute("vocabulary", "strs", "word of each token; the first three are <pad>, <bos>, <eos>"),
        Attribute("nouns", "strs", "name of each noun"),
        Attribute("colours", "strs", "name of each colour"),
        Attribute("sizes", "strs", "name of each size", required=False),
        Attribute("relations", "strs", "name of each relation", required=False),
        Attribute("drawings", "strs", "name of each drawing", required=False),
        Attribute("drawing_groups", "ints", "group of each drawing: near-duplicates share one", required=False),
        Attribute("grammar_version", "str", "version of the caption grammar"),
    ),
    rules=("captions_begin_and_end", "objects_are_named_and_inside", "groups_keep_to_one_split", "drawings_keep_to_one_split"),
)

SCHEMAS: dict[str, Schema] = {
    schema.name: schema
    for schema in (
        _ICONS,
        _pose("pose", "People: one person in front of a photograph", (), ()),
        _pose("pose_pairs", "People: two persons who hide each other", (2,), ()),
        _pose("pose_sequences", "People: one person in short sequences of frames", ("T",), ("T",)),
        _DIGITS,
        _SCENES,
        *CONVERTED,
    )
}
