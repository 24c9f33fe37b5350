import os


def double(logits):
    os._exit(1)
