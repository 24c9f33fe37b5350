"""The author's honesty gate: references against oracles, mutants killed, accepted answers kept, stubs at zero."""
