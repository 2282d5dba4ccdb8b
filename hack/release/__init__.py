"""Makes a release: images, chart, manifests, Python packages, bills of materials, checksums."""
