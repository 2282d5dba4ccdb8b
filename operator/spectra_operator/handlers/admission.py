"""The admission webhook: says at once what the reconcile pass would say of a spec.

It is a help for whoever applies an object, never a guard: where it cannot be reached the API
server lets objects in, and the same checks reject them a moment later.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kopf

from ..api.constants import GROUP, VERSION
from ..core.spec.review import review
from ..core.spec.validate import Problem
from .webhook_certificate import CERTIFICATE, KEY

logger = logging.getLogger(__name__)

REVIEWED: Mapping[str, str] = {
    "agents": "Agent",
    "workflows": "Workflow",
    "phases": "Phase",
    "workflowtemplates": "WorkflowTemplate",
    "schedules": "Schedule",
}
"""Kinds by their plural, which is also the path of the webhook."""
REFUSED = 422
MAX_SHOWN = 10
MAX_CHARACTERS = 4_000


def make_server(port: int, certificate: Path) -> kopf.WebhookServer:
    """Return the server of the webhook; it notices within a minute when the file has changed."""
    return kopf.WebhookServer(port=port, certfile=certificate, pkeyfile=certificate)


def mounted_server(port: int, folder: Path) -> kopf.WebhookServer:
    """Return the server with a mounted certificate, which somebody else makes and renews."""
    return kopf.WebhookServer(port=port, certfile=folder / CERTIFICATE, pkeyfile=folder / KEY)


def register(registry: kopf.OperatorRegistry) -> None:
    """Register one handler a kind; plain functions, so that kopf runs them in threads."""
    logging.getLogger("kopf.objects").addFilter(_is_no_refusal)
    for plural, kind in REVIEWED.items():
        kopf.on.validate(GROUP, VERSION, plural, id=plural, registry=registry)(_handler(kind))


def _handler(kind: str) -> Any:
    def check(
        body: Mapping[str, Any], old: Mapping[str, Any] | None, userinfo: Any, **_: Any
    ) -> None:
        if old and old.get("spec") == body.get("spec"):
            return  # labels or finalizers change; an object that got in must also get out
        problems = review(kind, body.get("spec"))
        if not problems:
            return
        meta = body.get("metadata") or {}
        name = f"{meta.get('namespace')}/{meta.get('name') or meta.get('generateName')}"
        user = userinfo.get("username")
        logger.info("refused %s %s of %s (%d problems)", kind, name, user, len(problems))
        raise kopf.AdmissionError(said(problems), code=REFUSED)

    return check


def said(problems: tuple[Problem, ...]) -> str:
    """Return what the person who applied the object reads."""
    lines = [str(problem) for problem in problems[:MAX_SHOWN]]
    if len(problems) > MAX_SHOWN:
        lines.append(f"and {len(problems) - MAX_SHOWN} more")
    return "; ".join(lines)[:MAX_CHARACTERS]


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Keep kopf from telling a refused object as an error of the operator."""
    return " failed permanently: " not in record.getMessage()
