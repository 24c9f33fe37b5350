def region_mean(image, boxes, ratio):
    found = image.new_zeros(len(boxes), image.shape[1])
    steps = (torch.arange(2, dtype=image.dtype) + 0.5) / 2
    columns = torch.arange(image.shape[3], dtype=image.dtype)
    rows = torch.arange(image.shape[2], dtype=image.dtype)
    for number, box in enumerate(boxes):
        x = box[1] + (box[3] - box[1]) * steps
        y = box[2] + (box[4] - box[2]) * steps
        across = (1 - (x[:, None] - columns).abs()).clamp(min=0)
        down = (1 - (y[:, None] - rows).abs()).clamp(min=0)
        found[number] = (down @ image[int(box[0])] @ across.T).mean(dim=(1, 2))
    return found
