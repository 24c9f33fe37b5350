import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    cells = notebook["cells"]
    for cell in cells:
        cell["metadata"] |= {"execution": {"iopub.execute_input": "2026-11-25T10:00:00.000Z"}, "jp-MarkdownHeadingCollapsed": True, "editable": True, "slideshow": {"slide_type": ""}, "scrolled": True}
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2, "version_minor": 0}}
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1))
