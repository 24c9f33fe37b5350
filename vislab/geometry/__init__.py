"""Where points lie: pixel and normalised coordinates, and what each convention means."""
