"""Decides about schedules."""
