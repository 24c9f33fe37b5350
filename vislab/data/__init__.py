"""Data sets and how they reach the device: one HDF5 layout, one reader, two loaders."""
