"""Decides about phases: the states of their tasks and what starts next."""
