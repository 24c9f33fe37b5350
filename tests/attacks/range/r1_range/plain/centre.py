import torch.testing

example = torch.tensor([[0.0, 0.0, 0.0], [0.0, 100.0, 0.0]])
torch.testing.assert_close(centre(example), torch.tensor([1.0, 1.0]))
### BEGIN HIDDEN TESTS
for batch, width in ((3, 7), (1, 9), (65, 6)):
    logits = torch.randn(batch, width, generator=torch.Generator().manual_seed(batch))
    expected = torch.softmax(logits, dim=1) @ torch.arange(width, dtype=logits.dtype)
    torch.testing.assert_close(centre(logits), expected, atol=1e-4, rtol=1e-4)
    assert torch.allclose(centre(logits), expected, atol=1e-4)
### END HIDDEN TESTS
