def sample(image, points):
    height, width = image.shape[2:]
    x = points[..., 0].round().clamp(0, width - 1).long()
    y = points[..., 1].round().clamp(0, height - 1).long()
    index = (y * width + x)[:, None].expand(-1, image.shape[1], -1)
    return image.flatten(2).gather(2, index)
