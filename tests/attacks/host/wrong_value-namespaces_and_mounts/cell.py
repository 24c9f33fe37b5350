import ctypes
import os
import subprocess

libc = ctypes.CDLL(None, use_errno=True)


def tried(name, *arguments):
    code = getattr(libc, name)(*arguments)
    print(name, code, os.strerror(ctypes.get_errno()) if code else "done")


for flags in (0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x08000000, 0x04000000, 0x02000000):
    tried("unshare", flags)
tried("mount", b"none", b"/tmp", b"tmpfs", 0, None)
tried("mount", b"/proc", b"/tmp", None, 4096, None)
tried("umount2", b"/proc", 2)
tried("chroot", b"/")
tried("setuid", 0)
tried("setgid", 0)
tried("pivot_root", b"/", b"/") if hasattr(libc, "pivot_root") else None
tried("sethostname", b"x", 1)
tried("reboot", 0)
tried("swapoff", b"/")
tried("syscall", 304, -100, b"/", 0)
tried("personality", 0x0040000)
for command in ("unshare -Ur id", "sudo -n id", "su -c id", "unshare -Urm mount -t tmpfs none /mnt"):
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    print(command, done.returncode, done.stdout, done.stderr)
