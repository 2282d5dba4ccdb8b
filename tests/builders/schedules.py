"""What tests of schedules look at: the runs of a schedule in the fake cluster."""

from __future__ import annotations

from typing import Any

from builders.engine import World
from builders.fake_api.store import StoreEvent
from builders.specs import NAMESPACE
from spectra_operator.api import constants as c
from spectra_operator.core.conditions import find
from spectra_operator.engine.keys import SCHEDULES, WORKFLOWS
from spectra_operator.kube.resources import Body


def runs(world: World, schedule: str = "nightly") -> list[Body]:
    """Return the workflows of a schedule, oldest time first; not to be changed."""
    found = [
        body
        for body in world.api._store.all(WORKFLOWS, NAMESPACE)
        if (body["metadata"].get("labels") or {}).get(c.LABEL_SCHEDULE) == schedule
    ]
    return sorted(found, key=lambda body: str(scheduled_at(body)))


def times(world: World, schedule: str = "nightly") -> list[str]:
    """Return the times of day for which a schedule has runs, such as 00:05."""
    return [scheduled_at(body)[11:16] for body in runs(world, schedule)]


def scheduled_at(body: Body) -> str:
    """Return the time that a run is for."""
    text: str = body["metadata"]["annotations"][c.ANNOTATION_SCHEDULED]
    return text


def created(world: World) -> list[str]:
    """Return the names of the workflows that the operator created, in order, repeats too."""
    return [
        entry.call.name
        for entry in world.api.log
        if (entry.call.verb, entry.call.plural, entry.status) == ("create", "workflows", 201)
    ]


class Births:
    """Every workflow that comes into being, in order, whoever made it and whatever was answered."""

    def __init__(self, world: World) -> None:
        self.names: list[str] = []
        world.api._store.listen(self._note)

    def _note(self, event: StoreEvent) -> None:
        if event.resource == WORKFLOWS and event.previous is None and not event.removed:
            self.names.append(event.body["metadata"]["name"])


def status(world: World, schedule: str = "nightly") -> Body:
    """Return the status of a schedule; empty before the first write."""
    found: Body = (world.peek(SCHEDULES, schedule) or {}).get("status") or {}
    return found


def condition(world: World, name: str = "Ready", schedule: str = "nightly") -> dict[str, Any]:
    """Return a condition of a schedule."""
    return dict(find(status(world, schedule), name))
