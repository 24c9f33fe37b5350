def change(notebook, find):
    check = find("check", "range.centre")
    check["metadata"]["vislab"]["check"] = "range.double"
    check["source"] = "check('range.double', double)"
