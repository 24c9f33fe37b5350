def change(notebook, find):
    text = "# <script>vislab_attack()</script>\n[link](javascript:vislab_attack())\n<img src=x onerror=vislab_attack()>\n"
    notebook["cells"].insert(0, {"cell_type": "markdown", "id": "evil", "metadata": {}, "source": text})
    notebook["metadata"]["title"] = "<script>vislab_attack()</script>"
