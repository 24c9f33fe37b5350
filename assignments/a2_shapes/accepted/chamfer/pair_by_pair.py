"""Loops over the batch and picks the points that count."""

import torch


def chamfer(first, second, first_mask, second_mask):
    answers = []
    for a, b, keep_a, keep_b in zip(first, second, first_mask, second_mask):
        a, b = a[:, keep_a], b[:, keep_b]
        if a.shape[1] == 0 or b.shape[1] == 0:
            answers.append((first[:1] * 0).nan_to_num().sum())
            continue
        table = ((a[:, :, None] - b[:, None, :]) ** 2).sum(0)
        answers.append(table.min(1).values.mean() + table.min(0).values.mean())
    return torch.stack(answers) if answers else first.sum(dim=(1, 2))
