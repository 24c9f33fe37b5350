grid = torch.zeros(3, 4) + torch.zeros(5)
