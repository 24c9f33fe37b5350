def make(folder, world):
    (folder / "notes.txt").symlink_to(world.words["SECRET_FILE"])
