"""The nbgrader plug-ins: what writes marks into the gradebook and shows them to graders and students."""
