import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    cells = notebook["cells"]
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "error", "ename": "NameError", "evalue": "name 'centre' is not defined", "traceback": ["\x1b[31mNameError\x1b[0m"]}]
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1))
