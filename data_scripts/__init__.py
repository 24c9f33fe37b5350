"""Builders and converters that write the HDF5 data sets. The first assignment draws its toy people itself, so there is none yet."""
