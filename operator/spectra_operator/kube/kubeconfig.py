"""Read one context out of a kubeconfig file."""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_UNSUPPORTED_USER = ("exec", "auth-provider", "username", "as")
_UNSUPPORTED_CLUSTER = ("proxy-url", "tls-server-name")


class AccessError(Exception):
    """The way to the cluster cannot be made out; the message names file, field and remedy."""


@dataclass(frozen=True, slots=True)
class ContextFields:
    """The parts of one context that matter to a client.

    Certificates and keys are PEM bytes, wherever the file had them.
    """

    server: str
    namespace: str = "default"
    ca: bytes | None = None
    insecure: bool = False
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return trust and client certificate; None for a plain HTTP server.

        Raises:
            AccessError: The PEM data cannot be used.
        """
        if not self.server.startswith("https://"):
            return None
        try:
            made = ssl.create_default_context(cadata=self.ca.decode("ascii") if self.ca else None)
            if self.insecure:
                made.check_hostname = False
                made.verify_mode = ssl.CERT_NONE
            if self.certificate and self.key:
                _load_client_certificate(made, self.certificate + b"\n" + self.key)
        except (ssl.SSLError, UnicodeDecodeError) as error:
            raise AccessError(f"certificates for {self.server}: {error}") from error
        return made


def read_context(path: Path, context: str | None) -> ContextFields:
    """Read a kubeconfig file and return the parts of one of its contexts.

    Args:
        path: The file; relative paths in it are relative to its directory.
        context: The context's name; None for `current-context`.

    Raises:
        AccessError: The file, the context or a part is missing, malformed or of a kind that is
            not supported (credential plugins, passwords, proxies).
    """
    document = _load(path)
    chosen = context or document.get("current-context")
    if not chosen:
        raise AccessError(f"{path}: no current-context; name a context")
    parts = _named(path, document, "contexts", chosen, "context")
    cluster = _named(path, document, "clusters", parts.get("cluster", ""), "cluster")
    user = _named(path, document, "users", parts["user"], "user") if parts.get("user") else {}
    _refuse(path, "cluster", cluster, _UNSUPPORTED_CLUSTER)
    _refuse(path, "user", user, _UNSUPPORTED_USER)
    server = str(cluster.get("server", "")).rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise AccessError(f"{path}: clusters[{parts.get('cluster')}].server is not an http(s) URL")
    token_file = user.get("tokenFile")
    return ContextFields(
        server=server,
        namespace=parts.get("namespace") or "default",
        ca=_pem(path, cluster, "certificate-authority"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        certificate=_pem(path, user, "client-certificate"),
        key=_pem(path, user, "client-key"),
        token=user.get("token"),
        token_file=path.parent / token_file if token_file else None,
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AccessError(f"{path}: {error.strerror}; give the path of a kubeconfig") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AccessError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise AccessError(f"{path}: not a kubeconfig: expected a mapping")
    return document


def _named(
    path: Path, document: dict[str, Any], section: str, name: str, key: str
) -> dict[str, Any]:
    for entry in document.get(section) or []:
        if entry.get("name") == name:
            found: dict[str, Any] = entry.get(key) or {}
            return found
    raise AccessError(f"{path}: {section} has no entry named {name!r}")


def _refuse(path: Path, section: str, fields: dict[str, Any], unsupported: tuple[str, ...]) -> None:
    for name in unsupported:
        if fields.get(name):
            raise AccessError(
                f"{path}: {section}.{name} is not supported; use a client certificate or a token"
            )


def _pem(path: Path, fields: dict[str, Any], name: str) -> bytes | None:
    """Return `<name>-data` decoded, or what the file `<name>` holds; data wins."""
    data = fields.get(f"{name}-data")
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise AccessError(f"{path}: {name}-data is not base64: {error}") from error
    file = fields.get(name)
    if not file:
        return None
    try:
        return (path.parent / str(file)).read_bytes()
    except OSError as error:
        raise AccessError(f"{path}: {name}: {file}: {error.strerror}") from error


def _load_client_certificate(context: ssl.SSLContext, pem: bytes) -> None:
    # The ssl module takes certificates from files only; this one is private and gone at once.
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
