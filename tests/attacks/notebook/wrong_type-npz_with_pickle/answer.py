import io

import numpy as np


class Bomb:
    def __reduce__(self):
        return print, ("opened",)


def centre(logits):
    file = io.BytesIO()
    np.savez(file, np.array([Bomb()], dtype=object))
    return np.load(io.BytesIO(file.getvalue()), allow_pickle=True)
