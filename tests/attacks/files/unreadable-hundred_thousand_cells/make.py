import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"] += [{"cell_type": "code", "execution_count": None, "id": f"c{n}", "metadata": {}, "outputs": [], "source": "1"} for n in range(100_000)]
    path.write_text(json.dumps(notebook))
