"""The command line of the data sets."""
