"""Traces: what status and attempts say of a run, as spans. Ids are functions of UIDs."""
