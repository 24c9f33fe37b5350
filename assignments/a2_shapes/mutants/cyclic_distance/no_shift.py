"""Compares vertex with vertex, and shifts nothing."""


def cyclic_distance(first, second):
    return (first - second).square().sum(dim=1).mean(dim=1)
