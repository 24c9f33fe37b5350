"""Builders of the HDF5 data sets, and their command line ``python -m data_scripts``."""
