"""The command line of the cluster tool."""

from __future__ import annotations

import argparse
import datetime
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster import catalog, paths
from cluster.binaries import Builder
from cluster.console import Console
from cluster.errors import ClusterError
from cluster.lock import locked
from cluster.providers.base import Context, Provider
from cluster.providers.local import LocalProvider

NAME_PATTERN = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")


def cluster_name(text: str) -> str:
    """Check a cluster's name: a DNS label of at most 20 characters."""
    if not NAME_PATTERN.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no cluster name: use at most 20 lower-case letters, digits and dashes"
        )
    return text


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    top = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", type=cluster_name, default="spectra", help="default: spectra")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[common], help=text, description=text)

    add("up", "make the cluster ready, or find it so")
    add("down", "remove the cluster and all it left on this machine")
    add("status", "tell which components run; exit code 1 when it is not ready")
    add("kubeconfig", "print the path of the kubeconfig")
    load = add("load-image", "make images from OCI or Docker archives available to pods")
    load.add_argument("files", nargs="+", type=Path, metavar="FILE")
    logs = add("logs", "print a component's log, or the folder of all logs")
    logs.add_argument("component", nargs="?")
    build = add("build", "build all binaries, or those named, into the cache")
    build.add_argument("binaries", nargs="*", metavar="BINARY")
    path = add("path", "print a binary's path, building it if it is missing")
    path.add_argument("binary", choices=catalog.ALL_BINARIES, metavar="BINARY")
    return top


def _context(name: str) -> Context:
    environ = dict(os.environ)
    console = Console()
    builder = Builder(paths.cache_root(environ), console)
    return Context(paths.cluster_paths(name, environ), builder, console, environ)


def _provider(context: Context) -> Provider:
    return LocalProvider(context)


def _holder(command: str) -> str:
    now = datetime.datetime.now(datetime.UTC).strftime("%H:%M:%SZ")
    return f"pid {os.getpid()} ({command}, since {now})"


def _change(context: Context, arguments: argparse.Namespace) -> None:
    """Run a command that changes the cluster, one at a time."""
    lock = context.paths.lock_file
    with locked(
        lock, _holder(arguments.command), lambda who: context.console.say(f"waiting for {who}")
    ):
        provider = _provider(context)
        if arguments.command == "up":
            provider.up()
            print(f"export KUBECONFIG={context.paths.kubeconfig}")
        elif arguments.command == "down":
            provider.down()
            lock.unlink(missing_ok=True)
        else:
            provider.load_images(arguments.files)


def _show_logs(context: Context, component: str | None) -> int:
    if component is None:
        print(context.paths.logs)
        return 0
    return subprocess.run(["cat", str(context.paths.log(component))]).returncode


def run(arguments: argparse.Namespace) -> int:
    """Run one parsed command and return its exit code."""
    context = _context(arguments.name)
    if arguments.command in {"up", "down", "load-image"}:
        _change(context, arguments)
    elif arguments.command == "status":
        health = _provider(context).status()
        print("\n".join(health.lines))
        return 0 if health.ready else 1
    elif arguments.command == "kubeconfig":
        print(context.paths.kubeconfig)
    elif arguments.command == "logs":
        return _show_logs(context, arguments.component)
    elif arguments.command == "build":
        context.builder.ensure(arguments.binaries or catalog.ALL_BINARIES)
    else:
        print(context.builder.ensure([arguments.binary])[arguments.binary])
    return 0


def main(argv: Sequence[str]) -> int:
    """Parse and run; print errors of ours as one message."""
    arguments = parser().parse_args(argv)
    try:
        return run(arguments)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
