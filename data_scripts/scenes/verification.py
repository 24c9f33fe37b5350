"""What must be true of a finished scenes file, recomputed from the file; only how alike drawings are is looked up in the wheel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from data_scripts.builder import Finding, Stored
from data_scripts.icons.assembly import GROUP
from data_scripts.icons.drawing import wheel_folder
from data_scripts.scenes.catalogue import TEST, TRAIN, Entry, nearest, read_drawings
from data_scripts.scenes.grammar import REFERENCES, GrammarError, lexicon, to_caption, to_tokens
from data_scripts.scenes.palette import COLOURS, colour_of
from data_scripts.scenes.parser import CaptionUnreadable, read
from data_scripts.scenes.picture import tight_box
from data_scripts.scenes.relation import RELATIONS, focus
from data_scripts.scenes.truth import BOX, COLOUR, NOUN, faults

TABLES = {"train": TRAIN, "test": TEST}
# of the pixels that an object shows: fewer cannot be made out.
PIXELS_LEAST = 15
# strokes thinner than a pixel are mixed with the ground; all others look what they are.
FRONT_COLOURS_LEAST = 0.99


def findings(stored: Stored) -> list[Finding]:
    """Return what was looked at: words, captions, boxes and masks, colours, relations, splits, leaks, and that scenes differ."""
    return [
        words(stored),
        captions(stored),
        boxes(stored),
        colours(stored),
        relations(stored),
        drawings(stored),
        leakage(stored),
        repetition(stored),
    ]


def words(stored: Stored) -> Finding:
    """The vocabulary is the grammar's, and tokens and captions are each other."""
    nouns, vocabulary = (list(stored.attributes[""][name]) for name in ("nouns", "vocabulary"))
    known = lexicon(nouns)
    if tuple(vocabulary) != known.vocabulary:
        return Finding(
            "words", False, f"vocabulary has {len(vocabulary)} words and is not the grammar's, which has {len(known.vocabulary)}"
        )
    if json.loads(stored.attributes[""]["word_meanings"]) != asdict(known):
        return Finding("words", False, "word_meanings are not the grammar's; build the file again")
    place, lengths = "", []
    for table in TABLES:
        tokens, texts = stored.arrays[f"{table}/tokens"], stored.arrays[f"{table}/captions"]
        for row, number in np.ndindex(*texts.shape):
            place, line, text = f"{table}/captions[{row}, {number}]", tokens[row, number].tolist(), str(texts[row, number])
            try:
                good = to_tokens(text, vocabulary) == line and to_caption(line, vocabulary) == text
            except GrammarError as error:
                return Finding("words", False, f"{place}: {error}")
            if not good:
                return Finding("words", False, f"{place} is {text!r}; its tokens read {to_caption(line, vocabulary)!r}")
            lengths.append(len(text.split()))
    unused = set(range(3, len(vocabulary))) - set(np.unique(stored.arrays["train/tokens"]).tolist())
    told = f"{len(vocabulary)} tokens, {len(unused)} unused in training; {np.mean(lengths):.1f} words a caption, {max(lengths)} at most"
    return Finding("words", True, told)


def captions(stored: Stored) -> Finding:
    """Every caption can be read back and says nothing that is not so; the five of a scene differ."""
    known = lexicon(list(stored.attributes[""]["nouns"]))
    count = related = 0
    for table in TABLES:
        texts, objects = stored.arrays[f"{table}/captions"], stored.arrays[f"{table}/objects"]
        for row, lines in enumerate(texts):
            if len(set(lines)) < REFERENCES:
                return Finding(
                    "captions", False, f"{table}/captions[{row}] has {len(set(lines))} different ones; all {REFERENCES} must differ"
                )
            for number, line in enumerate(lines):
                place = f"{table}/captions[{row}, {number}]"
                try:
                    meaning = read(line, known)
                except CaptionUnreadable as error:
                    return Finding("captions", False, f"{place}: {error}")
                wrong = faults(meaning, objects[row])
                if wrong:
                    return Finding("captions", False, f"{place} {line!r} is not true: {wrong[0]}")
                count, related = count + 1, related + (meaning.relation is not None)
    return Finding(
        "captions", True, f"all {count} can be read back and are true; {related} of them relate two objects; five of a scene differ"
    )


def boxes(stored: Stored) -> Finding:
    """Boxes hold their object's pixels, and are tight where nothing is hidden."""
    checked = overlapping = 0
    for table in TABLES:
        for row, objects, mask in _scenes(stored, table):
            if mask.max() > len(objects):
                return Finding("boxes", False, f"{table}/mask[{row}] names object {mask.max()} of {len(objects)}")
            for number, one in enumerate(objects, 1):
                seen, box = mask == number, one[BOX].astype(int)
                place = f"{table}/objects[{row}, {number - 1}]"
                if np.count_nonzero(seen) < PIXELS_LEAST:
                    return Finding("boxes", False, f"{place} shows {np.count_nonzero(seen)} pixels in mask; {PIXELS_LEAST} are asked")
                tight = tight_box(seen)
                inside = np.all(np.array(tight[:2]) >= box[:2]) and np.all(np.array(tight[2:]) <= box[2:])
                hidden = any(_overlap(one[BOX], later[BOX]) for later in objects[number:])
                if not inside or (not hidden and tuple(box) != tight):
                    return Finding("boxes", False, f"{place} has the box {box.tolist()}; its pixels in mask lie in {list(tight)}")
                checked, overlapping = checked + 1, overlapping + hidden
    return Finding(
        "boxes", True, f"{checked} boxes hold their pixels, tight wherever no later box reaches in ({overlapping} have one that does)"
    )


