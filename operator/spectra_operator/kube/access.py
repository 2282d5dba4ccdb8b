"""How to reach the cluster: address, trust and credentials."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from spectra_operator.kube.clock import Clock, SystemClock
from spectra_operator.kube.kubeconfig import AccessError, ContextFields, read_context

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN_REREAD_SECONDS = 60.0

__all__ = ["AccessError", "ClusterAccess", "FileToken", "in_cluster_access", "load_access"]


def no_token() -> str | None:
    """Return None: the client certificate, or nothing, is the credential."""
    return None


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """Everything a client needs to talk to one cluster as one user.

    Attributes:
        server: Base URL without a trailing slash.
        ssl_context: Trust and client certificate; None for plain HTTP.
        token: Returns the bearer token of this moment, or None.
        namespace: The namespace of the context or of our own pod.
    """

    server: str
    ssl_context: ssl.SSLContext | None = None
    token: Callable[[], str | None] = no_token
    namespace: str = "default"


class FileToken:
    """A bearer token in a file that something else renews.

    The file is read at most once a minute. While it cannot be read, or is empty, the last
    good token stays in use: it may well be valid still.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Read the file for the first time.

        Raises:
            AccessError: The file cannot be read or is empty.
        """
        self._path = path
        self._clock = clock
        token = self._read()
        if not token:
            raise AccessError(f"{path}: no token in it; is the ServiceAccount token mounted?")
        self._token = token
        self._read_at = clock.monotonic()

    def __call__(self) -> str:
        """Return the token, read again when the last reading is a minute old."""
        if self._clock.monotonic() - self._read_at >= TOKEN_REREAD_SECONDS:
            self._token = self._read() or self._token
            self._read_at = self._clock.monotonic()
        return self._token

    def _read(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except OSError:
            return ""


def load_access(
    kubeconfig: str | None = None,
    context: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> ClusterAccess:
    """Find the cluster: the given kubeconfig, $KUBECONFIG, our pod, ~/.kube/config.

    Args:
        kubeconfig: Path of a kubeconfig; None to look in the other places, in that order.
        context: The context to use; None for the current one.
        environ: The environment; None for the process's own.

    Raises:
        AccessError: Nothing usable was found; the message says where and what.
    """
    env = os.environ if environ is None else environ
    path = kubeconfig or env.get("KUBECONFIG")
    if path:
        return _from_kubeconfig(Path(path), context)
    if env.get("KUBERNETES_SERVICE_HOST") and context is None:
        return in_cluster_access(env)
    return _from_kubeconfig(Path(env.get("HOME", "~")).expanduser() / ".kube" / "config", context)


def in_cluster_access(
    environ: Mapping[str, str],
    *,
    directory: Path = SERVICE_ACCOUNT,
    clock: Clock | None = None,
) -> ClusterAccess:
    """Return the access of the pod we run in.

    Args:
        environ: Holds KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
        directory: Where the ServiceAccount's token, ca.crt and namespace are mounted.
        clock: Times the re-reading of the token; None for the system's.

    Raises:
        AccessError: A variable or file is missing.
    """
    host = environ.get("KUBERNETES_SERVICE_HOST", "")
    if not host:
        raise AccessError("KUBERNETES_SERVICE_HOST is not set: not in a cluster")
    port = environ.get("KUBERNETES_SERVICE_PORT", "443")
    shown = f"[{host}]" if ":" in host else host
    try:
        trust = ssl.create_default_context(cafile=str(directory / "ca.crt"))
    except OSError as error:
        raise AccessError(f"{directory / 'ca.crt'}: {error}") from error
    namespace = directory / "namespace"
    return ClusterAccess(
        server=f"https://{shown}:{port}",
        ssl_context=trust,
        token=FileToken(directory / "token", clock or SystemClock()),
        namespace=namespace.read_text(encoding="utf-8").strip()
        if namespace.exists()
        else "default",
    )


def _from_kubeconfig(path: Path, context: str | None) -> ClusterAccess:
    fields = read_context(path, context)
    return ClusterAccess(
        server=fields.server,
        ssl_context=fields.ssl_context(),
        token=_token_source(fields),
        namespace=fields.namespace,
    )


def _token_source(fields: ContextFields) -> Callable[[], str | None]:
    if fields.token_file is not None:
        return FileToken(fields.token_file, SystemClock())
    token = fields.token
    return (lambda: token) if token else no_token
