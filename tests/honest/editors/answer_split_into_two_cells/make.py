import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    cells = notebook["cells"]
    position = next(n for n, cell in enumerate(cells) if cell["metadata"].get("vislab", {}).get("exercise") == "range.centre")
    cells.insert(position, {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "id": "mine", "source": "import math\n\nCOLUMN_ZERO = 0"})
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1))
