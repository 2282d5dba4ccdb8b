"""Reconciles Actions: each is taken in by its target, and closed once that stands in status."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import ValidationError

from ..api.action import ActionSpec
from ..api.constants import API_VERSION
from ..core.attempts.evidence import instant
from ..core.conditions import timestamp
from ..core.orders import Order, misfits
from ..core.rollout.answers import rollout_answer
from ..core.rollout.orders import rollout_order
from ..core.workflow.answers import answer
from ..core.workflow.records import WorkflowRecord
from ..core.workflow.status import parse_workflow
from ..kube.errors import KubeError
from ..kube.resources import Body, uid_of, version_of
from .effects import CloseAction, Effect, Reopen
from .keys import AGENTS, Key, key_of
from .parts import Parts


class ActionReconciler:
    """Brings one Action to its target and back."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._targets: dict[Key, tuple[Key, str]] = {}
        self._closing: set[Key] = set()
        self._asked: dict[Key, Key] = {}

    def reconcile(self, key: Key) -> None:
        """Make one pass over an Action."""
        body = self._parts.store.get(key)
        if body is None:
            self._gone(key)
            return
        if key in self._closing:
            return
        ended = (body.get("status") or {}).get("state") in ("Applied", "Refused")
        if ended:  # a crash came between status and label
            self._close(key, body, body["status"])
            return
        try:
            spec = ActionSpec.model_validate(body.get("spec"))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            self._refuse(key, body, f"spec.{where}: {first['msg']}")
            return
        wrong = next(misfits(spec), None)
        if wrong is not None:
            self._refuse(key, body, str(wrong))
            return
        target = Key(spec.target.kind, key.namespace, spec.target.name)
        self._bring(key, body, target, spec)

    def done(self, effect: Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in that a target was brought back, or that an Action was closed."""
        if isinstance(effect, Reopen):
            self._reopened(effect, body, error)
        elif error is not None:
            self._closing.discard(effect.key)
            self._parts.queue.back_off(effect.key)
        else:
            self._closing.discard(effect.key)
            known = self._parts.store.get(effect.key)
            if known:
                self._parts.store.drop(effect.key, version_of(body or known))
            self._gone(effect.key)

    def drop(self, concerns: Callable[[str], bool]) -> None:
        """Forget the Actions in the namespaces of a shard that was given up."""
        self._targets = {k: v for k, v in self._targets.items() if not concerns(k.namespace)}
        self._closing = {key for key in self._closing if not concerns(key.namespace)}
        self._asked = {k: v for k, v in self._asked.items() if not concerns(k.namespace)}
        for kept in (self._parts.reopening, self._parts.reopened):
            kept -= {key for key in kept if concerns(key.namespace)}
        self._parts.orders.drop_all(concerns)

    def _bring(self, key: Key, body: Body, target: Key, spec: ActionSpec) -> None:
        parts, order = self._parts, _order(body, spec)
        there = parts.store.get(target)
        if there is None:
            parts.reopening.add(target)  # before anything is written: phases are no orphans
            if key not in self._asked and parts.admitting(key.namespace):
                self._asked[key] = target
                parts.executor.submit(Reopen(key, target, spec.target.uid or "", order))
            return
        why = self._settled(target, order.uid)
        wrong = _wrong_target(there, spec) or (self._unable(target) if why is None else "")
        if wrong:
            self._refuse(key, body, wrong)
            return
        self._targets[key] = (target, order.uid)
        parts.orders.put(target, order)
        parts.queue.add(target)
        if why == "":
            text = f"{self._answer(target, order)} ({target.kind} {target.name})"
            self._finish(key, body, "Applied", text)
        elif why is not None:
            self._refuse(key, body, why)

    def _unable(self, target: Key) -> str:
        """Return why a target cannot take an order now, or nothing."""
        agent = self._parts.agents.get(target)
        if agent is None or agent.spec is not None:
            return ""
        problem = f" ({agent.problem[1]})" if agent.problem else ""
        return f"Agent {target.name} is not valid{problem}; mend it and ask again"

    def _settled(self, target: Key, uid: str) -> str | None:
        """Return why an order was refused, nothing if it was carried out, None if not yet."""
        agent = self._parts.agents.get(target)
        if agent is not None:
            applied = (known for known in agent.rollout.applied if known.uid == uid)
            return next((known.refused for known in applied), None)
        if target.kind == "Workflow":
            workflow = self._parts.workflows.get(target)
            return workflow.settled.get(uid) if workflow else None
        phase = self._parts.phases.get(target)
        return phase.persisted.applied.get(uid) if phase else None

    def _answer(self, target: Key, order: Order) -> str:
        """Return what an order has done to its target, as that is stored."""
        agent = self._parts.agents.get(target)
        if agent is not None:
            return rollout_answer(agent.rollout, rollout_order(order))
        run = self._parts.workflows.get(target)
        if run is None:
            return answer(WorkflowRecord(), order)
        return answer(run.persisted, order, len(run.shape.spec.finally_ or ()))

    def _reopened(self, effect: Reopen, body: Body | None, error: KubeError | None) -> None:
        parts, target = self._parts, effect.target
        self._asked.pop(effect.key, None)
        if target not in self._asked.values():  # others may be bringing it back still
            parts.reopening.discard(target)
            parts.queue.add(target)
        action = parts.store.get(effect.key)
        if error is not None:
            parts.queue.back_off(effect.key)
        elif action is None:
            self._lay_down(target, body)
        elif body is None:
            self._refuse(effect.key, action, f"there is no {target.kind} {target.name}")
        elif "refused" in body:
            state = "Refused" if body["refused"] else "Applied"
            text = body["refused"] or answer(_record(target, body["target"]), effect.order)
            self._finish(effect.key, action, state, text)
        else:
            self._lay_down(target, body)
            self.reconcile(effect.key)  # the target must know of the order before it looks
        self._wake_phases(target)

    def _lay_down(self, target: Key, body: Body | None) -> None:
        """Put the target and its phases into the store in one step."""
        items = (body or {}).get("items") or []
        for item in items:
            self._parts.store.offer(item)
        if items and target.kind != AGENTS.kind:
            self._parts.reopened.add(target)
        for item in items:
            self._parts.queue.add(key_of(item))

    def _wake_phases(self, target: Key) -> None:
        """Phases that waited for their workflow to come back look again."""
        for key, run in self._parts.phases.items():
            ref = run.shape.spec.workflow_ref
            if ref and key.namespace == target.namespace and ref.name == target.name:
                self._parts.queue.add(key)

    def _refuse(self, key: Key, body: Body, why: str) -> None:
        self._finish(key, body, "Refused", why)

    def _finish(self, key: Key, body: Body, state: str, message: str) -> None:
        now = timestamp(self._parts.clock.now())
        status = {"state": state, "message": message[:1024], "finishedAt": now}
        self._close(key, body, status)

    def _close(self, key: Key, body: Body, status: Body) -> None:
        if key not in self._closing and self._parts.admitting(key.namespace):
            self._closing.add(key)
            self._parts.executor.submit(CloseAction(key, status, self._owner(key, body)))

    def _owner(self, key: Key, body: Body) -> Body | None:
        """Return what an Action is deleted with: its target, if that is there."""
        spec = body.get("spec") or {}
        named = spec.get("target") or {}
        kind = named.get("kind", "Workflow")
        target = self._parts.store.get(Key(kind, key.namespace, named.get("name", "")))
        if target is None or body["metadata"].get("ownerReferences"):
            return None
        name = target["metadata"]["name"]
        return {"apiVersion": API_VERSION, "kind": kind, "name": name, "uid": uid_of(target)}

    def _gone(self, key: Key) -> None:
        self._closing.discard(key)
        target, uid = self._targets.pop(key, (None, ""))
        if target:
            self._parts.orders.drop(target, uid)
            self._parts.queue.add(target)


def _record(target: Key, body: Body) -> WorkflowRecord:
    """Return the workflow that a target is as it is stored; an empty one for a phase."""
    return parse_workflow(body.get("status")) if target.kind == "Workflow" else WorkflowRecord()


def _order(body: Body, spec: ActionSpec) -> Order:
    meta = body["metadata"]
    at = instant(meta["creationTimestamp"]) or datetime.min.replace(tzinfo=UTC)
    return Order(
        uid=uid_of(body),
        name=meta["name"],
        type=spec.type,
        actor=spec.actor,
        reason=spec.reason,
        at=at,
        phase=spec.phase or "",
        task=spec.task or "",
        outputs=json.dumps(spec.outputs, separators=(",", ":")) if spec.outputs else "",
        revision=spec.revision or "",
    )


def _wrong_target(there: Body, spec: ActionSpec) -> str:
    meta, kind, name = there["metadata"], spec.target.kind, spec.target.name
    if spec.target.uid and meta["uid"] != spec.target.uid:
        return f"{kind} {name} is another one by now: it has the UID {meta['uid']}"
    if meta.get("deletionTimestamp"):
        return f"{kind} {name} is being deleted"
    ref = there["spec"].get("workflowRef") if kind == "Phase" else None
    return f"the phase belongs to workflow {ref['name']}; name that as the target" if ref else ""
