import os
import socket


def make(folder, world):
    os.mkfifo(folder / "notes.txt")
    os.mkfifo(folder / "sample.ipynb")
    # the path of a socket is short: bound from inside the folder.
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind("s")
    finally:
        os.fchdir(here)
        os.close(here)
