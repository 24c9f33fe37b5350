import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    notebook["nbformat"], notebook["nbformat_minor"], notebook["grade"] = 99, 1, {"points": 500}
    path.write_text(json.dumps(notebook))
