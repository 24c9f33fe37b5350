def make(folder, world):
    path = folder / "aim.ipynb"
    path.write_bytes(path.read_bytes().replace(b"# Aim", b"# Aim \xff\xfe\xc3\x28", 1))
