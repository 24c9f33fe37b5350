def change(notebook, find):
    answer = find("exercise", "range.centre")
    other = find("exercise", "range.double")
    answer["metadata"], other["metadata"] = other["metadata"], answer["metadata"]
    answer["id"], other["id"] = other.get("id"), answer.get("id")
