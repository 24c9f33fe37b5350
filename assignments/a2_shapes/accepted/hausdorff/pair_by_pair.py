"""Loops over the batch, with torch's own table of distances."""

import torch


def hausdorff(first, second, first_mask, second_mask):
    there, back = [], []
    for a, b, keep_a, keep_b in zip(first, second, first_mask, second_mask):
        a, b = a[:, keep_a].mT, b[:, keep_b].mT
        if len(a) == 0 or len(b) == 0:
            there.append(first.new_zeros(()))
            back.append(first.new_zeros(()))
            continue
        table = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
        there.append(table.min(dim=1).values.max())
        back.append(table.min(dim=0).values.max())
    empty = first.new_zeros(0)
    return (torch.stack(there) if there else empty), (torch.stack(back) if back else empty)
