"""The loaders of ``vislab.data`` against ``torch.utils.data.DataLoader``, in samples per second."""
