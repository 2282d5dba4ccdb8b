"""Given, when, then: one scenario in one namespace of a real cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from builders.cluster import ROOT, LocalCluster
from builders.recorder import Item, Recorder, Trail
from e2e.harness import bodies
from e2e.harness.bodies import HELD_UNTIL
from e2e.harness.dump import describe
from e2e.harness.following import DeadlinePassed, Follower
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import ACTIONS, AGENTS, PHASES, SCHEDULES, TEMPLATES, WORKFLOWS
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import (
    CONFIG_MAPS,
    EVENTS,
    NAMESPACES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SECRETS,
    Resource,
)

Body = dict[str, Any]
T = TypeVar("T")

QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
OURS = (AGENTS, PHASES, WORKFLOWS, SCHEDULES, ACTIONS, TEMPLATES)
FOLLOWED = (*OURS, PODS, EVENTS, ACCOUNTS, PERSISTENT_VOLUME_CLAIMS)
KINDS = {r.kind: r for r in (*FOLLOWED, QUOTAS, SECRETS, CONFIG_MAPS)}
ENDS = frozenset({"Succeeded", "Failed", "Cancelled", "Rejected"})


@dataclass(repr=False)
class Play:
    """A scenario: where it happens, what was given, and what was seen.

    Attributes:
        cluster: For kubectl.
        client: For everything else.
        world: The namespace as it is.
        recorder: What ran in it.
        given_bodies: Objects that wait to be applied.
        workflows: Workflows that were given, by name.
        let_go: Holding pods that may end.
    """

    cluster: LocalCluster
    client: AiohttpClient
    world: Follower
    recorder: Recorder = field(default_factory=Recorder)
    given_bodies: list[Body] = field(default_factory=list)
    workflows: dict[str, Body] = field(default_factory=dict)
    let_go: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Record from now on."""
        self.world.listen("Pod", self.recorder.pod_event)
        self.world.listen("Event", lambda _, body, __: self.recorder.kubelet_event(body))

    @property
    def namespace(self) -> str:
        """The namespace of the scenario."""
        assert self.world.namespace is not None
        return self.world.namespace

    @property
    def given(self) -> Given:
        """Say what there is."""
        return Given(self)

    @property
    def when(self) -> When:
        """Do something."""
        return When(self)

    @property
    def then(self) -> Then:
        """Say what must come."""
        return Then(self)

    async def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl in the namespace of the scenario."""
        return await self.cluster.kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def dump(self) -> str:
        """Return how everything stands, for the report of a failure."""
        return describe(self.world, self.recorder)

    def only_workflow(self) -> str:
        """Return the name of the workflow, when there is one."""
        (name,) = self.workflows
        return name


class Given:
    """What there is before something happens. Nothing is applied yet."""

    def __init__(self, play: Play) -> None:
        self._play = play

    def agent(self, name: str = "worker", script: str = bodies.PROVE, **fields: Any) -> None:
        """Give an agent; see `bodies.agent`."""
        self.object(bodies.agent(name, script, **fields))

    def workflow(self, tasks: Iterable[Body] = (), *, name: str = "flow", **fields: Any) -> None:
        """Give a workflow of one phase `work`, or of `phases`."""
        phases = fields.pop("phases", None)
        if phases is None:
            self.object(bodies.one_phase(name, tasks, **fields))
        else:
            self.object(bodies.workflow(name, phases, **fields))

    def object(self, body: Body) -> None:
        """Give any object."""
        self._play.given_bodies.append(body)
        if body["kind"] == "Workflow":
            self._play.workflows[body["metadata"]["name"]] = body

    def example(self, name: str) -> None:
        """Give all objects of a file under examples/."""
        for body in yaml.safe_load_all((Path(ROOT) / "examples" / name).read_text()):
            self.object(body)


class When:
    """What somebody does."""

    def __init__(self, play: Play) -> None:
        self._play = play

    async def applied(self) -> None:
        """Create everything that was given and is not there yet."""
        play = self._play
        waiting, play.given_bodies = play.given_bodies, []
        for body in waiting:
            await play.client.create(KINDS[body["kind"]], play.namespace, body)

    async def patched(self, kind: str, name: str, **spec: Any) -> None:
        """Change fields of an object's spec."""
        await self._play.client.patch(KINDS[kind], self._play.namespace, name, {"spec": spec})

    async def deleted(self, kind: str, name: str, *, force: bool = False) -> None:
        """Delete an object; by force: with no grace, as `kubectl delete --force`."""
        await self._play.client.delete(
            KINDS[kind], self._play.namespace, name, grace_seconds=0 if force else None
        )

    async def finalizers_stripped(self, pod: str) -> None:
        """Take all finalizers off a pod, as somebody in a hurry does."""
        patch = {"metadata": {"finalizers": None}}
        await self._play.client.patch(PODS, self._play.namespace, pod, patch)

    async def let_go(self, pod: str) -> None:
        """Let a pod that holds (see `bodies.HOLD`) do its work and end."""
        self._play.let_go.add(pod)
        command = ("-n", self._play.namespace, "exec", pod, "--", "touch", HELD_UNTIL)
        answer = await self._play.cluster.try_kubectl(*command)
        # The container may end, and take `touch` with it, before `touch` itself has.
        assert answer.code in (0, 137), answer.err

    async def each_let_go(self, count: int) -> None:
        """Let so many holding pods go, each as soon as it runs."""

        def next_one() -> str | None:
            live = (t for t in self._play.recorder.trails if t.ended is None)
            free = self._play.let_go
            return next((t.name for t in live if t.phase == "Running" and t.name not in free), None)

        for number in range(count):
            pod = await self._play.world.until(f"pod {number + 1} of {count} runs", next_one)
            await self.let_go(pod)

    async def namespace_deleted(self) -> None:
        """Delete the namespace; returns at once."""
        await self._play.client.delete(NAMESPACES, None, self._play.namespace)


