import os
import time

children = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        children += 1
    print("200 processes")
except OSError as error:
    print(children, error)
