"""Decides about workflows: the states of their phases and what follows them."""
