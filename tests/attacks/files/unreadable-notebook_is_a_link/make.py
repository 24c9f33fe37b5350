def make(folder, world):
    (folder / "aim.ipynb").unlink()
    (folder / "aim.ipynb").symlink_to(world.words["OTHER"])
