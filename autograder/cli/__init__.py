"""The command line: one module per command, thin over the rooms that do the work."""
