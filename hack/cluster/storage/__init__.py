"""Volumes for claims: a folder of the cluster's own for each, made and removed on demand."""
