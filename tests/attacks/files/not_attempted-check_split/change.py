def change(notebook, find):
    cells = notebook["cells"]
    check = find("check", "range.centre")
    position = cells.index(check)
    cells.insert(position + 1, {**check, "source": "del centre"})
    check["source"] = "check = print"
