import torch.testing

### BEGIN HIDDEN TESTS
image = torch.arange(108.0).reshape(1, 1, 9, 12)
boxes = torch.tensor([[0.0, 1.25, 2.5, 5.25, 6.5]])
torch.testing.assert_close(region_mean(image, boxes, 2), torch.tensor([[57.25]]))
### END HIDDEN TESTS
