import torch

torch.set_num_threads(1)
torch.set_printoptions(precision=2)
torch.set_default_dtype(torch.float64)
torch.manual_seed(7)
