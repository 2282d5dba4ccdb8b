"""The command line, and the commands beside `run`: what comes before and after the operator."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import TYPE_CHECKING

from .config import Config
from .engine.release_guard import Installation, RefusedError, Wanted, release_guarded
from .engine.served import unserved
from .kube.access import load_access
from .kube.client import AiohttpClient
from .kube.clock import SystemClock
from .kube.errors import Forbidden
from .kube.scope import ScopedClient
from .observability.reach import refusal

if TYPE_CHECKING:
    from .kube.access import ClusterAccess

logger = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="spectra-operator", description="Runs teams of agents.")
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the operator")
    let_go = commands.add_parser(
        "release", help="take the operator's finalizer off all pods, before it is uninstalled"
    )
    one = "only this namespace"
    let_go.add_argument("--namespace", default=None, type=namespace_name, help=one)
    let_go.add_argument(
        "--stop", default="", metavar="DEPLOYMENT", help="first stop the operator of this name"
    )
    ask = commands.add_parser("check", help="tell whether the installation works")
    ask.add_argument("url", help="the readiness check of the operator")
    return top


def namespace_name(text: str) -> str:
    """Return the name of a namespace as it was typed.

    Raises:
        ArgumentTypeError: It is empty, as from a variable of a shell that is not set.
    """
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a namespace, or leave the option out")
    return text


async def release(config: Config, namespace: str | None, deployment: str) -> None:
    """Let every pod go, in one namespace or all that are served; first stop the operator named.

    Ends the process with the reason where an operator is still at work there, or nothing is.
    """
    operator = Installation(config.namespace, config.shards, config.watch_namespaces)
    access, served = access_of(config), config.watch_namespaces
    async with ScopedClient(access, served) as client, AiohttpClient(access) as anywhere:
        try:
            wanted = Wanted(namespace, deployment)
            count = await release_guarded(client, anywhere, SystemClock(), operator, wanted)
        except RefusedError as error:
            sys.exit(f"spectra-operator: {error}")
        except Forbidden as error:
            grant = ": give its account the Role that docs/install.md has for such a namespace"
            alone = namespace is not None and not deployment
            sys.exit(f"spectra-operator: {error}{grant if alone else ''}")
    logger.info("released %d pods", count)


async def check(config: Config, url: str) -> None:
    """End the process with what is wrong with the installation, if anything is."""
    async with AiohttpClient(access_of(config)) as client:
        missing = await unserved(client, served_one(config))
    wrong = [f"{plural} are not served: install the CRDs" for plural in missing]
    wrong += filter(None, [await refusal(url)])
    if wrong:
        sys.exit("spectra-operator: " + "; ".join(wrong))
    logger.info("the operator is ready, and every kind is served")


def served_one(config: Config) -> str:
    """Return a namespace in which the operator may read."""
    return next(iter(config.watch_namespaces), "default")


def access_of(config: Config) -> ClusterAccess:
    """Return the way to the cluster."""
    return load_access(kubeconfig_of(config), None)


def kubeconfig_of(config: Config) -> str | None:
    """Return the path of the kubeconfig; None inside a pod."""
    return config.kubeconfig or os.environ.get("KUBECONFIG") or None
