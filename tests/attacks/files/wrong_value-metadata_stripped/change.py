def change(notebook, find):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
