"""Workflows and phases from templates, on a real cluster."""