class Then:
    """What must come. Waits end with the event that brings it, or fail at a deadline."""

    def __init__(self, play: Play) -> None:
        self._play = play

    async def until(self, what: str, probe: Callable[[], T | None], seconds: float = 90.0) -> T:
        """Wait for anything."""
        return await self._play.world.until(what, probe, seconds)

    async def workflow_ends(
        self, state: str, name: str = "", *, reason: str | None = None, within: float = 120.0
    ) -> Body:
        """Wait for the end of a workflow and return its status."""
        name = name or self._play.only_workflow()
        status = await self._play.world.until(
            f"workflow {name} ends {state}", lambda: self._ended(name), within
        )
        shown = (status["state"], status.get("reason", ""))
        wanted = (state, shown[1] if reason is None else reason)
        assert shown == wanted, f"{name} ended {shown}: {status.get('message')}"
        await self._play.world.caught_up("Pod")
        await self._play.world.caught_up("Phase")
        return status

    async def workflow_shows(
        self, state: str, reason: str = "", name: str = "", *, within: float = 60.0
    ) -> Body:
        """Wait until a workflow shows a state, and a reason if one is given."""
        name = name or self._play.only_workflow()

        def shown() -> Body | None:
            status = (self._play.world.get("Workflow", name) or {}).get("status") or {}
            right = status.get("state") == state and status.get("reason", "") == reason
            return status if right or (not reason and status.get("state") == state) else None

        return await self.until(f"workflow {name} shows {state} {reason}", shown, within)

    def task(self, path: str, *, workflow: str = "") -> TaskView:
        """Return a task of the workflow, by `phase/task`."""
        phase, task = path.split("/")
        return TaskView(self._play, workflow or self._play.only_workflow(), phase, task)

    def everything_ran_once(self, **attempts: int) -> None:
        """Check the recorder's proof over all workflows that were given.

        Args:
            attempts: How many attempts the named tasks took (`-` in a name written `_`), where
                it is not one: 0 for a task that never ran.
        """
        expected: dict[Item, int] = {}
        graph: dict[str, list[str]] = {}
        for body in self._play.workflows.values():
            graph |= bodies.graph_of(body)
            for step, count in bodies.steps_of(body).items():
                tries = attempts.get(step.rsplit("/", 1)[1].replace("-", "_"), 1)
                run, phase, task = step.split("/")
                expected |= {Item(run, phase, task, index): tries for index in range(count)}
        recorder = self._play.recorder
        wrong = recorder.broken_promises(expected) + recorder.too_early(graph)
        assert not wrong, "\n".join(wrong)

    async def told(self, kind: str, reason: str, text: str = "") -> Body:
        """Wait for a Kubernetes Event about an object of a kind and return it."""

        def found() -> Body | None:
            for event in self._play.world.all("Event"):
                about = event["involvedObject"]["kind"] == kind and event["reason"] == reason
                if about and text in event.get("message", ""):
                    return event
            return None

        return await self.until(f"an Event {reason} of a {kind} with {text!r}", found)

    def no_pod_ever(self) -> None:
        """Check that no attempt was ever begun."""
        assert not self._play.recorder.trails, "a pod was started"

    async def pods_gone(self, within: float = 60.0) -> None:
        """Wait until the namespace has no pods."""
        await self.until("no pods", lambda: not self._play.world.all("Pod") or None, within)

    def _ended(self, name: str) -> Body | None:
        status = (self._play.world.get("Workflow", name) or {}).get("status") or {}
        return status if status.get("state") in ENDS else None


