def change(notebook, find):
    notebook["metadata"]["widgets"] = {"state": "x" * 2_000_000}
    notebook["cells"][0]["attachments"] = {"a.png": {"image/png": "A" * 2_000_000}}
