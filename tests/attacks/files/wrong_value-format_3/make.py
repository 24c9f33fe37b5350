import nbformat


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = nbformat.read(path, as_version=4)
    path.write_text(nbformat.writes(nbformat.convert(notebook, 3)))
