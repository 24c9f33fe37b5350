def change(notebook, find):
    notebook["nbformat_minor"] = 3
    for cell in notebook["cells"]:
        cell.pop("id", None)
