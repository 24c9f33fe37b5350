import os


def make(folder, world):
    (folder / "aim.ipynb").unlink()
    os.mkfifo(folder / "aim.ipynb")
