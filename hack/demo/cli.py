"""The command line: `python -m demo [--name CLUSTER]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from cluster.cli import cluster_name
from cluster.console import Console
from cluster.errors import ClusterError
from demo import closing, setup, tools
from demo.board import Board
from demo.errors import DemoError
from demo.follow import follow
from demo.tools import DEFAULT_CLUSTER, Tools
from spectra_operator.kube.access import AccessError
from spectra_operator.kube.errors import KubeError


def main(arguments: Sequence[str]) -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="The operator, live.")
    text = f"default: {DEFAULT_CLUSTER}"
    parser.add_argument("--name", type=cluster_name, default=DEFAULT_CLUSTER, help=text)
    name = parser.parse_args(arguments).name
    try:
        return Demo(name).run()
    except (DemoError, ClusterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `make demo` begins anew", file=sys.stderr)
        return 130


class Demo:
    """One demonstration on one cluster."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._console = Console()
        self._marks = [("", 0.0)]

    def run(self) -> int:
        """Set everything up, run the example, and show what came of it.

        Raises:
            DemoError: Something could not be set up.
            ClusterError: A program could not be built.
        """
        programs = tools.prepare(self._cluster, self._console)
        setup.bring_up(self._cluster)
        self._mark("cluster")
        archives = setup.build_images()
        self._mark("images built")
        count = setup.load_images(programs, archives)
        self._mark(f"{count} images loaded" if count else "images were loaded")
        try:
            return self._show(programs, content_of(archives))
        except (DemoError, AccessError, KubeError) as error:
            return self._fail(programs, str(error))

    def _show(self, programs: Tools, content: str) -> int:
        setup.install(programs, content)
        self._mark("operator")
        setup.clear(programs)
        self._mark("earlier run removed")
        before = setup.operator_hops(programs)
        print()
        board = asyncio.run(follow(programs))
        self._mark("workflow")
        if board.state != "Succeeded":
            return self._fail(programs, f"the workflow ended {board.state}: {board.message}")
        self._close(programs, board, before)
        return 0

    def _close(self, programs: Tools, board: Board, before: closing.Hops) -> None:
        after = setup.operator_hops(programs)
        print(f"\n{closing.report(programs)}\n")
        print(closing.objects(programs))
        print("Hops: how long a task waits once its predecessors have finished")
        print("\n".join(closing.hop_lines(board, before, after)))
        steps = [f"{name} {at - began:.1f} s" for (_, began), (name, at) in pairwise(self._marks)]
        print(f"\nTime: {self._console.seconds:.1f} s ({', '.join(steps)})")
        print("\nLook further:")
        print("\n".join(f"  {command}" for command in closing.look_further(programs)))

    def _fail(self, programs: Tools, what: str) -> int:
        print(f"\nerror: {what}\nWhere to look:", file=sys.stderr)
        for command in closing.where_to_look(programs):
            print(f"  {command}", file=sys.stderr)
        return 1

    def _mark(self, name: str) -> None:
        self._marks.append((name, self._console.seconds))
        self._console.say(name)


def content_of(archives: Sequence[Path]) -> str:
    """Return what names the content of the operator's image: the folder of its archive.

    Raises:
        DemoError: There is no such archive.
    """
    for path in archives:
        if path.stem == "operator":
            return path.parent.name[:16]
    raise DemoError("the operator's image was not built")
