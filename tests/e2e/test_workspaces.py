"""Volumes that tasks share, on a real cluster."""
