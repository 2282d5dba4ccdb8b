"""Everything odd in a manifest, with file, line and field."""
