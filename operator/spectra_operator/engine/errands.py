"""Effects that take several calls: pinning, claims, bringing back what has ended, closing Actions.

Each may be done again after a crash at any point, and then comes to the same end.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..api import constants as c
from ..core.phase.status import parse_phase
from ..core.workflow.orders import hopeless
from ..core.workflow.status import parse_workflow
from ..kube.client import KubeClient
from ..kube.errors import AlreadyExists, Conflict, NotFound
from ..kube.resources import (
    CONTROLLER_REVISIONS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    Body,
    uid_of,
)
from . import effects as fx
from .agent_effects import CreateReplay
from .keys import ACTIONS, PHASES, RESOURCES, is_finished
from .replays import create_replay

logger = logging.getLogger(__name__)

Errand = Callable[[Any], Awaitable[Body | None]]

_OPENED: Body = {
    "metadata": {
        "labels": {c.LABEL_FINISHED: None, c.LABEL_STATE: None, c.LABEL_EXPIRES: None},
        "annotations": {c.ANNOTATION_EXPIRES: None},
    }
}


class Errands:
    """Carries out the effects named above; the executor asks the Lease before each."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    def actions(self) -> dict[type, Errand]:
        """Return what carries out which effect."""
        return {
            fx.DeletePhase: self._delete_phase,
            fx.PinTemplates: self._pin_templates,
            fx.CreateClaim: self._create_claim,
            CreateReplay: self._create_replay,
            fx.DeleteClaim: self._delete_claim,
            fx.Reopen: self._reopen,
            fx.CloseAction: self._close_action,
        }

    async def _delete_phase(self, effect: fx.DeletePhase) -> Body | None:
        try:
            await self._client.delete(
                PHASES, effect.key.namespace, effect.name, uid=effect.uid, propagation="Foreground"
            )
        except (NotFound, Conflict):
            logger.debug("phase %s/%s is gone already", effect.key.namespace, effect.name)
        return None

    async def _pin_templates(self, effect: fx.PinTemplates) -> Body | None:
        """The first leader's pin stands; whoever comes later goes by it."""
        namespace = effect.key.namespace
        try:
            return await self._client.get(CONTROLLER_REVISIONS, namespace, effect.name)
        except NotFound:
            if effect.body is None:
                return None
        try:
            return await self._client.create(CONTROLLER_REVISIONS, namespace, effect.body)
        except AlreadyExists:
            return await self._client.get(CONTROLLER_REVISIONS, namespace, effect.name)

    async def _create_claim(self, effect: fx.CreateClaim) -> Body | None:
        namespace, name = effect.key.namespace, effect.body["metadata"]["name"]
        try:
            return await self._client.create(PERSISTENT_VOLUME_CLAIMS, namespace, effect.body)
        except AlreadyExists:
            found = await self._client.get(PERSISTENT_VOLUME_CLAIMS, namespace, name)
        if _workflow_of(found) != effect.workflow_uid:
            raise AlreadyExists(f"claim {name} exists and is not this workflow's; delete it")
        if found["metadata"].get("deletionTimestamp"):
            raise Conflict(f"claim {name} of an earlier run is still being deleted")
        return found

    async def _create_replay(self, effect: CreateReplay) -> Body | None:
        return await create_replay(self._client, effect)

    async def _delete_claim(self, effect: fx.DeleteClaim) -> Body | None:
        namespace = effect.key.namespace
        try:
            found = await self._client.get(PERSISTENT_VOLUME_CLAIMS, namespace, effect.name)
            if _workflow_of(found) == effect.workflow_uid:
                await self._client.delete(
                    PERSISTENT_VOLUME_CLAIMS, namespace, effect.name, uid=uid_of(found)
                )
        except (NotFound, Conflict):
            logger.debug("claim %s/%s is gone already", namespace, effect.name)
        return {"items": await self._expiring_pods(effect)}

    async def _expiring_pods(self, effect: fx.DeleteClaim) -> list[Body]:
        """Give the pods that mount a claim a time to go; return them."""
        namespace = effect.key.namespace
        selector = f"{c.LABEL_WORKFLOW_UID}={effect.workflow_uid},{c.LABEL_WORKSPACE}"
        patch: Body = {
            "metadata": {
                "labels": {c.LABEL_EXPIRES: "true"},
                "annotations": {c.ANNOTATION_EXPIRES: effect.expires},
            }
        }
        found = []
        for pod in (await self._client.list(PODS, namespace, label_selector=selector)).items:
            name = pod["metadata"]["name"]
            try:
                found.append(await self._client.patch(PODS, namespace, name, patch))
            except NotFound:
                continue
        return found

    async def _reopen(self, effect: fx.Reopen) -> Body | None:
        """Return the target as it is now with `items`, all that was brought back.

        None if there is no target; `refused` says why nothing was brought back, and is empty if
        the order had been carried out before.
        """
        target, namespace = effect.target, effect.key.namespace
        try:
            body = await self._client.get(RESOURCES[target.kind], namespace, target.name)
        except NotFound:
            return None
        try:
            refused = _refused(effect, body)
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            refused = f"the status of {target.kind} {target.name} cannot be read: {error}"
        if refused is not None:
            return {"target": body, "items": [], "refused": refused}
        if target.kind == "Agent" or not is_finished(body):
            return {"target": body, "items": [body]}
        phases = await self._reopened_phases(body) if target.kind == "Workflow" else []
        opened = await self._client.patch(RESOURCES[target.kind], namespace, target.name, _OPENED)
        return {"target": opened, "items": [*phases, opened]}

    async def _reopened_phases(self, workflow: Body) -> list[Body]:
        """Bring the phases of the spec back; what followed an earlier end, and plans, stay."""
        selector = f"{c.LABEL_WORKFLOW_UID}={uid_of(workflow)},!{c.LABEL_ROLE}"
        namespace = workflow["metadata"]["namespace"]
        listing = await self._client.list(PHASES, namespace, label_selector=selector)
        found = []
        for phase in listing.items:
            name = phase["metadata"]["name"]
            opened = phase
            if is_finished(phase):
                opened = await self._client.patch(PHASES, namespace, name, _OPENED)
            found.append(opened)
        return found

    async def _close_action(self, effect: fx.CloseAction) -> Body | None:
        namespace, name = effect.key.namespace, effect.key.name
        label: Body = {"labels": {c.LABEL_FINISHED: "true"}}
        if effect.owner:
            label["ownerReferences"] = [effect.owner]
        try:
            await self._client.patch(
                ACTIONS, namespace, name, {"status": effect.status}, subresource="status"
            )
            return await self._client.patch(ACTIONS, namespace, name, {"metadata": label})
        except NotFound:
            return None


def _refused(effect: fx.Reopen, body: Body) -> str | None:
    """Return why nothing is to be brought back, empty if it is done already; None if it is."""
    target, order = effect.target, effect.order
    if effect.uid and uid_of(body) != effect.uid:
        return f"{target.kind} {target.name} is another one by now: it has the UID {uid_of(body)}"
    if body["metadata"].get("deletionTimestamp"):
        return f"{target.kind} {target.name} is being deleted"
    if target.kind == "Agent":
        return None
    if target.kind == "Phase":
        applied = parse_phase(body.get("status")).applied
        return applied.get(order.uid, _not_alone(body))
    record = parse_workflow(body.get("status"))
    known = next((o for o in record.orders if o.uid == order.uid), None)
    if known and record.ended:
        return known.refused
    return hopeless(record, order) or None


def _not_alone(phase: Body) -> str | None:
    ref = phase["spec"].get("workflowRef")
    return f"the phase belongs to workflow {ref['name']}; name that as the target" if ref else None


def _workflow_of(body: Body) -> str:
    labels: dict[str, str] = body["metadata"].get("labels") or {}
    return labels.get(c.LABEL_WORKFLOW_UID, "")
