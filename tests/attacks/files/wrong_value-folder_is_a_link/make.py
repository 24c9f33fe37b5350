def make(folder, world):
    (folder / "data").symlink_to(world.words["REFERENCES"])
    (folder / "up").symlink_to("../../..")
