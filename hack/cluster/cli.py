"""The command line of the cluster tool."""

from __future__ import annotations

import argparse
import datetime
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster import addons, catalog, fakes, paths, schemas, unpacked
from cluster.binaries import Builder
from cluster.console import Console
from cluster.errors import ClusterError
from cluster.kwok import A_SECOND, Lasting
from cluster.lock import locked
from cluster.providers.base import Context, Provider
from cluster.providers.choose import AUTO, CHOICES, Choice, choose
from cluster.providers.existing import ALLOW_VARIABLE

NAME_PATTERN = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")
MAX_FAKE_NODES = 5000


def cluster_name(text: str) -> str:
    """Check a cluster's name: a DNS label of at most 20 characters."""
    if not NAME_PATTERN.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no cluster name: use at most 20 lower-case letters, digits and dashes"
        )
    return text


def node_count(text: str) -> int:
    """Check a number of fake nodes."""
    if not text.isdigit() or int(text) > MAX_FAKE_NODES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {MAX_FAKE_NODES}")
    return int(text)


def span(text: str) -> Lasting:
    """Check how long pods on fake nodes run: LEAST-MOST in milliseconds."""
    found = re.fullmatch(r"(\d{1,8})-(\d{1,8})", text)
    if found is None or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not LEAST-MOST, such as 500-1500")
    return Lasting(int(found[1]), int(found[2]))


def _common_options() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", type=cluster_name, default="spectra", help="default: spectra")
    common.add_argument(
        "--provider",
        choices=CHOICES,
        default=AUTO,
        help="auto (default): what made the cluster; else kind when Docker answers; else local",
    )
    common.add_argument("--context", default="", help="the kubeconfig context, for existing")
    common.add_argument(
        "--allow-context",
        action="append",
        default=[],
        metavar="CONTEXT",
        help=f"a context that tests may use (also: {ALLOW_VARIABLE}, comma-separated)",
    )
    return common


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    top = argparse.ArgumentParser(
        prog="python -m cluster", description="A real Kubernetes cluster on this machine."
    )
    common = _common_options()
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, action: Callable[[Context, argparse.Namespace], int], text: str) -> None:
        added[name] = commands.add_parser(name, parents=[common], help=text, description=text)
        added[name].set_defaults(action=action)

    added: dict[str, argparse.ArgumentParser] = {}
    add("up", _up, "make the cluster ready, or find it so; prints an export line")
    add("down", _down, "remove the cluster and all it left on this machine")
    add("status", _status, "tell what runs; exit code 1 when the cluster is not ready")
    add("kubeconfig", _kubeconfig, "print the path of the kubeconfig")
    add("load-image", _load_image, "make images in OCI or Docker archives available to pods")
    add("addon", _addon, "start what not every cluster needs, such as metrics-server")
    add("logs", _logs, "print a component's log, or the folder of all logs")
    add("build", _build, "build all binaries, or those named, into the cache")
    add("path", _path, "print a binary's path, building it if it is missing")
    add("unpack", _unpack, "print a program's path, unpacking its Debian package if it is missing")
    add("schemas", _schemas, "write JSON schemas for kubeconform; prints its -schema-location")
    added["up"].add_argument(
        "--kwok-nodes",
        type=node_count,
        default=0,
        metavar="N",
        help="have at least N fake nodes, also on a running cluster",
    )
    added["up"].add_argument(
        "--kwok-milliseconds",
        type=span,
        default=A_SECOND,
        metavar="LEAST-MOST",
        help="how long their pods run that end by themselves; default: 1000-1000",
    )
    added["load-image"].add_argument("files", nargs="+", type=Path, metavar="FILE")
    added["addon"].add_argument("addon", choices=addons.ADDONS)
    added["logs"].add_argument("component", nargs="?")
    added["build"].add_argument("binaries", nargs="*", metavar="BINARY")
    added["unpack"].add_argument("program", choices=unpacked.PROGRAMS, metavar="PROGRAM")
    added["path"].add_argument("binary", choices=catalog.ALL_BINARIES, metavar="BINARY")
    return top


