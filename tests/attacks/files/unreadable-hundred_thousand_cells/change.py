def change(notebook, find):
    notebook["cells"] += [{"cell_type": "code", "execution_count": None, "id": f"c{n}", "metadata": {}, "outputs": [], "source": "1"} for n in range(100_000)]
