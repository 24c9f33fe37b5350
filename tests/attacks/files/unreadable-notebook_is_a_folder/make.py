def make(folder, world):
    content = (folder / "aim.ipynb").read_bytes()
    (folder / "aim.ipynb").unlink()
    (folder / "aim.ipynb").mkdir()
    (folder / "aim.ipynb" / "inside.txt").write_bytes(content)
