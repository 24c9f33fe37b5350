def change(notebook, find):
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["vislab-skip", "skip-execution", "raises-exception", "remove-cell"]
