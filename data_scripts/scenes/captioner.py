"""What writes: a recurrent net that looks at one cell after the other while it writes, and its twin that sees the mean of all cells.

Source: Xu and others, "Show, attend and tell", 2015, sections 3.1 and 4.2 (soft attention), without the gate and the penalty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data_scripts.scenes.grammar import BEGIN, END, PAD, TOKENS

CELLS_A_SIDE = 8
WIDTH, WORD_WIDTH, SCORE_WIDTH = 128, 64, 64
BATCH = 64
BATCHES_AT_ONCE = 8
LEARNING_RATE = 4e-3


class Captioner(nn.Module):
    """Cells and words so far to the next word.

    Args:
        words: size of the vocabulary.
        channels: of a cell.
        attends: whether it weighs the cells anew for every word; its twin weighs them equally, and is the same in everything else.
    """

    def __init__(self, words: int, channels: int, attends: bool) -> None:
        super().__init__()
        self.attends = attends
        line = torch.linspace(-1, 1, CELLS_A_SIDE)
        place = torch.stack([line.repeat(CELLS_A_SIDE), line.repeat_interleave(CELLS_A_SIDE)], dim=1)
        self.place: Tensor
        # the encoder is blind to where it looks; squares and the product let a mean over cells know it, too.
        self.register_buffer("place", torch.cat([place, place**2, place.prod(1, keepdim=True)], dim=1))  # [cells, 5]
        self.cell = nn.Sequential(nn.Linear(channels + 5, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU())
        self.word = nn.Embedding(words, WORD_WIDTH)
        self.start = nn.Linear(WIDTH, 2 * WIDTH)
        self.step = nn.LSTMCell(WORD_WIDTH + WIDTH, WIDTH)
        self.out = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * WIDTH + WORD_WIDTH, words))
        if attends:
            self.from_cell, self.from_state = nn.Linear(WIDTH, SCORE_WIDTH), nn.Linear(WIDTH, SCORE_WIDTH, bias=False)
            self.score = nn.Linear(SCORE_WIDTH, 1, bias=False)

    def forward(self, cells: Tensor, tokens: Tensor) -> Tensor:
        """Return the logits of every next word, each word before it given.

        Shapes: float32 [B, 64, C] and int64 [B, T] to [B, T, words].
        """
        seen, state, keys = self._begin(cells)
        logits = []
        for place in range(tokens.shape[1]):
            out, state, _ = self._next(seen, keys, state, tokens[:, place])
            logits.append(out)
        return torch.stack(logits, dim=1)

    @torch.no_grad()
    def write(self, cells: Tensor, most: int = TOKENS) -> tuple[Tensor, Tensor]:
        """Return the likeliest next word, again and again, and where the net looked for each.

        Returns:
            int64 [B, most - 1] words, end and padding after it; float32 [B, most - 1, 64] weights of the cells.
        """
        seen, state, keys = self._begin(cells)
        token = torch.full((len(cells),), BEGIN)
        over = torch.zeros(len(cells), dtype=torch.bool)
        words, looks = [], []
        for _ in range(most - 1):
            out, state, look = self._next(seen, keys, state, token)
            token = out.argmax(1).masked_fill(over, PAD)
            over = over | (token == END)
            words.append(token)
            looks.append(look)
        return torch.stack(words, dim=1), torch.stack(looks, dim=1)

    def _begin(self, cells: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor | None]:
        seen = self.cell(torch.cat([cells, self.place.expand(len(cells), -1, -1)], dim=2))
        hidden, memory = self.start(seen.mean(1)).tanh().chunk(2, dim=1)
        return seen, (hidden, memory), self.from_cell(seen) if self.attends else None

    def _next(
        self, seen: Tensor, keys: Tensor | None, state: tuple[Tensor, Tensor], token: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
        if keys is None:
            look = torch.full(seen.shape[:2], 1 / seen.shape[1])
        else:
            look = self.score(torch.tanh(keys + self.from_state(state[0])[:, None]))[..., 0].softmax(1)
        glimpse = torch.einsum("bc,bcd->bd", look, seen)
        word = self.word(token)
        state = self.step(torch.cat([word, glimpse], dim=1), state)
        return self.out(torch.cat([state[0], glimpse, word], dim=1)), state, look


@dataclass(frozen=True)
class Lessons:
    """What a captioner learns from: ``cells`` float32 [n, 64, C] and ``tokens`` uint8 [n, 5, 24]."""

    cells: Tensor
    tokens: Tensor


def trained_captioner(
    lessons: Lessons, words: int, attends: bool, seed: int, steps: int, step: Callable[[str], None], size: int = BATCH
) -> Captioner:
    """Return a captioner after ``steps`` batches; every scene comes with one of its references at random.

    Args:
        lessons: scenes and references.
        words: size of the vocabulary.
        attends: see :class:`Captioner`.
        seed: decides weights and batches; the same for both twins.
        steps: how many batches.
        step: called with a line after each batch.
        size: of a batch.

    Randomness: the global generator is seeded inside, and put back.
    """
    draws = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Captioner(words, lessons.cells.shape[2], attends)
        optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps + 1)
        waiting: list[tuple[Tensor, Tensor]] = []
        for number in range(steps):
            if not waiting:
                waiting = _batches(lessons, size, draws)
            batch, tokens = waiting.pop()
            logits = net(lessons.cells[batch], tokens[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=PAD)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            step(f"loss {loss.item():.3f}" if number % 20 == 0 else "")
    return net.eval()


def _batches(lessons: Lessons, size: int, draws: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    """Return some batches of scenes and references of like lengths, in random order: short ones need fewer steps."""
    batch = torch.randint(len(lessons.cells), (BATCHES_AT_ONCE * size,), generator=draws)
    tokens = lessons.tokens[batch, torch.randint(lessons.tokens.shape[1], (len(batch),), generator=draws)].long()
    length = (tokens != PAD).sum(1)
    pieces = torch.argsort(length, stable=True).split(size)
    return [(batch[pieces[at]], tokens[pieces[at], : int(length[pieces[at]].max())]) for at in torch.randperm(len(pieces), generator=draws)]
