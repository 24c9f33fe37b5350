def change(notebook, find):
    notebook["metadata"] = {"kernelspec": {"display_name": ".venv", "language": "python", "name": "python3"}, "language_info": {"codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "name": "python", "version": "3.12.1"}}
    for cell in notebook["cells"]:
        cell["metadata"] = {**{k: v for k, v in cell["metadata"].items() if k in ("nbgrader", "vislab")}, "vscode": {"languageId": "python"}}
        cell["source"] = cell["source"].splitlines(keepends=True) if isinstance(cell["source"], str) else cell["source"]
