import os
import time

for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(3, 200):
                try:
                    os.close(number)
                except OSError:
                    pass
            time.sleep(600)
        os._exit(0)
    os.wait()
