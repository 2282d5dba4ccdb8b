"""WorkflowTemplates: whether they can be used, and which text of them each workflow goes by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from ..api.template import WorkflowTemplateSpec
from ..api.workflow import WorkflowSpec
from ..core.names import pin_name, revision_hash
from ..core.spec.expand import template_names
from ..core.spec.review import review
from ..core.workflow.objects import pin_body
from ..kube.errors import KubeError
from ..kube.resources import Body, uid_of
from .effects import Effect, PinTemplates
from .keys import Key
from .parts import Parts
from .runs import StatusState, TemplateRun

KIND = "WorkflowTemplate"
_OBSERVED_SECONDS = 10.0
"""Samples of durations are written to a template's status at most so often; estimates need them
only after a restart."""
NONE: Mapping[str, Any] = {}


class TemplateReconciler:
    """Says of each template whether workflows can be made from it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def reconcile(self, key: Key) -> None:
        """Make one pass over a template."""
        body = self._parts.store.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._parts.templates.pop(key, None)
            self._parts.durations.drop(key)
            return
        run = self._parts.templates.get(key)
        if run is None or run.uid != uid_of(body):
            run = self._parts.templates[key] = TemplateRun(uid_of(body), StatusState())
        if run.status.take(body):
            self._parts.durations.read(key, run.status.stored.get("observed"))
        generation = body["metadata"].get("generation", 0)
        if run.generation != generation:
            run.generation, run.verdict = generation, _verdict(body)
            self._wake_dependents(key)
        self._write(key, run, body)

    def written(self, key: Key, body: Body) -> None:
        """Take in that a status was written."""
        run = self._parts.templates.get(key)
        if run and run.uid == uid_of(body):
            run.status.take(body)
            self._parts.durations.written(key, run.status.stored.get("observed"))

    def _write(self, key: Key, run: TemplateRun, body: Body) -> None:
        durations = self._parts.durations
        observed = durations.to_show(key)
        status = run.verdict | ({"observed": observed} if observed else {})
        if status == run.status.stored:
            run.status.dirty_since = None
            return
        verdict = {name: v for name, v in run.status.stored.items() if name != "observed"}
        at_once = verdict != run.verdict
        if self._parts.statuses.is_due(key, run.status, at_once=at_once, within=_OBSERVED_SECONDS):
            durations.sending(key)
            self._parts.statuses.write(body, key, run.status, status, None)

    def _wake_dependents(self, key: Key) -> None:
        for workflow, run in self._parts.workflows.items():
            if workflow.namespace == key.namespace and run.shape.missing_templates:
                self._parts.queue.add(workflow)


class TemplatePins:
    """The templates that workflows were pinned to, as they stood when they were accepted."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pins: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._asked: set[tuple[str, str]] = set()
        self._absent: set[tuple[str, str]] = set()

    def of(self, key: Key, body: Body) -> Mapping[str, Any] | None:
        """Return the templates that a workflow goes by, None while they are being read.

        While one is missing, those that are there.
        """
        if not _refers(body.get("spec")):
            return NONE
        place = _place(key, body)
        known = self._pins.get(place)
        if known is not None or place in self._asked:
            return known
        there, complete = self._at_hand(key, body)
        if place in self._absent and not complete:
            return there
        if self._parts.admitting(key.namespace):
            self._asked.add(place)
            pin = pin_body(body, there) if complete else None
            self._parts.executor.submit(PinTemplates(key, place[1], pin))
        return None

    def done(self, effect: Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in the templates of a workflow, or that it has none yet."""
        if not isinstance(effect, PinTemplates):
            return
        place = (effect.key.namespace, effect.name)
        self._asked.discard(place)
        if error is not None:
            self._parts.queue.back_off(effect.key)
            return
        if body is None:
            self._absent.add(place)
        else:
            self._absent.discard(place)
            self._pins[place] = (body.get("data") or {}).get("templates") or {}
        self._parts.queue.add(effect.key)

    def forget(self, key: Key, uid: str) -> None:
        """Forget the templates of a workflow that is gone."""
        place = (key.namespace, pin_name(key.name, uid))
        self._pins.pop(place, None)
        self._absent.discard(place)

    def drop(self, concerns: Callable[[str], bool]) -> None:
        """Forget the pins in the namespaces of a shard that was given up."""
        for place in [place for place in self._pins if concerns(place[0])]:
            del self._pins[place]
        self._asked = {place for place in self._asked if not concerns(place[0])}
        self._absent = {place for place in self._absent if not concerns(place[0])}

    def _at_hand(self, key: Key, body: Body) -> tuple[dict[str, Any], bool]:
        """Return the templates that a workflow needs and that exist, and whether those are all."""
        try:
            spec = WorkflowSpec.model_validate(body.get("spec"))
        except ValidationError:
            return {}, True  # what is wrong is found when it is compiled
        found: dict[str, Any] = {}
        while True:
            wanted = template_names(spec, dict(_parsed(found)))
            new = [name for name in wanted if name not in found]
            bodies = {name: self._parts.store.get(Key(KIND, key.namespace, name)) for name in new}
            there = {name: b["spec"] for name, b in bodies.items() if b}
            found |= there
            if len(there) < len(new):
                return found, False
            if not there:
                return found, True


def _parsed(specs: Mapping[str, Any]) -> Iterator[tuple[str, WorkflowTemplateSpec]]:
    for name, spec in specs.items():
        try:
            yield name, WorkflowTemplateSpec.model_validate(spec)
        except ValidationError:
            continue


def _refers(spec: Any) -> bool:
    """Whether a spec refers to templates anywhere; whatever it is."""
    if not isinstance(spec, Mapping):
        return False
    if spec.get("templateRef"):
        return True
    phases = spec.get("phases")
    return isinstance(phases, list) and any(
        isinstance(body, Mapping) and bool(body.get("templateRef"))
        for phase in phases
        if isinstance(phase, Mapping)
        for body in (phase, phase.get("fallback"))
    )


def _place(key: Key, body: Body) -> tuple[str, str]:
    return key.namespace, pin_name(key.name, uid_of(body))


def _verdict(body: Body) -> dict[str, Any]:
    problems = review(KIND, body.get("spec"))
    text = "; ".join(str(problem) for problem in problems)[:1024]
    return {
        "observedGeneration": body["metadata"].get("generation", 0),
        "revision": revision_hash(body.get("spec")),
        "valid": not problems,
        **({"message": text} if text else {}),
    }
