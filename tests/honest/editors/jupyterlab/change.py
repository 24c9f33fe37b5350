def change(notebook, find):
    for cell in notebook["cells"]:
        cell["metadata"] |= {"execution": {"iopub.execute_input": "2026-11-25T10:00:00.000Z"}, "jp-MarkdownHeadingCollapsed": True, "editable": True, "slideshow": {"slide_type": ""}, "scrolled": True}
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2, "version_minor": 0}}
