import os

for path in ("data", "up"):
    try:
        print(os.listdir(path))
    except OSError as error:
        print(error)
