def change(notebook, find):
    cells = notebook["cells"]
    second = [cell for cell in cells if "range.double" in (cell["metadata"].get("vislab", {}).get("exercise"), cell["metadata"].get("vislab", {}).get("check"))]
    for cell in second:
        cells.remove(cell)
    position = next(n for n, cell in enumerate(cells) if cell["metadata"].get("vislab", {}).get("exercise"))
    cells[position:position] = second
