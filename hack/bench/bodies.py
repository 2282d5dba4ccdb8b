"""Objects of our own API as the benchmark applies them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cluster.kwok import LABEL, TAINT
from spectra_operator.api.constants import API_VERSION

Body = dict[str, Any]

AGENT = "worker"


def a_task(name: str, **fields: Any) -> Body:
    """Return a task of the benchmark's agent; fields as in YAML."""
    return {"name": name, "agent": AGENT, **fields}


def a_step(name: str, tasks: Iterable[Body], **fields: Any) -> Body:
    """Return a phase as it stands in a workflow's list."""
    return {"name": name, "tasks": list(tasks), **fields}


def a_workflow(name: str, phases: Iterable[Body], **fields: Any) -> Body:
    """Return a Workflow."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"phases": list(phases), **fields},
    }


def a_fake_agent(name: str, env: Mapping[str, str], **fields: Any) -> Body:
    """Return an Agent whose pods run on fake nodes; `env` is told to their container."""
    template = {
        "image": "none",
        "command": ["run"],
        "nodeSelector": LABEL,
        "tolerations": [{"key": TAINT["key"], "operator": "Exists"}],
        "env": [{"name": key, "value": value} for key, value in env.items()],
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "Agent",
        "metadata": {"name": name},
        "spec": {"template": template, **fields},
    }
