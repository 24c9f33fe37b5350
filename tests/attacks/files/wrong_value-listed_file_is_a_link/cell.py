try:
    print(open("notes.txt").read())
except OSError as error:
    print(error)
