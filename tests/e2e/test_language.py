"""Branching, loops, retries, fallbacks, hand-off and planning, on a real cluster."""
