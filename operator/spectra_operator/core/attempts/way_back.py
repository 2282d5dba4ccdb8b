"""The way from an agent's pod to the worker API: where it is, and a token for nothing else."""

from __future__ import annotations

from typing import Any

from ...api import constants as c

Body = dict[str, Any]

_FOLDER = "/var/run/secrets/spectra"
_SECONDS = 3600
_VOLUME = "spectra-token"
_TOKEN: Body = {"audience": c.AUDIENCE, "expirationSeconds": _SECONDS, "path": "token"}

MOUNT: Body = {"name": _VOLUME, "mountPath": _FOLDER, "readOnly": True}
VOLUME: Body = {"name": _VOLUME, "projected": {"sources": [{"serviceAccountToken": _TOKEN}]}}


def variables(url: str) -> dict[str, str]:
    """Return what a pod is told of it; `url` is where the worker API is to be found."""
    return {"SPECTRA_WORKER_URL": url, "SPECTRA_WORKER_TOKEN_FILE": f"{_FOLDER}/token"}
