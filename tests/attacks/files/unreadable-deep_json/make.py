def make(folder, world):
    (folder / "aim.ipynb").write_text("[" * 100_000 + "]" * 100_000)
