"""kubectl-spectra: submit, follow, steer and understand workflows from a terminal."""
