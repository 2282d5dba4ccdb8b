"""Settings, read from environment variables that begin with SPECTRA_OPERATOR_."""

from __future__ import annotations

import os
import re
import socket
import uuid
from collections.abc import Callable, Mapping
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
    """Buckets of namespaces, one Lease each, which the replicas share evenly. Must be the same on
    all replicas: those with another number wait."""
    health_port: int = 8080
    """Port of probes and metrics."""
    debug_port: int = 8081
    """Port of the status page, on the loopback address of the pod alone."""
    log_level: str = "info"
    """debug, info, warning or error."""
    log_level_file: str = ""
    """Path of a file whose content is the log level, followed while the operator runs; log_level
    holds while it is missing or empty. Empty: none."""
    log_format: str = "json"
    """json or console."""
    concurrency: int = 48
    """Requests to the API server at once for the engine's writes."""
    lease_seconds: int = 15
    """How long a Lease lasts without renewal; a crashed leader is replaced after it."""
    resync_seconds: float = 300.0
    """How often objects deleted unseen are looked for; nothing waits for it."""
    webhook_service: str = ""
    """Service in front of the admission webhook; its Secret and configuration are named after it.
    Empty: no webhook is served."""
    webhook_certificate_folder: str = ""
    """Folder with the webhook's tls.crt and tls.key, which somebody else makes and renews. Empty:
    the operator does, in the Secret."""
    webhook_port: int = 9443
    """Port of the admission webhook."""
    worker_port: int = 8082
    """Port of the worker API."""
    worker_url: str = ""
    """Where workers find the worker API, as http://host:port. Empty: it is not served, and agents
    in mode Pool have no workers."""
    address: str = ""
    """IP address by which workers reach this very replica; empty: they are sent to worker_url."""
    watch_namespaces: tuple[str, ...] = ()
    """Namespaces, with commas between them, that are served; the operator needs rights in no other.
    Empty: all."""
    content_namespaces: tuple[str, ...] = ()
    """Namespaces, with commas between them, in which the content of the ConfigMaps and Secrets that
    agents refer to is part of their revisions. The operator needs the right to list and watch both
    there."""
    prometheus_addresses: str = ""
    """Prometheus servers that analyses of rollouts may ask, as URLs with commas between them; * for
    any. Empty: none."""
    otlp_endpoint: str = ""
    """Base URL of an OpenTelemetry collector that takes OTLP over HTTP, such as
    http://collector.monitoring:4318. Empty: nothing is traced."""
    kubeconfig: str = ""
    """Path of a kubeconfig; empty uses the pod's service account, or KUBECONFIG."""


_RANGES = {
    "shards": (1, 1024),
    "health_port": (1, 65535),
    "debug_port": (1, 65535),
    "webhook_port": (1, 65535),
    "worker_port": (1, 65535),
    "concurrency": (1, 1024),
    "lease_seconds": (5, 3600),
    "resync_seconds": (10.0, 86_400.0),
}
_WORDS = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("json", "console"),
}
_ENDPOINT = re.compile(r"https?://[^\s@?#]+")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


_CONVERT: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "str": str,
    "tuple[str, ...]": _names,
}


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
    _check(config)
    return config


def _check(config: Config) -> None:
    for name, (least, most) in _RANGES.items():
        value = getattr(config, name)
        if not least <= value <= most:
            raise ConfigError(f"{PREFIX}{name.upper()}: must be {least} to {most}, is {value}")
    for name, words in _WORDS.items():
        value = getattr(config, name)
        if value not in words:
            raise ConfigError(f"{PREFIX}{name.upper()}: {value!r} is not one of {', '.join(words)}")
    if config.otlp_endpoint and not _ENDPOINT.fullmatch(config.otlp_endpoint):
        text = "write http(s)://host:port; credentials go into OTEL_EXPORTER_OTLP_HEADERS"
        raise ConfigError(f"{PREFIX}OTLP_ENDPOINT: is no URL that can be used: {text}")
    for name in ("content_namespaces", "watch_namespaces"):
        for namespace in getattr(config, name):
            if not _NAMESPACE.fullmatch(namespace):
                text = f"{namespace!r} is not the name of a namespace"
                raise ConfigError(f"{PREFIX}{name.upper()}: {text}")
