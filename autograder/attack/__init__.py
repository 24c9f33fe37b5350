"""Attacks that must gain nothing, honest controls that must lose nothing, and what runs both."""
