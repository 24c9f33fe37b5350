def centre(logits):
    while True:
        print("x" * (1 << 14), flush=True)
