import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    cells = notebook["cells"]

    def told(cell):
        return cell["metadata"].get("vislab", {})

    check = next(cell for cell in cells if told(cell).get("check") == "range.centre")
    answer = next(cell for cell in cells if told(cell).get("exercise") == "range.centre")
    other = next(cell for cell in cells if told(cell).get("exercise") == "range.double")
    position = cells.index(check)
    cells.insert(position + 1, {**check, "source": "del centre"})
    check["source"] = "check = print"
    path.write_text(json.dumps(notebook))
