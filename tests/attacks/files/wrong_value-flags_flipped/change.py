def change(notebook, find):
    check = find("check", "range.centre")
    answer = find("exercise", "range.centre")
    check["metadata"]["nbgrader"] |= {"points": 500, "grade": False, "solution": True, "locked": False}
    answer["metadata"]["nbgrader"] |= {"points": 500, "grade": True}
