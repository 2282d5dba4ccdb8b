"""Writes the CRDs as YAML files: `python -m spectra_operator.api.export DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from .crds import KINDS, crd

HEADER = "# Generated from operator/spectra_operator/api by `make generate`. Do not edit.\n"


def render() -> dict[str, str]:
    """Return file name to text for every CRD."""
    return {
        f"{kind.plural}.yaml": HEADER + yaml.safe_dump(crd(kind), sort_keys=False, width=100)
        for kind in KINDS
    }


def main() -> None:
    """Write every CRD into the directory named on the command line."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name, text in render().items():
        (target / name).write_text(text)


if __name__ == "__main__":
    main()
