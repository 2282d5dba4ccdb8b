"""ConfigMaps and Secrets named `given`, and agents that refer to them."""

from __future__ import annotations

import base64
from typing import Any

from builders.specs import Body, an_agent

GREETING = {
    "name": "GREETING",
    "valueFrom": {"configMapKeyRef": {"name": "given", "key": "greeting"}},
}
TOKEN = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "given", "key": "token"}}}


def a_config_map(**data: str) -> Body:
    """Return the ConfigMap `given`."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "given"}, "data": data}


def a_secret(**data: str) -> Body:
    """Return the Secret `given`, with values as the API server writes them."""
    written = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "given"}, "data": written}


def a_referring_agent(**fields: Any) -> Body:
    """Return an agent whose environment is a key of each."""
    agent = an_agent(**fields)
    agent["spec"]["template"]["env"] = [GREETING, TOKEN]
    return agent
