def make(folder, world):
    (folder / "aim.ipynb").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
