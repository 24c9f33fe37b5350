print(centre(torch.zeros(2, 3)))
centre("no numbers")
