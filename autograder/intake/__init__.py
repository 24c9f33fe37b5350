"""From what arrived to what can be run: cleaned notebooks, allowed files, one definite record a submission."""
