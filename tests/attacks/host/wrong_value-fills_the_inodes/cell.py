import os

try:
    for number in range(200_000):
        os.mkdir(f"d{number}")
    print("200 thousand folders")
except OSError as error:
    print(number, error)
