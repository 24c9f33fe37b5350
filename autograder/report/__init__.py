"""The report of a class on one assignment: one page that needs nothing beside itself."""
