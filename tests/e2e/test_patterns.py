"""The four patterns, and what each of their steps sees, on a real cluster."""
