import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    cells = notebook["cells"]
    notebook["metadata"] = {"kernelspec": {"display_name": ".venv", "language": "python", "name": "python3"}, "language_info": {"codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "name": "python", "version": "3.12.1"}}
    for cell in cells:
        cell["metadata"] = {**{k: v for k, v in cell["metadata"].items() if k in ("nbgrader", "vislab")}, "vscode": {"languageId": "python"}}
        cell["source"] = cell["source"].splitlines(keepends=True) if isinstance(cell["source"], str) else cell["source"]
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1))
