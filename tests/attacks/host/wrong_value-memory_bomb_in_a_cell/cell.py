kept = []
for _ in range(28):
    kept.append(bytearray(64 << 20))
    kept[-1][::4096] = b"x" * len(kept[-1][::4096])
