"""Agents and workflows of tests about who is chosen."""

from __future__ import annotations

from collections import Counter
from typing import Any

from builders.engine import World
from builders.kubelet import Fate
from builders.specs import (
    NAMESPACE,
    a_step,
    a_workflow,
    an_agent,
)
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import PODS, Body


def able(name: str, *capabilities: str, **fields: Any) -> Body:
    """An agent that is able, or has these capabilities."""
    return an_agent(name, uid=f"uid-{name}", capabilities=list(capabilities or ("able",)), **fields)


def flow(*tasks: Body, **fields: Any) -> Body:
    return a_workflow([a_step("build", tasks)], **fields)


async def agents_of_pods(world: World) -> Counter[str]:
    found = await world.api.objects(PODS, NAMESPACE)
    return Counter(pod["metadata"]["labels"][c.LABEL_AGENT] for pod in found)


def by_agent(**fates: Fate) -> Fate:
    """A fate that depends on the agent of the pod."""

    def end(pod: Body, when: float) -> Body:
        ending = fates[pod["metadata"]["labels"][c.LABEL_AGENT]].ending
        return ending(pod, when) if ending else pod

    return Fate(end)
