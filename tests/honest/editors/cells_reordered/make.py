import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    cells = notebook["cells"]
    second = [cell for cell in cells if "range.double" in (cell["metadata"].get("vislab", {}).get("exercise"), cell["metadata"].get("vislab", {}).get("check"))]
    for cell in second:
        cells.remove(cell)
    position = next(n for n, cell in enumerate(cells) if cell["metadata"].get("vislab", {}).get("exercise"))
    cells[position:position] = second
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1))
