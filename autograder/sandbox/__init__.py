"""The walls around student code: bubblewrap, an unprivileged identity, a system-call filter, limits and a watchdog."""