@dataclass(frozen=True, repr=False)
class TaskView:
    """One task of a run: its status, and the pods that worked on it."""

    play: Play
    workflow: str
    phase: str
    name: str

    @property
    def status(self) -> Body:
        """Its status as last seen; empty while there is none."""
        for body in self.play.world.all("Phase"):
            labels = body["metadata"].get("labels") or {}
            if (labels.get(c.LABEL_WORKFLOW), labels.get(c.LABEL_PHASE)) == (
                self.workflow,
                self.phase,
            ):
                found: Body = (body.get("status") or {}).get("tasks", {}).get(self.name, {})
                if found:  # a fallback is another object of the same phase
                    return found
        return {}

    @property
    def outputs(self) -> Any:
        """What it returned."""
        return json.loads(self.status["outputs"])

    def trails(self, index: int = 0) -> list[Trail]:
        """The pods that worked on one of its items."""
        return self.play.recorder.of(Item(self.workflow, self.phase, self.name, index))

    def ran(self, attempts: int, index: int = 0) -> None:
        """Check that an item took exactly these attempts, one after the other."""
        item = Item(self.workflow, self.phase, self.name, index)
        wrong = [
            text
            for text in self.play.recorder.broken_promises({item: attempts})
            if "nobody asked" not in text
        ]
        assert not wrong, "\n".join(wrong)

    def ran_once(self) -> None:
        """Check that it took one attempt."""
        self.ran(1)

    async def shows(self, seconds: float = 60.0, **fields: Any) -> Body:
        """Wait until its status has these fields; text is looked for, all else must be equal."""

        def shown() -> Body | None:
            status = self.status
            return status if status and _matches(status, fields) else None

        try:
            return await self.play.world.until(f"{self.name} shows {fields}", shown, seconds)
        except DeadlinePassed as error:
            raise DeadlinePassed(f"{error}; it shows {self.status}") from None

    async def pod_in(self, phase: str, attempt: int = 1, seconds: float = 60.0) -> Body:
        """Wait until the pod of an attempt is in a phase (Pending, Running, ...)."""

        def found() -> Body | None:
            for trail in self.trails():
                body = self.play.world.get("Pod", trail.name)
                if trail.attempt == attempt and body and body["status"]["phase"] == phase:
                    return body
            return None

        return await self.play.world.until(
            f"attempt {attempt} of {self.name} {phase}", found, seconds
        )


def _matches(status: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    return all(
        wanted in str(status.get(name, ""))
        if isinstance(wanted, str)
        else status.get(name, 0) == wanted
        for name, wanted in fields.items()
    )
