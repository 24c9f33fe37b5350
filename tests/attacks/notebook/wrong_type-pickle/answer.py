import os


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/@@SURVIVOR@@pickle",)


def centre(logits):
    return Bomb()
