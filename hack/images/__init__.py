"""Builds the project's images as archives that a cluster can load, with or without Docker."""
