def change(notebook, find):
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "error", "ename": "NameError", "evalue": "name 'centre' is not defined", "traceback": ["\x1b[31mNameError\x1b[0m"]}]
