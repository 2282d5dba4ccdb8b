"""Workspaces: the volume claim that is made for a workflow, and what becomes of it."""

from __future__ import annotations

from ..api.workflow import WorkflowState
from ..core.clean_up import LEAST_SECONDS, expiry
from ..core.names import claim_name
from ..core.workflow.objects import claim_body
from ..kube.errors import KubeError
from ..kube.resources import Body
from .effects import CreateClaim, DeleteClaim, Effect
from .keys import Key
from .parts import Parts
from .queue import backoff
from .runs import ClaimState, Delay, WorkflowRun

_WORKSPACE = "/workspace"
"""By what a refused claim goes among the phases that could not be created."""


class Claims:
    """Makes claims before the first phase, and deletes them after the last pod."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def wait_for(self, key: Key, run: WorkflowRun) -> str:
        """Return why a workflow's claim is not there yet; ask for it if nobody has."""
        wanted = run.shape.spec.workspace
        if wanted is None or wanted.claim_name or run.persisted.ended:
            return ""
        if run.claim is ClaimState.READY:
            return ""
        delay = run.delayed.get(_WORKSPACE)
        if delay and delay.until > self._parts.clock.monotonic():
            self._parts.queue.add_at(key, delay.until)
            return delay.why
        if run.claim is ClaimState.UNKNOWN and self._parts.admitting(key.namespace):
            run.claim = ClaimState.ASKED
            body = claim_body(run.shape, wanted, self._parts.shard_label(key.namespace))
            self._parts.executor.submit(CreateClaim(key, body, run.shape.uid))
        return delay.why if delay else "the claim of its workspace is being created"

    def release(self, key: Key, run: WorkflowRun) -> bool:
        """Whether nothing is left to delete of an ended workflow; ask for it if there is."""
        if run.claim is ClaimState.GONE or not _goes(run):
            return True
        if run.claim is not ClaimState.DELETING:
            run.claim = ClaimState.DELETING
            name = claim_name(key.name, run.shape.uid)
            expires = expiry(self._parts.clock.now(), LEAST_SECONDS)
            self._parts.executor.submit(DeleteClaim(key, name, run.shape.uid, expires))
        return False

    def done(self, effect: Effect, _: Body | None, error: KubeError | None) -> None:
        """Take in whether a claim was created or deleted."""
        run = self._parts.workflows.get(effect.key)
        if run is None:
            return
        if error is None:
            deleted = isinstance(effect, DeleteClaim)
            run.claim = ClaimState.GONE if deleted else ClaimState.READY
            run.delayed.pop(_WORKSPACE, None)
        else:
            before = run.delayed.get(_WORKSPACE)
            tries = before.tries + 1 if before else 1
            until = self._parts.clock.monotonic() + backoff(tries)
            why = f"the claim of its workspace is refused: {error}"[:1024]
            run.claim = ClaimState.UNKNOWN
            run.delayed[_WORKSPACE] = Delay(why, tries, until)
        self._parts.queue.add(effect.key)


def _goes(run: WorkflowRun) -> bool:
    """Whether the claim that was made for a workflow is to be deleted at its end."""
    wanted = run.shape.spec.workspace
    if wanted is None or wanted.claim_name or run.persisted.started_at is None:
        return False
    if wanted.retention == "DeleteOnSuccess":
        return run.persisted.state is WorkflowState.SUCCEEDED
    return wanted.retention == "Delete"
