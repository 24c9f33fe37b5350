"""The lesson on ``scenes``: where a look counts as right, and that a captioner that attends learns what its twin does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from data_scripts.builder import Progress, Stored
from data_scripts.discovery import builders
from data_scripts.production import read, write
from data_scripts.scenes.captioner import Captioner, Lessons, trained_captioner
from data_scripts.scenes.catalogue import catalogue, read_table
from data_scripts.scenes.encoder import Encoder, off_ground, scaled
from data_scripts.scenes.example import scene
from data_scripts.scenes.grammar import END, PAD, lexicon
from data_scripts.scenes.lesson import Asked, cells_in, lesson, pointing, scored
from data_scripts.scenes.picture import Sprites
from data_scripts.scenes.verification import findings

NOUNS = ("car", "cup")
WORDS = lexicon(NOUNS)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Nets this small lose more by waiting for each other's threads than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_cell_is_in_a_box_when_its_centre_is() -> None:
    assert cells_in(np.array([0, 0, 64, 64])).all() and not cells_in(np.array([5, 5, 12, 12])).any()
    # centres at 4, 12, 20 ...: one column of cells, two rows.
    assert np.flatnonzero(cells_in(np.array([4, 12, 12, 28]))).tolist() == [8, 16]


def test_looks_count_where_a_noun_is_named_that_is_there() -> None:
    objects = np.full((2, 4, 7), -1, dtype=np.float32)
    objects[0, 0], objects[0, 1] = (1, 0, 0, 0, 0, 16, 16), (0, 4, 0, 32, 32, 64, 64)
    objects[1, 0], objects[1, 1] = (1, 0, 0, 48, 48, 64, 64), (0, 4, 0, 0, 0, 32, 32)
    texts = ["a red cup above a blue car", "a red cup below a blue car"]
    looks = np.full((2, 8, 64), 1 / 64, dtype=np.float32)
    # the words cup and car are the third and the seventh; where the net looks for other words is of no matter.
    for row, word, cell in ((0, 2, 0), (0, 6, 63), (1, 2, 0), (1, 6, 9), (0, 0, 5)):
        looks[row, word, cell] = 1
    shares = pointing(texts, looks, objects, WORDS)
    # the second scene's cup is not in the first cell. The boxes have 4, 16, 4 and 16 cells of 64.
    assert shares["looks into the box"] == 3 / 4
    assert shares["any cell"] == pytest.approx(40 / 4 / 64)
    # each scene with the other one's looks: only the first one's cup is in the cell that the second one looks at.
    assert shares["another scene's look"] == 1 / 4
    assert set(pointing(["a red moon"], looks[:1], objects[:1], WORDS).values()) == {0.0}


def test_the_ground_is_told_from_what_stands_on_it() -> None:
    picture = torch.full((1, 3, 8, 8), 0.5)
    picture[0, 1, 2, 3] = -0.25
    seen = off_ground(picture)
    assert seen.shape == (1, 4, 8, 8) and torch.equal(seen[:, 1:], picture)
    assert seen[0, 0, 2, 3] == 0.75 and seen[0, 0].count_nonzero() == 1


def test_twins_differ_in_attention_alone() -> None:
    both = [Captioner(12, 6, attends) for attends in (True, False)]
    names = [set(net.state_dict()) for net in both]
    assert names[1] < names[0] and {name.split(".")[0] for name in names[0] - names[1]} == {"from_cell", "from_state", "score"}
    cells = torch.rand(3, 64, 6, generator=torch.Generator().manual_seed(0))
    for net, attends in zip(both, (True, False)):
        words, looks = net.eval().write(cells, most=9)
        assert words.shape == (3, 8) and looks.shape == (3, 8, 64)
        torch.testing.assert_close(looks.sum(2), torch.ones(3, 8))
        assert attends or torch.equal(looks, torch.full_like(looks, 1 / 64))
        # what it writes one by one is what it gives the largest logit with all words before it given.
        before = torch.cat([torch.ones(3, 1, dtype=torch.int64), words[:, :-1]], dim=1)
        again = net(cells, before).argmax(2)
        over = (words == END).cumsum(1).cumsum(1) > 1
        assert torch.equal(again.masked_fill(over, PAD), words)


def told(wheel: Path, count: int) -> tuple[Asked, Tensor]:
    """Scenes as an encoder without a fault would see them: noun and colour of the object in front in each cell; and their tokens."""
    known, sprites = catalogue(wheel, read_table()), Sprites()
    rows = [scene(known, sprites, "train", 0, row) for row in range(count)]
    cells = torch.zeros(count, 8, 8, 32)
    for number, row in enumerate(rows):
        blocks = row["mask"].reshape(8, 8, 8, 8).transpose(0, 2, 1, 3).reshape(8, 8, 64)
        for place, (noun, colour, *_) in enumerate(row["objects"], 1):
            there = torch.from_numpy((blocks == place).sum(2) > 12)
            cells[number, there, int(noun)] = 1
            cells[number, there, 24 + int(colour)] = 1
    asked = Asked(cells.flatten(1, 2), np.stack([row["captions"] for row in rows]), np.stack([row["objects"] for row in rows]))
    return asked, torch.from_numpy(np.stack([row["tokens"] for row in rows]))


def test_a_captioner_learns_a_handful_by_heart(wheel: Path) -> None:
    """Cells that say what is there stand in for the encoder, so that the captioner alone is asked."""
    asked, tokens = told(wheel, 4)
    known = lexicon(list(dict.fromkeys(entry.noun for entry in read_table())))
    one = Lessons(asked.cells, tokens[:, :1])
    figures = {}
    for steps in (1, 90):
        net = trained_captioner(one, len(known.vocabulary), True, 0, steps, lambda line: None, size=8)
        figures[steps] = scored(net, asked, known, known.vocabulary)
    assert figures[1]["BLEU-4 %"] < 5 and figures[1]["all true %"] == 0, figures
    assert figures[90]["BLEU-4 %"] > 95 and figures[90]["all true %"] == 100, figures


def test_the_lesson_runs_and_is_decided_by_its_seed(wheel: Path, tmp_path: Path, progress: Progress) -> None:
    builder = builders()["scenes"]
    write(builder, tmp_path / "scenes.h5", builder.quick_count, 0, progress)
    stored = read(tmp_path / "scenes.h5")
    figures = [lesson(stored, seed, progress, encoder_steps=2, captioner_steps=2) for seed in (0, 0, 1)]
    assert figures[0] == figures[1] != figures[2]
    for net in ("attends", "mean-pooled"):
        for name in ("known", "test"):
            wanted = ("BLEU-4", "named object there", "colour right", "relation right")
            assert {f"{net}, {name}: {what} %" for what in wanted} <= set(figures[0])
    assert "attends, test: looks into the box %" in figures[0] and "mean-pooled, test: looks into the box %" not in figures[0]
    assert all(0 <= value <= 100 for value in figures[0].values())


def test_an_encoder_is_asked_with_what_files_hold() -> None:
    net = Encoder(24, 8).eval()
    pictures = scaled(np.zeros((2, 3, 64, 64), dtype=np.uint8))
    assert pictures.dtype == torch.float32 and net(pictures).shape == (2, 96, 8, 8)
    assert [tuple(logits.shape) for logits in net.named(pictures[..., :32, :32])] == [(2, 24), (2, 8)]


@pytest.mark.slow
def test_the_margin_on_the_default_file(wheel: Path, tmp_path: Path, progress: Progress) -> None:
    builder = builders()["scenes"]
    write(builder, tmp_path / "scenes.h5", builder.count, builder.seed, progress)
    stored: Stored = read(tmp_path / "scenes.h5")
    assert [finding for finding in findings(stored) if not finding.ok] == []
    assert builder.lesson is not None
    figures = builder.lesson(stored, 0, progress)
    for name in ("known", "test"):
        look, twin = f"attends, {name}: ", f"mean-pooled, {name}: "
        assert figures[look + "looks into the box %"] > 3 * figures[look + "any cell %"], figures
        assert figures[look + "looks into the box %"] > 2 * figures[look + "another scene's look %"], figures
        for what in ("BLEU-4 %", "named object there %", "colour right %"):
            assert figures[look + what] > figures[twin + what] + 5, figures
