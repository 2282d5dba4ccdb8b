"""Deletes what is finished: by its time, or because later runs left no room for it.

What is deleted was read just before, and goes only if it is still at that version: a run that
was reopened meanwhile stays.
"""

from __future__ import annotations

from ..api import constants as c
from ..core.clean_up import beyond, is_expired_at
from ..core.schedule.runs import is_decided, owner_of
from ..kube.client import KubeClient
from ..kube.errors import Conflict, NotFound
from ..kube.resources import PODS, Body
from .effects import DeleteExpired, MarkFinished, PruneHistory
from .keys import RESOURCES, SCHEDULES, WORKFLOWS

EXPIRING = RESOURCES | {PODS.kind: PODS}
_TRIES = 5


def finished_patch(effect: MarkFinished) -> Body:
    """Return the patch that labels an ended object; an earlier end leaves no time behind."""
    expires = "true" if effect.expires else None
    labels = {c.LABEL_FINISHED: "true", c.LABEL_STATE: effect.state or None}
    if effect.template:
        labels[c.LABEL_TEMPLATE] = effect.template
    return {
        "metadata": {
            "labels": labels | {c.LABEL_EXPIRES: expires},
            "annotations": {c.ANNOTATION_EXPIRES: effect.expires or None},
        }
    }


async def delete_expired(client: KubeClient, effect: DeleteExpired) -> None:
    """Delete an object whose time has come, unless it is another one now or was reopened.

    Raises:
        Conflict: It keeps changing, or its schedule's status does not tell of it yet.
        KubeError: The API server refused.
    """
    for _ in range(_TRIES):
        try:
            if await _delete_if_due(client, effect):
                return
        except NotFound:
            return
    raise Conflict(f"{effect.key} is not deleted: it keeps changing")


async def _delete_if_due(client: KubeClient, effect: DeleteExpired) -> bool:
    """Read an object and delete it as it is; return False if it changed in between."""
    key = effect.key
    resource = EXPIRING[key.kind]
    found = await client.get(resource, key.namespace, key.name)
    meta = found["metadata"]
    if meta["uid"] != effect.uid or not is_expired_at(found, effect.expires):
        return True
    if not await _may_go(client, found, {}):
        raise Conflict(f"{key} is not deleted: its schedule's status does not tell of it yet")
    try:
        await client.delete_as_read(resource, found)
    except Conflict:
        return False
    return True


async def prune_history(client: KubeClient, effect: PruneHistory) -> None:
    """Delete the oldest finished workflows beyond the limits.

    Raises:
        KubeError: The API server refused.
    """
    namespace = effect.key.namespace
    selector = f"{c.LABEL_FINISHED},{effect.label}={effect.key.name}"
    listing = await client.list_metadata(WORKFLOWS, namespace, label_selector=selector)
    schedules: dict[str, Body | None] = {}
    for run in beyond(listing.items, effect.limits):
        meta = run["metadata"]
        if meta.get("deletionTimestamp") or not await _may_go(client, run, schedules):
            continue
        try:
            await client.delete_as_read(WORKFLOWS, run)
        except (NotFound, Conflict):
            continue  # gone already, or reopened


async def _may_go(client: KubeClient, body: Body, schedules: dict[str, Body | None]) -> bool:
    """Whether no schedule would make the run again: its status tells of it, or it is gone."""
    owner = owner_of(body)
    if owner is None:
        return True
    name, uid = owner
    if name not in schedules:
        try:
            namespace = body["metadata"]["namespace"]
            schedules[name] = await client.get(SCHEDULES, namespace, name)
        except NotFound:
            schedules[name] = None
    found = schedules[name]
    return found is None or found["metadata"]["uid"] != uid or is_decided(found, body)
