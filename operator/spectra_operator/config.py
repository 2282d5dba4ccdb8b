"""Settings, read from environment variables that begin with SPECTRA_OPERATOR_."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

PREFIX = "SPECTRA_OPERATOR_"


class ConfigError(ValueError):
    """A setting cannot be used; the message names its variable."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of the operator."""

    namespace: str = "spectra-system"
    """Namespace of the operator's own Leases."""
    identity: str = field(default_factory=lambda: f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}")
    """Name of this process in Leases and Events."""
    shards: int = 1
    """Buckets of namespaces, one Lease each. Must be the same on all replicas."""
    health_port: int = 8080
    """Port of probes and metrics."""
    log_level: str = "info"
    """debug, info, warning or error."""
    log_format: str = "json"
    """json or console."""
    concurrency: int = 48
    """Requests to the API server at once for the engine's writes."""
    lease_seconds: float = 15.0
    """How long a Lease lasts without renewal; a crashed leader is replaced after it."""
    resync_seconds: float = 300.0
    """How often objects deleted unseen are looked for; nothing waits for it."""
    kubeconfig: str = ""
    """Path of a kubeconfig; empty uses the pod's service account, or KUBECONFIG."""


_CONVERT = {"int": int, "float": float, "str": str}


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings.

    Raises:
        ConfigError: a value is not of its type or out of range.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    for setting in fields(Config):
        name = PREFIX + setting.name.upper()
        if name not in environ:
            continue
        convert = _CONVERT[str(setting.type)]
        try:
            values[setting.name] = convert(environ[name])
        except ValueError:
            raise ConfigError(f"{name}: {environ[name]!r} is not of type {setting.type}") from None
    config = Config(**values)  # type: ignore[arg-type]
    if not 1 <= config.shards <= 1024:
        raise ConfigError(f"{PREFIX}SHARDS: must be 1 to 1024, is {config.shards}")
    if config.lease_seconds < 5:
        raise ConfigError(f"{PREFIX}LEASE_SECONDS: must be at least 5, is {config.lease_seconds}")
    return config
