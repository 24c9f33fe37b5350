def change(notebook, find):
    cells = notebook["cells"]
    check = find("check", "range.centre")
    cells.remove(check)
    cells.insert(0, check)
