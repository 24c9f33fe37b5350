def change(notebook, find):
    check = find("check", "range.centre")
    notebook["cells"].append({**check, "source": "check('range.centre', lambda logits: logits.mean(dim=1))"})
