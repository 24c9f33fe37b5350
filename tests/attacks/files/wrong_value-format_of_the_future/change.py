def change(notebook, find):
    notebook["nbformat"], notebook["nbformat_minor"], notebook["grade"] = 99, 1, {"points": 500}
