"""Runs of every kind that are under way while the operator is replaced by another version of it.

Each waits at gates, so that a test decides who leads when something of it ends. What ends at a gate
frees its successors there; so every replica that leads does a whole hop of each kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from builders.specs import a_retry, a_schedule, a_step, a_task
from e2e.harness import bodies
from e2e.harness.bodies import HOLD, Body
from e2e.harness.ledger import Ledger
from e2e.harness.operators import is_ready
from e2e.harness.play import Play, TaskView
from e2e.harness.plugin import FAILS_ONCE, Plugin
from e2e.harness.pools import pool, said, workers
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import CONTROLLER_REVISIONS

GATES = ("early", "middle", "late")
STABLE_WORKERS = 2
CLAIMS = 4
"""As many as the pool's stable revision has slots: two for each worker."""
RETRY_SECONDS = 40
YEARS = {"from": "2024-06-01T00:00:00Z", "to": "2026-06-01T00:00:00Z", "maxConcurrent": 1}
YEARS_RUN = ["2025-01-01", "2026-01-01"]
PRESS = """\
import os, sys, time
from spectra_agent import task, work

sys.stdout.reconfigure(line_buffering=True)

@task
def each(task):
    sys.stdout.write(f"began {task.key} {task.attempt}\\n")
    gate = task.input.get("until")
    while gate and not os.path.exists("/tmp/" + gate) and not task.cancelled:
        time.sleep(0.05)
    sys.stdout.write(f"ended {task.key} {task.attempt}\\n")
    return {"release": os.environ["RELEASE"]}

work()
"""


