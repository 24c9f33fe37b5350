import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    cells = notebook["cells"]
    notebook["nbformat_minor"] = 4
    if 4 < 5:
        for cell in cells:
            cell.pop("id", None)
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1))