def make_context(name: str) -> Context:
    """Return what a provider works with, for the cluster called ``name``."""
    environ = dict(os.environ)
    console = Console()
    builder = Builder(paths.cache_root(environ), console)
    return Context(paths.cluster_paths(name, environ), builder, console, environ)


def _provider(context: Context, arguments: argparse.Namespace) -> Provider:
    choice = Choice(arguments.provider, arguments.context, arguments.allow_context)
    return choose(context, choice)


def _holder(command: str) -> str:
    now = datetime.datetime.now(datetime.UTC).strftime("%H:%M:%SZ")
    return f"pid {os.getpid()} ({command}, since {now})"


def _alone(
    context: Context, arguments: argparse.Namespace, change: Callable[[Provider], None]
) -> int:
    """Do something that changes the cluster, one at a time."""

    def waiting(who: str) -> None:
        context.console.say(f"waiting for {who}; lock: {context.paths.lock_file}")

    with locked(context.paths.lock_file, _holder(arguments.command), waiting):
        try:
            change(_provider(context, arguments))
        finally:
            if not context.paths.root.exists():
                paths.remove_traces(context.paths)
    return 0


def _up(context: Context, arguments: argparse.Namespace) -> int:
    def change(provider: Provider) -> None:
        provider.up()
        nodes, lasting = arguments.kwok_nodes, arguments.kwok_milliseconds
        fakes.ensure(context, provider.command_prefix(), nodes, lasting)
        print(f"export KUBECONFIG={context.paths.kubeconfig}")

    return _alone(context, arguments, change)


def _down(context: Context, arguments: argparse.Namespace) -> int:
    return _alone(context, arguments, lambda provider: provider.down())


def _load_image(context: Context, arguments: argparse.Namespace) -> int:
    return _alone(context, arguments, lambda provider: provider.load_images(arguments.files))


def _addon(context: Context, arguments: argparse.Namespace) -> int:
    def change(provider: Provider) -> None:
        addons.ensure_metrics_server(context, provider.command_prefix())

    return _alone(context, arguments, change)


def _status(context: Context, arguments: argparse.Namespace) -> int:
    health = _provider(context, arguments).status()
    print("\n".join(health.lines))
    return 0 if health.ready else 1


def _kubeconfig(context: Context, _: argparse.Namespace) -> int:
    print(context.paths.kubeconfig)
    return 0


def _logs(context: Context, arguments: argparse.Namespace) -> int:
    if arguments.component is None:
        print(context.paths.logs)
        return 0
    log = context.paths.log(arguments.component)
    if not log.exists():
        known = ", ".join(sorted(path.stem for path in context.paths.logs.glob("*.log")))
        raise ClusterError(f"no log of {arguments.component!r}; there are: {known or 'none'}")
    sys.stdout.write(log.read_text(errors="replace"))
    return 0


def _build(context: Context, arguments: argparse.Namespace) -> int:
    context.builder.ensure(arguments.binaries or catalog.ALL_BINARIES)
    return 0


def _path(context: Context, arguments: argparse.Namespace) -> int:
    print(context.builder.ensure([arguments.binary])[arguments.binary])
    return 0


def _unpack(context: Context, arguments: argparse.Namespace) -> int:
    unpacker = unpacked.Unpacker(context.builder.cache, context.console)
    print(unpacker.ensure(arguments.program))
    return 0


def _schemas(context: Context, _: argparse.Namespace) -> int:
    print(schemas.ensure(context.builder.cache, context.console))
    return 0


def main(argv: Sequence[str]) -> int:
    """Parse and run; print errors of ours as one message."""
    arguments = parser().parse_args(argv)
    action: Callable[[Context, argparse.Namespace], int] = arguments.action
    try:
        return action(make_context(arguments.name), arguments)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
