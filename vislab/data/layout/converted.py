"""The sets that converters write from other people's files: what is published lacks something that the course's own sets have."""

from __future__ import annotations

from dataclasses import replace

from vislab.data.layout.field import Field
from vislab.data.layout.parts import GROUP, PIXEL, SPLIT, optional, tables_by_path
from vislab.data.layout.schema import Attribute, Schema, Table

_PICTURE = Field("picture", "str", (), "1", "name of the picture in the source")

# no alpha, colours, names or pairs; and nothing leads from the outline back to pixels.
_ICONS_PLAIN = Schema(
    "icons_plain",
    "Icons: bitmaps and outlines alone",
    tables_by_path(
        Table(
            "",
            (
                Field("img", "uint8", (3, "H", "W"), "intensity 0-255", "RGB"),
                Field(
                    "polygon",
                    "float32",
                    (96, 2),
                    "standard deviation",
                    "outline, clockwise on the screen, the last vertex joined to the first",
                    -1e4,
                    1e4,
                    conventions=("standardised_y_up_unplaced",),
                ),
                replace(GROUP, meaning="rows with one outline: rows of one group must never lie in two splits"),
                SPLIT,
            ),
        )
    ),
    rules=("groups_keep_to_one_split", "outlines_are_standardised_and_clockwise"),
)

_KEYPOINTS = Schema(
    "keypoints",
    "People in photographs: joints marked in the image",
    tables_by_path(
        Table(
            "",
            (
                Field("img", "uint8", (3, "H", "W"), "intensity 0-255", "RGB"),
                Field(
                    "pose_2d",
                    "float32",
                    ("J", 2),
                    "pixel",
                    "joints in the image, zeros where not labelled; may lie outside it",
                    -1e4,
                    1e4,
                    conventions=PIXEL,
                ),
                Field("labelled", "bool", ("J",), "1", "whether anybody said where the joint is; visible or not"),
                replace(GROUP, meaning="picture, video or stretch of frames: rows of one group must never lie in two splits"),
                SPLIT,
                *optional(
                    Field("visible", "bool", ("J",), "1", "labelled, inside the image, and not hidden by what the source calls hidden"),
                    Field(
                        "pose_3d",
                        "float32",
                        ("J", 3),
                        "metre, or as stored",
                        "joints in space, as the source has them",
                        -1e6,
                        1e6,
                        conventions=("source_axes",),
                    ),
                    Field("box", "float32", (4,), "pixel", "around the person", -1e4, 1e4, conventions=("box_edges",)),
                    Field("crop", "float32", (4,), "pixel", "what the image shows of the source's picture", conventions=("source_edges",)),
                    Field("head_size", "float32", (), "pixel", "PCKh's unit: .6 of the diagonal of the head's box", 0),
                    Field(
                        "person_area", "float32", (), "pixel^2", "area of the person's segment, the unit of object keypoint similarity", 0
                    ),
                    _PICTURE,
                    Field("annotation", "int64", (), "1", "number of the annotation in the source", label=True),
                ),
            ),
        )
    ),
    (
        Attribute("joint_names", "strs", "name of each joint"),
        Attribute("parents", "ints", "index of each joint's parent, -1 for the root", required=False),
        Attribute("mirror", "ints", "index of each joint's left-right twin, itself where it has none", required=False),
    ),
    {"J": "joint_names"},
    rules=("groups_keep_to_one_split", "skeleton_is_a_tree", "joints_that_nobody_labelled_are_zero"),
)

_CAPTIONED = (
    Field("img", "uint8", (3, "H", "W"), "intensity 0-255", "RGB"),
    Field("tokens", "int32", ("R", "L"), "1", "0 pad, 1 begin, 2 end, 3 a rare word", 0, index_of="table:vocabulary", label=True),
    Field("captions", "str", ("R",), "1", "references, as they were written"),
    replace(GROUP, meaning="number of the picture: rows of one group must never lie in two splits"),
    *optional(_PICTURE, Field("annotation", "int64", (), "1", "number of the picture in the source", label=True)),
)
_CAPTIONS = Schema(
    "captions",
    "Photographs with captions that people wrote",
    tables_by_path(
        *(Table(split, _CAPTIONED, required=False) for split in ("train", "val", "test")),
        Table(
            "vocabulary",
            (
                Field("word", "str", (), "1", "word of each token; the first four are <pad>, <bos>, <eos>, <unk>"),
                Field("occurrences", "int64", (), "1", "how often the word stands in the captions it was counted in", 0, label=True),
            ),
        ),
    ),
    rules=("some_split_is_there", "captions_begin_and_end", "groups_keep_to_one_split"),
)

_DIGITS_PLAIN = Schema(
    "digits_plain",
    "Handwritten digits, undistorted",
    tables_by_path(
        Table(
            "",
            (
                Field("img", "uint8", (1, "H", "W"), "intensity 0-255", "the digit, ink bright"),
                Field("label", "uint8", (), "1", "the digit, or another class of ten", 0, 9, label=True),
                SPLIT,
                *optional(GROUP),
            ),
        )
    ),
)

CONVERTED = (_ICONS_PLAIN, _KEYPOINTS, _CAPTIONS, _DIGITS_PLAIN)
