def change(notebook, find):
    check = find("check", "range.centre")
    notebook["cells"].remove(check)
