"""How long a submission takes, and what of that is not the submission."""
