def region_mean(image, boxes, ratio):
    return image.mean(dim=(2, 3))[boxes[:, 0].long()]
