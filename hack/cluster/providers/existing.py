"""A cluster that somebody else made, named by a kubeconfig context that is allowed by name."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from cluster import commands
from cluster import state as states
from cluster.errors import ProviderRefused
from cluster.providers.base import Context, Health
from cluster.state import ClusterState

ALLOW_VARIABLE = "SPECTRA_ALLOW_CONTEXTS"


def allowed_contexts(options: Sequence[str], environ: Mapping[str, str]) -> set[str]:
    """Return the contexts that may be used: of the option, and of the comma-separated variable."""
    listed = environ.get(ALLOW_VARIABLE, "").split(",")
    return {name.strip() for name in (*options, *listed) if name.strip()}


def check_allowed(context: str, allowed: Collection[str]) -> None:
    """Refuse a context that nobody allowed by name.

    Raises:
        ProviderRefused: It is not on the list.
    """
    if not context:
        raise ProviderRefused("--provider existing needs --context NAME: it has no default")
    if context not in allowed:
        raise ProviderRefused(
            f"the context {context!r} is not on the allow-list: tests create and delete objects "
            f"there; to allow it, add --allow-context {context} or set {ALLOW_VARIABLE}"
        )


def extract_command(kubectl: Path, context: str) -> list[str]:
    """Return the command line that prints a kubeconfig of this context alone."""
    return [str(kubectl), "config", "view", "--minify", "--flatten", f"--context={context}"]


class ExistingProvider:
    """Uses a cluster without making or removing it."""

    name = "existing"

    def __init__(self, context: Context, kube_context: str, allowed: Collection[str]) -> None:
        self._context = context
        self._paths = context.paths
        self._kube_context = kube_context
        self._allowed = allowed

    def up(self) -> None:
        """Write a kubeconfig of the allowed context alone, and see that the cluster answers.

        Raises:
            ProviderRefused: The context is not allowed, or the cluster does not answer.
        """
        check_allowed(self._kube_context, self._allowed)
        self._paths.root.mkdir(parents=True, exist_ok=True)
        text = commands.run(extract_command(self._kubectl(), self._kube_context))
        self._paths.kubeconfig.touch(mode=0o600)
        self._paths.kubeconfig.write_text(text)
        states.save(
            self._paths.state_file, ClusterState(provider=self.name, boot_id=states.boot_id())
        )
        health = self.status()
        if not health.ready:
            raise ProviderRefused(f"context {self._kube_context!r}: {health.lines[0]}")

    def down(self) -> None:
        """Forget the cluster; it stays as it is."""
        shutil.rmtree(self._paths.root, ignore_errors=True)

    def status(self) -> Health:
        """Tell whether the API server is ready."""
        kubeconfig = f"--kubeconfig={self._paths.kubeconfig}"
        done = commands.attempt([str(self._kubectl()), kubeconfig, "get", "--raw=/readyz"])
        return Health(done.code == 0, ((done.output or done.errors).strip(),))

    def load_images(self, files: Sequence[Path]) -> None:
        """Refuse: an existing cluster takes its images from a registry.

        Raises:
            ProviderRefused: Always.
        """
        names = ", ".join(str(file) for file in files)
        raise ProviderRefused(f"push {names} to a registry that the existing cluster can pull from")

    def command_prefix(self) -> list[str]:
        """Return nothing: the API server is reached from the host as it is."""
        return []

    def _kubectl(self) -> Path:
        return self._context.builder.ensure(["kubectl"])["kubectl"]
