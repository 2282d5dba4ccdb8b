"""Keeps the templates of an agent's revisions: stored once, read again when they are needed."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from ..api.agent import AgentTemplate
from ..core.attempts.objects import revision_body
from ..kube.errors import KubeError
from ..kube.resources import Body
from .agent_book import AgentRun
from .agent_effects import LookUpRevision, PruneRevisions, StoreRevision
from .effects import Effect
from .keys import Key
from .parts import Parts

logger = logging.getLogger(__name__)


class RevisionKeeper:
    """Stores the revision of an agent's spec, and reads those that its rollout knows."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def ensure(self, key: Key, run: AgentRun, body: Body) -> None:
        """Ask for the templates that are needed and not known."""
        if run.hash and run.hash not in run.templates and run.hash not in run.asked:
            run.asked.add(run.hash)
            self._parts.executor.submit(
                StoreRevision(key, revision_body(body, run.hash, run.number))
            )
        record = run.rollout
        for revision in (record.stable, record.preview, record.warm):
            known = revision in run.templates or revision in run.asked or revision in run.lost
            if revision and not known:
                run.asked.add(revision)
                self._parts.executor.submit(LookUpRevision(key, revision))

    def stored(self, key: Key, effect: StoreRevision, found: Body | None) -> None:
        """Take in that a revision is stored."""
        run = self._parts.agents.get(key)
        if run is None or found is None:
            return
        revision = _revision(key, effect.body)
        run.asked.discard(revision)
        if _is_of_another(found, run.uid):  # it goes with an agent that was deleted before
            self._parts.queue.back_off(key)
            return
        if found.get("data") != effect.body["data"]:
            name = effect.body["metadata"]["name"]
            text = f"ControllerRevision {name} has other content; delete it"
            self._refused(key, run, revision, ("RevisionConflict", text))
            return
        run.templates[revision] = _template(found)
        run.lost.discard(revision)
        if revision == run.hash:
            run.problem = None
        self._prune(key, run)
        self._parts.queue.succeeded(key)
        self._parts.queue.add(key)

    def looked_up(self, effect: Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in what a revision is; one that is gone or unreadable cannot be used any more."""
        if not isinstance(effect, LookUpRevision):
            return
        run = self._parts.agents.get(effect.key)
        if run is None:
            return
        run.asked.discard(effect.revision)
        if error is not None:
            self._parts.queue.back_off(effect.key)
            return
        template = _read(body) if body is not None else None
        if template is None:
            run.lost.add(effect.revision)
        else:
            run.templates[effect.revision] = template
        self._parts.queue.add(effect.key)

    def store_failed(self, key: Key, effect: StoreRevision, error: KubeError) -> None:
        """Try to store the revision again later, and say why it did not work."""
        run = self._parts.agents.get(key)
        if run is None:
            return
        revision = _revision(key, effect.body)
        run.asked.discard(revision)
        text = f"its revision cannot be stored: {error}"[:1024]
        self._refused(key, run, revision, ("AgentNotReady", text))

    def _refused(self, key: Key, run: AgentRun, revision: str, why: tuple[str, str]) -> None:
        """Say why the spec's revision is not stored; of an older one nobody waits for it."""
        if revision == run.hash:
            run.problem = why
        self._parts.queue.back_off(key)

    def _prune(self, key: Key, run: AgentRun) -> None:
        """Delete old revisions, except those that something lives on or that may come back."""
        attempts, record = self._parts.attempts, run.rollout
        live = {a.revision for phase in attempts.phases() for a in attempts.of(phase) if a.live}
        known = {record.stable, record.preview, record.warm, record.rejected, run.hash}
        former = {end.revision for end in record.history if record.was_promoted(end.revision)}
        self._parts.executor.submit(PruneRevisions(key, frozenset(live | known | former)))


def _revision(key: Key, body: Body) -> str:
    name: str = body["metadata"]["name"]
    return name.removeprefix(f"{key.name}-")


def _is_of_another(revision: Body, uid: str) -> bool:
    owners = revision["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("uid") != uid for owner in owners)


def _template(revision: Body) -> AgentTemplate:
    return AgentTemplate.model_validate(revision["data"]["template"])


def _read(revision: Body) -> AgentTemplate | None:
    """Return the template of a revision, or None if somebody made something else of it."""
    try:
        return _template(revision)
    except (ValidationError, KeyError, TypeError):
        name = revision["metadata"]["name"]
        logger.warning("ControllerRevision %s has no template that can be read; delete it", name)
        return None
