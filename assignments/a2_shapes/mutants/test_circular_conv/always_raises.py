"""Fails whatever it is given: it fails right ones, too."""


def test_circular_conv(impl):
    raise AssertionError("this implementation is wrong")