@dataclass
class InFlight:
    """All that is under way in the namespace of a scenario.

    Attributes:
        play: The scenario.
        image: The agents' image.
        ledger: What the pages of workers told.
        before: How it stood before the operator was replaced.
    """

    play: Play
    image: str
    ledger: Ledger
    before: Mapping[str, object] = field(default_factory=dict)

    async def begin(self) -> None:
        """Start everything, and wait until each is where the replacement is to find it."""
        play = self.play
        self._given_agents()
        self._given_workflows()
        play.given.object(_a_plan("minutely", "* * * * *", "worker"))
        play.given.object(_a_plan("yearly", "@yearly", "holder", backfill=YEARS))
        await play.when.applied()
        await self._task("work/flaky", "again").shows(state="Backoff", failures=1)
        for gate in GATES:
            await self._task(f"work/held-{gate}", "graph").pod_in("Running")
        await self._task("work/first", "stopped").pod_in("Running")
        await play.when.patched("Workflow", "stopped", suspend=True)
        await play.then.workflow_shows("Suspended", name="stopped")
        await play.then.until("all slots are in use", lambda: self._press("busy") == CLAIMS)
        await self._released()
        await play.then.until("all workers run", self._all_workers_run)
        await play.then.until("a year's run holds", lambda: self._years_pod() or None)
        self.before = await self.standing()

    async def standing(self) -> Mapping[str, object]:
        """Return what no replacement of the operator may change while the gates are shut."""
        status = (self.play.world.get("Agent", "press") or {})["status"]
        revisions = await self.play.client.list(CONTROLLER_REVISIONS, self.play.namespace)
        ready = [pod for pod in workers(self.play) if not pod["metadata"].get("deletionTimestamp")]
        return {
            "workers": {p["metadata"]["uid"]: _containers(p) for p in ready},
            "revisions": sorted(found["metadata"]["name"] for found in revisions.items),
            "rollout": {k: status["rollout"][k] for k in ("number", "state", "stable", "active")},
            "pods": sorted(t.uid for t in self.play.recorder.trails if self._waits(t.item.task)),
        }

    async def stands_as_before(self) -> None:
        """Check that a replacement of the operator changed nothing.

        Raises:
            AssertionError: Something is not as it was.
        """
        # Until a worker has called whoever leads now, its revision has no ready worker.
        again = "the rollout is held again"
        await self.play.then.until(again, lambda: self._rollout("state") == "Paused")
        assert await self.standing() == self.before

    async def go_on(self, gate: str) -> None:
        """Open a gate; return when what it held, and what followed, is recorded."""
        await self.opened(gate)
        await self.recorded(gate)

    async def opened(self, gate: str) -> None:
        """Open a gate, and begin a workflow there; return when the pod that was held has ended."""
        play = self.play
        play.given.workflow([a_task("quick"), a_task("warm", agent="press")], name=f"at-{gate}")
        await play.when.applied()
        (held,) = self._task(f"work/held-{gate}", "graph").trails()
        await play.when.let_go(held.name)
        await self._open(gate)
        await play.then.until(f"{held.name} ends", lambda: held.ended)

    async def recorded(self, gate: str) -> None:
        """Wait until what a gate held, and what followed, is recorded."""
        for path, workflow in ((f"work/after-{gate}", "graph"), (f"work/{gate}", "pool")):
            await self._task(path, workflow).shows(state="Succeeded")
        await self.play.then.workflow_ends("Succeeded", f"at-{gate}")

    async def end(self, spectra: Plugin) -> None:
        """Bring all to its end, and check that nothing was lost and nothing ran twice."""
        play = self.play
        await play.when.let_go(self._task("work/first", "stopped").trails()[0].name)
        await self._task("work/first", "stopped").shows(state="Succeeded")
        assert not self._task("work/second", "stopped").trails(), "suspended, and went on"
        await play.when.patched("Workflow", "stopped", suspend=False)
        for name in play.workflows:
            await play.then.workflow_ends("Succeeded", name)
        await self._schedules_end()
        await self._each_once()
        await spectra("rollout", "promote", "press", "--reason", "all is well", "--wait")
        await play.then.until("it is promoted", lambda: self._rollout("state") == "Promoted")

    def _given_agents(self) -> None:
        image = {"image": self.image}
        scripts = {"holder": HOLD, "worker": bodies.PROVE, "fails-once": FAILS_ONCE}
        for name, script in scripts.items():
            self.play.given.agent(name, script, template=image)
        template = image | {"env": [{"name": "RELEASE", "value": "1"}]}
        self.play.given.object(pool("press", PRESS, template=template, rollout={"pause": True}))

    def _given_workflows(self) -> None:
        given = self.play.given
        held = [a_task(f"held-{gate}", agent="holder") for gate in GATES]
        after = [a_task(f"after-{gate}", depends_on=[f"held-{gate}"], count=2) for gate in GATES]
        last = a_step("last", [a_task("sum")], depends_on=["work"])
        given.workflow(phases=[a_step("work", held + after), last], name="graph")
        given.workflow(
            [a_task("flaky", agent="fails-once", retry=a_retry(1, seconds=RETRY_SECONDS))],
            name="again",
        )
        stopped = [a_task("first", agent="holder"), a_task("second", depends_on=["first"])]
        given.workflow(stopped, name="stopped")
        slots = dict(zip(GATES, (1, 1, CLAIMS - 2), strict=True))
        warm = [_at_a_gate(gate, count) for gate, count in slots.items()]
        more = a_task("more", agent="press", count=8, depends_on=["early"])
        given.workflow([*warm, more], name="pool")

    async def _released(self) -> None:
        """Change the pool's agent: its second revision is held before the switch."""
        spec = (self.play.world.get("Agent", "press") or {})["spec"]
        env = {"env": [{"name": "RELEASE", "value": "2"}]}
        await self.play.when.patched("Agent", "press", template=spec["template"] | env)
        await self.play.then.until("it is paused", lambda: self._rollout("state") == "Paused")

    async def _open(self, gate: str) -> None:
        names = [pod["metadata"]["name"] for pod in workers(self.play)]
        touch = [self.play.kubectl("exec", name, "--", "touch", f"/tmp/{gate}") for name in names]
        await asyncio.gather(*touch)

    async def _schedules_end(self) -> None:
        """Let the schedules' runs end, and check that each time had its own run."""
        play = self.play
        await play.when.let_go(self._years_pod())
        second = await play.then.until("the second year", lambda: self._years_pod() or None)
        await play.when.let_go(second)
        await play.when.patched("Schedule", "minutely", suspend=True)
        await play.then.until("their runs end", self._all_runs_succeeded)
        assert [f"{at:%Y-%m-%d}" for at in self.runs("yearly")] == YEARS_RUN
        gaps = {after - at for at, after in pairwise(self.runs("minutely"))}
        assert gaps <= {timedelta(minutes=1)}, f"minutes were left out: {self.runs('minutely')}"

    async def _each_once(self) -> None:
        play = self.play
        for schedule in ("minutely", "yearly"):
            for body in self.runs(schedule).values():
                play.workflows[body["metadata"]["name"]] = body
        warm = dict.fromkeys((*GATES, "more", "warm"), 0)
        await play.world.caught_up("Pod")
        play.then.everything_ran_once(flaky=2, **warm)
        began, ended = await said(play, "began"), await said(play, "ended")
        assert began == ended
        assert (len(began), set(began.values())) == (CLAIMS + 8 + len(GATES), {1})
        assert {attempt for _, attempt in began} == {1}, "a claim was lost"
        assert not self.ledger.broken

    def runs(self, schedule: str) -> dict[datetime, Body]:
        """Return a schedule's workflows by the time that they are for, in its order."""
        found: dict[datetime, Body] = {}
        for body in self.play.world.all("Workflow"):
            meta = body["metadata"]
            if (meta.get("labels") or {}).get(c.LABEL_SCHEDULE) == schedule:
                at = datetime.fromisoformat(meta["annotations"][c.ANNOTATION_SCHEDULED])
                assert at not in found, f"{schedule} ran twice for {at}"
                found[at] = body
        return dict(sorted(found.items()))

    def _all_runs_succeeded(self) -> bool:
        bodies_ = [*self.runs("minutely").values(), *self.runs("yearly").values()]
        states = {(body.get("status") or {}).get("state") for body in bodies_}
        return states == {"Succeeded"} and len(self.runs("yearly")) == len(YEARS_RUN)

    def _years_pod(self) -> str:
        """Name of the pod of a yearly run that holds; empty for none."""
        names = {body["metadata"]["name"] for body in self.runs("yearly").values()}
        trails = [t for t in self.play.recorder.trails if t.item.workflow in names]
        free = self.play.let_go
        return next((t.name for t in trails if t.phase == "Running" and t.name not in free), "")

    def _all_workers_run(self) -> bool:
        """Whether those of both revisions do."""
        return sum(map(is_ready, workers(self.play))) == 2 * STABLE_WORKERS

    def _press(self, name: str) -> int:
        status = (self.play.world.get("Agent", "press") or {}).get("status") or {}
        return int(status.get(name, 0))

    def _rollout(self, name: str) -> str:
        status = (self.play.world.get("Agent", "press") or {}).get("status") or {}
        return str((status.get("rollout") or {}).get(name, ""))

    def _task(self, path: str, workflow: str) -> TaskView:
        return self.play.then.task(path, workflow=workflow)

    def _waits(self, task: str) -> bool:
        return task.startswith("held-") or task == "first"


def _at_a_gate(gate: str, count: int) -> Body:
    return a_task(gate, agent="press", count=count, input={"until": gate})


def _a_plan(name: str, cron: str, agent: str, **fields: Any) -> Body:
    flow = bodies.one_phase("unused", [a_task(agent=agent)])
    body = a_schedule(cron, flow, name=name, successful_runs_history_limit=9, **fields)
    return body | {"metadata": {"name": name}}


def _containers(pod: Body) -> tuple[str, int]:
    """Return which container runs in a worker, and how often it was started anew."""
    (status,) = pod["status"]["containerStatuses"]
    return status["containerID"], status["restartCount"]
