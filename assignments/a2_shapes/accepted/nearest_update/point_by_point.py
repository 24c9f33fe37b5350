"""Goes through the block point by point."""


def nearest_update(best, index, first, block, start):
    best, index = best.clone(), index.clone()
    for number in range(block.shape[2]):
        away = (first - block[:, :, number : number + 1]).pow(2).sum(1)
        closer = away < best
        best[closer] = away[closer]
        index[closer] = start + number
    return best, index
