"""What the scenes teach: a captioner that looks where it names writes truer sentences than one that sees the mean of all there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data_scripts.builder import Progress, Stored
from data_scripts.scenes.bleu import bleu
from data_scripts.scenes.captioner import CELLS_A_SIDE, Captioner, Lessons, trained_captioner
from data_scripts.scenes.catalogue import TEST, TRAIN
from data_scripts.scenes.encoder import STRIDE_PX, cells, single_accuracy, trained_encoder
from data_scripts.scenes.grammar import Lexicon, lexicon, to_caption
from data_scripts.scenes.parser import mentions
from data_scripts.scenes.truth import BOX, Tally, object_row

ENCODER_STEPS, CAPTIONER_STEPS = 600, 600
# of the training scenes, the last ones are kept from the captioner: new scenes of known drawings.
KEPT = 0.1
NETS = {"attends": True, "mean-pooled": False}


@dataclass(frozen=True)
class Asked:
    """Scenes that captions are asked of: ``cells`` float32 [n, 64, C], ``captions`` str [n, 5], ``objects`` float32 [n, 4, 7]."""

    cells: Tensor
    captions: np.ndarray
    objects: np.ndarray


def lesson(
    stored: Stored, seed: int, progress: Progress, encoder_steps: int = ENCODER_STEPS, captioner_steps: int = CAPTIONER_STEPS
) -> dict[str, float]:
    """Train the encoder on singles, freeze it, train both captioners on what it sees; return what they write of scenes they never saw.

    Args:
        stored: the scenes' file.
        seed: decides all weights and batches.
        progress: shows stages.
        encoder_steps: batches of single icons.
        captioner_steps: batches of scenes, for each of the twins.

    Returns:
        Shares in percent, BLEU-4 in percent. ``known``: new scenes of drawings that training knows; ``test``: drawings that it never saw.
    """
    encoder = trained_encoder(stored, seed, encoder_steps, progress(f"encoder {seed}", encoder_steps))
    figures: dict[str, float] = {}
    for split, name in ((TRAIN, "known"), (TEST, "test")):
        for what, share in zip(("noun", "colour"), single_accuracy(encoder, stored, split)):
            figures[f"single {what} right, {name} %"] = 100 * share
    scenes = {table: stored.arrays[f"{table}/img"] for table in ("train", "test")}
    step = progress(f"cells {seed}", sum(-(-len(images) // 250) for images in scenes.values()))
    seen = {table: cells(encoder, images, step) for table, images in scenes.items()}
    kept = max(1, round(KEPT * len(seen["train"])))
    lessons = Lessons(seen["train"][:-kept], torch.from_numpy(stored.arrays["train/tokens"][:-kept]))
    asked = {
        "known": Asked(seen["train"][-kept:], *(stored.arrays[f"train/{name}"][-kept:] for name in ("captions", "objects"))),
        "test": Asked(seen["test"], *(stored.arrays[f"test/{name}"] for name in ("captions", "objects"))),
    }
    known, vocabulary = lexicon(list(stored.attributes[""]["nouns"])), list(stored.attributes[""]["vocabulary"])
    for name, of in asked.items():
        figures[f"one reference against the others, {name}: BLEU-4 %"] = 100 * bleu(list(of.captions[:, 0]), of.captions[:, 1:].tolist())
    for net, attends in NETS.items():
        captioner = trained_captioner(lessons, len(vocabulary), attends, seed, captioner_steps, progress(f"{net} {seed}", captioner_steps))
        for name, of in asked.items():
            for what, value in scored(captioner, of, known, vocabulary).items():
                figures[f"{net}, {name}: {what}"] = value
    return figures


def scored(captioner: Captioner, asked: Asked, known: Lexicon, vocabulary: Sequence[str]) -> dict[str, float]:
    """Return how well a captioner writes of scenes, and where it looks, in percent.

    Args:
        captioner: trained.
        asked: the scenes.
        known: the words' meanings.
        vocabulary: the word of each token.
    """
    parts = [captioner.write(part) for part in asked.cells.split(250)]
    tokens, looks = (torch.cat([part[place] for part in parts]).numpy() for place in (0, 1))
    texts = [to_caption(line, vocabulary) for line in tokens.tolist()]
    tally = Tally()
    for text, objects in zip(texts, asked.objects):
        tally.add(text, objects, known)
    found = {"BLEU-4 %": 100 * bleu(texts, asked.captions.tolist())}
    found |= {f"{name} %": 100 * share for name, share in tally.shares().items()}
    if captioner.attends:
        found |= {f"{name} %": 100 * share for name, share in pointing(texts, looks, asked.objects, known).items()}
    return found


def pointing(texts: Sequence[str], looks: np.ndarray, objects: np.ndarray, known: Lexicon) -> dict[str, float]:
    """Return how often the cell with the largest weight lies in the box of the noun that is being named.

    Args:
        texts: captions, the word at place k written after looking as ``looks[:, k]``.
        looks: float32 [n, T, 64].
        objects: float32 [n, 4, 7].
        known: the words' meanings.

    Returns:
        Shares over all nouns that are there: ``looks into the box``; ``any cell`` is the share of cells in the box, what a look anywhere
        gives; ``another scene's look`` is what the same look gives in the next scene, so a habit of looking at the middle gains nothing.
    """
    hits: list[tuple[bool, float, bool]] = []
    for row, text in enumerate(texts):
        for mention in mentions(text, known):
            there = object_row(mention, objects[row])
            if there is None:
                continue
            inside = cells_in(objects[row, there, BOX])
            other = looks[(row + 1) % len(looks), mention.at]
            hits.append((bool(inside[looks[row, mention.at].argmax()]), float(inside.mean()), bool(inside[other.argmax()])))
    shares = np.array(hits, dtype=np.float64).reshape(-1, 3).mean(axis=0) if hits else np.zeros(3)
    return dict(zip(("looks into the box", "any cell", "another scene's look"), shares.tolist()))


def cells_in(box: np.ndarray) -> np.ndarray:
    """Return which cells have their centre in a box x0, y0, x1, y1, bool [64], row by row."""
    centre = (np.arange(CELLS_A_SIDE) + 0.5) * STRIDE_PX
    across, down = (centre >= box[0]) & (centre < box[2]), (centre >= box[1]) & (centre < box[3])
    return (down[:, None] & across[None]).ravel()
