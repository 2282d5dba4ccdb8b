"""The documentation site; see mkdocs.yml."""
