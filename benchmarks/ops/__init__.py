"""Ops against PyTorch's eager composition, ``torch.compile`` of it and other libraries; one ``bench_<op>`` module an op."""
