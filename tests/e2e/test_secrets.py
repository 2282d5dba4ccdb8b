"""Secrets and ConfigMaps by reference: they reach the container, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from builders.specs import a_task
from e2e.harness.orders import ran
from e2e.harness.play import FOLLOWED, Play
from spectra_operator.kube.resources import CONFIG_MAPS, SECRETS

Body = dict[str, Any]

TOKEN = "a-word-that-stands-nowhere-else"
ENV = [
    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "given", "key": "token"}}},
    {"name": "GREETING", "valueFrom": {"configMapKeyRef": {"name": "given", "key": "greeting"}}},
    {
        "name": "EXTRA",
        "valueFrom": {"secretKeyRef": {"name": "never", "key": "k", "optional": True}},
    },
]
SAY = 'out "{\\"letters\\": ${#TOKEN}, \\"said\\": \\"$GREETING\\", \\"extra\\": ${#EXTRA}}"'


def values(kind: str, **data: str) -> Body:
    """Return a Secret or ConfigMap `given`."""
    field = "stringData" if kind == "Secret" else "data"
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "given"}, field: data}


async def test_a_task_waits_for_its_secret_which_then_stands_nowhere_but_in_its_container(
    play: Play,
) -> None:
    play.given.agent(script=SAY, template={"env": ENV})
    play.given.workflow([a_task("greet")])
    await play.client.create(CONFIG_MAPS, play.namespace, values("ConfigMap", greeting="welcome"))
    await play.when.applied()
    greet = play.then.task("work/greet")
    await greet.shows(reason="CreateContainerConfigError", message='secret "given" not found')

    await play.client.create(SECRETS, play.namespace, values("Secret", token=TOKEN))

    await play.then.workflow_ends("Succeeded")
    assert greet.outputs == {"letters": len(TOKEN), "said": "welcome", "extra": 0}
    ran(play, {"work/greet": 1})
    objects = [body for kind in FOLLOWED for body in play.world.all(kind.kind)]
    assert objects
    assert TOKEN not in json.dumps(objects)
