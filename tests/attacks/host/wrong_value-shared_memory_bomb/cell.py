try:
    with open("/dev/shm/@@SURVIVOR@@bomb", "wb") as file:
        for _ in range(256):
            file.write(bytes(4 << 20))
    print("a whole gigabyte")
except OSError as error:
    print(error)
