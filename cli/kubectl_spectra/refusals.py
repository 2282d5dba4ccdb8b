"""What the API server's refusals mean, as sentences with an exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import Exists, NotFound, Refused, UnknownKind, Unreachable


def refusal(status: int, content: bytes, what: str) -> Exception:
    """Return the error that an answer of the API server means."""
    try:
        said = json.loads(content)
    except ValueError:
        said = {}
    message = str(said.get("message") or content[:200].decode(errors="replace")).strip()
    if status == 401:
        return Refused("the cluster does not know you (401); renew your kubeconfig's credentials")
    if status == 404:
        return _missing(said.get("details") or {}, message, what)
    if status == 409 and said.get("reason") == "AlreadyExists":
        return Exists(f"{what} exists already")
    if status >= 500 or status == 429:
        return Unreachable(f"the API server answered {status} for {what}: {message}; try again")
    return Refused(f"{what} was refused: {message}")


def _missing(details: Mapping[str, Any], message: str, what: str) -> NotFound:
    """Return what a 404 means: no such object, no such namespace, or no such kind."""
    if details.get("kind") == "namespaces":
        return NotFound(f"namespace {details.get('name')} does not exist; create it, or give -n")
    if message.endswith('" not found'):
        return NotFound(f"{what} does not exist")
    return UnknownKind(f"the cluster knows no {what}; install Spectra's CRDs, see docs/install.md")
