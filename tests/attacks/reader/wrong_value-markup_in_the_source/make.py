import json


def make(folder, world):
    path = folder / "aim.ipynb"
    notebook = json.loads(path.read_text())
    text = "# <script>vislab_attack()</script>\n[link](javascript:vislab_attack())\n<img src=x onerror=vislab_attack()>\n"
    notebook["cells"].insert(0, {"cell_type": "markdown", "id": "evil", "metadata": {}, "source": text})
    notebook["metadata"]["title"] = "<script>vislab_attack()</script>"
    path.write_text(json.dumps(notebook))
