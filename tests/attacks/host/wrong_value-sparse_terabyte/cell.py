for path in ("sparse", "/dev/shm/sparse", "/tmp/sparse"):
    try:
        with open(path, "wb") as file:
            file.truncate(1 << 40)
        print(path, "a terabyte")
    except OSError as error:
        print(path, error)
