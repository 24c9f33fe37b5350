import os

import numpy as np


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/@@SURVIVOR@@array",)


def centre(logits):
    return np.array([Bomb()] * len(logits), dtype=object)
