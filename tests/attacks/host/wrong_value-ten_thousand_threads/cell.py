import threading

gate = threading.Event()
started = 0
try:
    for _ in range(10_000):
        threading.Thread(target=gate.wait, daemon=True).start()
        started += 1
    print("ten thousand threads")
except RuntimeError as error:
    print(started, error)
gate.set()