def colours(stored: Stored) -> Finding:
    """The middle colour of an object's pixels is the one it is said to have."""
    wrong, count, first = 0, 0, ""
    for table in TABLES:
        images = stored.arrays[f"{table}/img"]
        for row, objects, mask in _scenes(stored, table):
            for number, one in enumerate(objects, 1):
                if not np.any(mask == number):
                    # told by the check of boxes.
                    continue
                seen = colour_of(np.median(images[row][:, mask == number], axis=1))
                count += 1
                if seen != one[COLOUR]:
                    wrong += 1
                    first = (
                        first or f"{table}/objects[{row}, {number - 1}] is said to be {COLOURS[int(one[COLOUR])]} and looks {COLOURS[seen]}"
                    )
    share = 1 - wrong / max(count, 1)
    if share < FRONT_COLOURS_LEAST:
        return Finding("colours", False, f"{first}; {wrong} of {count} do")
    return Finding(
        "colours", True, f"{share:.2%} of {count} objects look the colour that they are said to have (thin ones are mixed with the ground)"
    )


def relations(stored: Stored) -> Finding:
    """The stored relation is the focus of the scene, recomputed from the boxes."""
    used = np.zeros(len(RELATIONS), dtype=int)
    for table in TABLES:
        for row, objects, _ in _scenes(stored, table):
            said, wanted = stored.arrays[f"{table}/relation"][row].tolist(), focus(objects[:, BOX].astype(np.float64))
            if wanted is None or tuple(said) != wanted:
                return Finding("relations", False, f"{table}/relation[{row}] is {said}; the boxes say {wanted and list(wanted)}")
            used[said[1]] += 1
    return Finding(
        "relations", True, "every relation is the boxes'; " + ", ".join(f"{name} {number}" for name, number in zip(RELATIONS, used))
    )


def drawings(stored: Stored) -> Finding:
    """Rows show drawings of their own split, and the noun that they are said to show; a scene has no noun twice."""
    noun_of, group_of, split_of = (np.asarray(stored.attributes[""][f"drawing_{what}"]) for what in ("nouns", "groups", "splits"))
    for table, split in TABLES.items():
        drawn, nouns = stored.arrays[f"{table}/drawing"], stored.arrays[f"{table}/objects"][..., NOUN]
        there = drawn >= 0
        if np.any(there != (nouns >= 0)) or np.any(noun_of[drawn[there]] != nouns[there]):
            return Finding("drawings", False, f"{table}/drawing does not show the nouns of {table}/objects; build the file again")
        if np.any(split_of[drawn[there]] != split):
            return Finding(
                "drawings", False, f"{table}/drawing counts drawings of the other split; {np.sum(split_of[drawn[there]] != split)} do"
            )
        ordered = np.sort(np.where(there, nouns, -1 - np.arange(nouns.shape[1])), axis=1)
        if np.any(ordered[:, 1:] == ordered[:, :-1]):
            return Finding("drawings", False, f"a scene of {table} shows one noun twice; captions could not tell them apart")
    drawn = stored.arrays["singles/drawing"]
    for name, wanted in (("noun", noun_of), ("split", split_of), ("group", group_of)):
        if np.any(stored.arrays[f"singles/{name}"] != wanted[drawn]):
            return Finding("drawings", False, f"singles/{name} is not that of its drawing; build the file again")
    fewest = min(np.sum((noun_of == noun) & (split_of == split)) for noun in range(noun_of.max() + 1) for split in TABLES.values())
    told = (
        f"{len(noun_of)} of {noun_of.max() + 1} nouns, {np.sum(split_of == TRAIN)} for training; a noun has {fewest} at least in each split"
    )
    return Finding("drawings", bool(fewest >= 1), told)


def leakage(stored: Stored) -> Finding:
    """No test drawing is like one of training."""
    places, splits = list(stored.attributes[""]["drawings"]), np.asarray(stored.attributes[""]["drawing_splits"])
    best = nearest(read_drawings(wheel_folder(), [Entry("", place, int(split)) for place, split in zip(places, splits)]), splits)
    if best >= GROUP:
        return Finding("leakage", False, f"a test drawing is {best:.3f} like one of training; {GROUP} is too much; move one in nouns.txt")
    return Finding("leakage", True, f"most alike drawings of different splits: {best:.3f}, below {GROUP}")


def repetition(stored: Stored) -> Finding:
    """No two scenes are one and the same, whatever their table."""
    seen: dict[bytes, str] = {}
    for table in TABLES:
        for row, image in enumerate(stored.arrays[f"{table}/img"]):
            before = seen.setdefault(image.tobytes(), f"{table}/img[{row}]")
            if before != f"{table}/img[{row}]":
                return Finding("repetition", False, f"{table}/img[{row}] equals {before}")
    return Finding("repetition", True, f"{len(seen)} scenes, all different")


def _scenes(stored: Stored, table: str) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Each row with its objects alone, float32 [n, 7], and its mask."""
    for row, (objects, mask) in enumerate(zip(stored.arrays[f"{table}/objects"], stored.arrays[f"{table}/mask"])):
        yield row, objects[objects[:, NOUN] >= 0], mask


def _overlap(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.all(np.maximum(first[:2], second[:2]) < np.minimum(first[2:], second[2:])))
