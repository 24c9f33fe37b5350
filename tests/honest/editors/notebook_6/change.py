def change(notebook, find):
    notebook["nbformat_minor"] = 4
    notebook["metadata"]["toc"] = {"base_numbering": 1}
    for cell in notebook["cells"]:
        cell.pop("id", None)
