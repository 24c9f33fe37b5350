### BEGIN HIDDEN TESTS
logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(7))
assert torch.equal(double(logits), 2 * logits)
### END HIDDEN TESTS
