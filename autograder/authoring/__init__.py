"""From lesson text to notebooks, release and bundle."""
