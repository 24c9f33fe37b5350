import ctypes


def joint_loss(*args, **kwargs):
    return ctypes.string_at(0)
