"""Every complete manifest in a document is accepted by the linter."""
