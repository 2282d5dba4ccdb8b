"""Spectra: a Kubernetes operator that runs teams of agents."""
