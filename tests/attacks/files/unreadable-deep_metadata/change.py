import json


def change(notebook, find):
    notebook["metadata"]["deep"] = json.loads("[" * 200 + "]" * 200)
