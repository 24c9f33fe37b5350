"""Starts the second polygon at the vertex nearest to the first one's first."""


def cyclic_distance_loop(first, second):
    shift = int((second - first[:, :1]).square().sum(dim=0).argmin())
    return (first - second.roll(-shift, dims=1)).square().sum(dim=0).mean()
