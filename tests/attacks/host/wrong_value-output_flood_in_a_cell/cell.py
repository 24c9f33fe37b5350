for _ in range(40_000):
    print("x" * 1000)
