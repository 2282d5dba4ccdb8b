"""The command line: ``python -m images build [operator|agent|foundation|all] [--print]``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from images import catalog, engines, steps
from images.builder import Builder, cache_folder
from images.errors import ImagesError

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Build, and print the archives' paths; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        images = catalog.select(options.image)
        builder = _builder()
        if options.print:
            paths = [builder.archive(image) for image in images]
        else:
            start = time.monotonic()
            paths = builder.build(images)
            _say(f"{len(paths)} image(s) ready after {time.monotonic() - start:.1f} s")
    except ImagesError as error:
        _say(f"error: {error}")
        return 1
    for path in paths:
        print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="images", description="Build the project's images.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    build = verbs.add_parser("build", help="build what has changed; print the archives' paths")
    build.add_argument("image", nargs="?", default="all", help=f"all, {', '.join(catalog.CATALOG)}")
    build.add_argument("--print", action="store_true", help="only print the paths; build nothing")
    return parser


def _builder() -> Builder:
    cache = cache_folder(os.environ)
    return Builder(ROOT, cache, lambda: engines.choose(ROOT, cache, steps.run), _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
