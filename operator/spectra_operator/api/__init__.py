"""The API `spectra.dev/v1alpha1`: models, names and schemas. Imports nothing of ours."""
