import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    cells = notebook["cells"]
    path.unlink()
    path = folder / "aim (1).ipynb"
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1))
