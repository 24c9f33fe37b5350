def make(folder, world):
    (folder / "AIM.IPYNB").write_bytes((folder / "aim.ipynb").read_bytes())
