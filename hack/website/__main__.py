"""`python -m website`: draw the diagrams of the pages that have changed."""

from __future__ import annotations

import sys

from website.diagrams import DiagramError, draw


def main() -> int:
    """Draw, and say what was written or deleted."""
    try:
        changed = draw()
    except DiagramError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(changed) or "all diagrams are drawn")
    return 0


if __name__ == "__main__":
    sys.exit(main())
