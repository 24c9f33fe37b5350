import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(notebook, indent=1).replace("\n", "\r\n").encode())
