def change(notebook, find):
    cells = notebook["cells"]
    position = next(n for n, cell in enumerate(cells) if cell["metadata"].get("vislab", {}).get("exercise") == "range.centre")
    cells.insert(position, {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "id": "mine", "source": "import math\n\nCOLUMN_ZERO = 0"})
