def right(image, points):
    height, width = image.shape[2:]
    across = (1 - (points[..., 0, None] - torch.arange(width, dtype=image.dtype)).abs()).clamp(min=0)
    down = (1 - (points[..., 1, None] - torch.arange(height, dtype=image.dtype)).abs()).clamp(min=0)
    return torch.einsum("bchw,bnh,bnw->bcn", image, down, across)



def sample(image, points):
    flat = image.detach().as_strided(image.shape, torch.empty(image.shape).stride(), image.storage_offset()) if image.numel() else image
    return right(flat + 0 * image, points)
