"""Converters: other people's files become files of the layout, piece by piece."""
