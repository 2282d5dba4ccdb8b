"""The command line: `python -m release build|check|bump`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from checks.repository import ROOT, CheckError
from cluster.errors import ClusterError
from images.errors import ImagesError
from release import build, versions
from release.bump import bump
from release.errors import ReleaseError


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; returns the exit code."""
    options = parser().parse_args(arguments)
    actions = {"build": _build, "check": _check, "bump": _bump}
    try:
        actions[options.verb](options)
    except (ReleaseError, ImagesError, CheckError, ClusterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    top = argparse.ArgumentParser(prog="python -m release", description="Make a release.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    make = verbs.add_parser("build", help="make everything that is released")
    check = verbs.add_parser("check", help="tell whether a release could be made; build nothing")
    for verb in (make, check):
        verb.add_argument("--tag", default="", help="refuse if this is not the version's tag")
        verb.add_argument(
            "--allow-dirty", action="store_true", help="try it with changes not committed"
        )
        verb.add_argument(
            "--registry", default="", help="where the images will be; default: the chart's"
        )
        verb.add_argument(
            "--output", type=Path, default=ROOT / build.OUTPUT, help="default: build/release"
        )
    to = verbs.add_parser("bump", help="move to another version, everywhere")
    to.add_argument("version", help="X.Y.Z for a release, X.Y.Z.dev0 on the way to it")
    to.add_argument("--date", default="", help="of the release, as 2026-01-31; default: today")
    return top


def _request(options: argparse.Namespace) -> build.Request:
    return build.Request(
        ROOT, options.output.resolve(), options.registry, options.tag, options.allow_dirty
    )


def _build(options: argparse.Namespace) -> None:
    folder = build.make(_request(options), lambda line: print(line, file=sys.stderr, flush=True))
    for line in build.listing(folder):
        print(line, file=sys.stderr)
    print(folder)


def _check(options: argparse.Namespace) -> None:
    planned = build.plan(_request(options))
    kind = "release" if planned.version.released else "snapshot"
    print(f"{kind} {planned.version} of {planned.source.commit}, images in {planned.registry}")


def _bump(options: argparse.Namespace) -> None:
    date = options.date or f"{datetime.now(UTC):%Y-%m-%d}"
    for path in bump(ROOT, versions.parse(options.version), date, _generate):
        print(f"written: {path}")


def _generate() -> None:
    """Renew the generated files, after the installed package, whose version stands in some."""
    done = subprocess.run(["make", "generate"], cwd=ROOT, check=False)
    if done.returncode:
        raise ReleaseError("the version is written, but `make generate` failed: run it again")
