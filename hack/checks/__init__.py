"""What `make check` looks at beyond lint, types and layers, and `make generate` writes."""
