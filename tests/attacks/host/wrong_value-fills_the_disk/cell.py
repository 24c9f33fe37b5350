import os

block = os.urandom(1 << 20)
written = 0
try:
    for number in range(1024):
        with open(f"fill{number}", "wb") as file:
            written += file.write(block)
    print("a whole gigabyte")
except OSError as error:
    print(written >> 20, "MiB", error)
