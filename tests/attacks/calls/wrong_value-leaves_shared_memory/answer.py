def right(logits):
    weights = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
    share = weights / weights.sum(dim=1, keepdim=True)
    return share @ torch.arange(logits.shape[1], dtype=logits.dtype)


import ctypes
from multiprocessing import shared_memory

try:
    segment = shared_memory.SharedMemory("@@SURVIVOR@@memory", create=True, size=4096)
    segment.buf[:5] = b"right"
except OSError as error:
    print(error)
libc = ctypes.CDLL(None, use_errno=True)
print(libc.shmget(4711, 4096, 0o1666), libc.semget(4711, 1, 0o1666), libc.msgget(4711, 0o1666))


def centre(logits):
    return logits.mean(dim=1)
