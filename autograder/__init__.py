"""Instructor's side of Vislab: authoring, intake, sandbox, judge, engine, gradebook, report."""
