def change(notebook, find):
    notebook["nbformat_minor"] = 5
