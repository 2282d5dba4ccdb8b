"""Choosing the provider of a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cluster import state as states
from cluster.errors import ClusterError
from cluster.providers.base import Context, Provider
from cluster.providers.existing import ExistingProvider, allowed_contexts
from cluster.providers.kind import KindProvider, docker_answers
from cluster.providers.local import LocalProvider

AUTO = "auto"
CHOICES = (AUTO, "local", "kind", "existing")


@dataclass(frozen=True)
class Choice:
    """What the user asked for.

    Attributes:
        provider: One of CHOICES.
        kube_context: The kubeconfig context, for ``existing``.
        allowed: The contexts allowed on the command line.
    """

    provider: str
    kube_context: str
    allowed: Sequence[str]


def provider_name(asked: str, recorded: str, docker: bool) -> str:
    """Return the provider to use: the recorded one, else the one asked for, else by Docker.

    Args:
        asked: One of CHOICES.
        recorded: The provider that made the cluster, or "" when there is none.
        docker: Whether a Docker engine answers.

    Raises:
        ClusterError: Another provider made the cluster of this name.
    """
    if recorded and asked not in {AUTO, recorded}:
        raise ClusterError(
            f"the cluster of this name is of the provider {recorded}: "
            f"take it down first, or choose another --name"
        )
    if recorded or asked != AUTO:
        return recorded or asked
    return "kind" if docker else "local"


def _recorded(context: Context) -> str:
    try:
        state = states.load(context.paths.state_file)
    except ClusterError:
        return "local"
    return state.provider if state is not None else ""


def choose(context: Context, choice: Choice) -> Provider:
    """Return the provider of the cluster."""
    recorded = _recorded(context)
    undecided = not recorded and choice.provider == AUTO
    name = provider_name(choice.provider, recorded, undecided and docker_answers())
    if name == "kind":
        return KindProvider(context)
    if name == "existing":
        allowed = allowed_contexts(choice.allowed, context.environ)
        return ExistingProvider(context, choice.kube_context, allowed)
    return LocalProvider(context)
