import os
import signal
import socket
import string
import sys

at = id(string.digits) + sys.getsizeof(string.digits) - 11
for target in sorted({os.getppid(), *range(1, 60), int("@@GRADER_PID@@")} - {0, os.getpid()}):
    try:
        memory = os.open(f"/proc/{target}/mem", os.O_RDWR)
        if os.pread(memory, 10, at) == string.digits.encode():
            os.pwrite(memory, b"9876543210", at)
        print("opened the memory of", target)
    except (OSError, OverflowError) as error:
        if target < 4:
            print(target, error)
    if target != 1:
        try:
            os.kill(target, signal.SIGUSR1)
            print("sent a signal to", target)
        except OSError:
            continue
if string.digits != "0123456789" or hasattr(string, "patched"):
    print("found a changed module")
string.patched = True
for line in open("/proc/self/maps"):
    if line.split()[1][1] == "w" and line.split()[1][3] == "s":
        print("shares memory with", line.split()[-1])
for folder in ("/run/judges", "/run/walls", "/run/kernel", "/tmp", "/dev/shm"):
    for name in os.listdir(folder) if os.access(folder, os.R_OK) else ():
        path = f"{folder}/{name}"
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(2)
                sock.connect(path)
                # The kernel's own sockets are the student's to talk to.
                print("" if folder == "/run/kernel" else "reached a socket", path)
        except OSError:
            continue
