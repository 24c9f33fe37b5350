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
    notebook["metadata"]["widgets"] = {"state": "x" * 2_000_000}
    cells[0]["attachments"] = {"a.png": {"image/png": "A" * 2_000_000}}
    path.write_text(json.dumps(notebook))
