"""The command line: ``python -m images build|path [operator|agent|foundation|pool-go|all]``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from images import catalog, engines, steps
from images.builder import Builder, cache_folder
from images.errors import ImagesError

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Do what the command line says; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        images = catalog.select(options.image)
        builder = _builder()
        if options.verb == "path":
            _print_paths([builder.archive(image) for image in images])
            return 0
        start = time.monotonic()
        paths = builder.build(images)
    except ImagesError as error:
        _say(f"error: {error}")
        return 1
    for path in paths:
        _say(f"{path.stem:<12} {path.stat().st_size / 1e6:>6.1f} MB  {path}")
    _say(f"{len(paths)} image(s) ready after {time.monotonic() - start:.1f} s")
    if options.print:
        _print_paths(paths)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="images", description="Build the project's images.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    build = verbs.add_parser("build", help="build what has changed")
    build.add_argument("--print", action="store_true", help="print the archives' paths on stdout")
    path = verbs.add_parser("path", help="print where the archives are, or would be; build nothing")
    names = ", ".join(catalog.CATALOG)
    for verb in (build, path):
        verb.add_argument("image", nargs="?", default="all", help=f"all (the default), {names}")
    return parser


def _print_paths(paths: Iterable[Path]) -> None:
    for path in paths:
        print(path)


def _builder() -> Builder:
    cache = cache_folder(os.environ)
    return Builder(ROOT, cache, lambda: engines.choose(ROOT, cache, steps.run), _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
