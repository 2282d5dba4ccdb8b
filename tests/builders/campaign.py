"""Runs one scenario over and over, each time with the operator's death at another request.

The scenario has two phases, a fan-out, one retry, one loss, and outputs that flow from task to
task and from phase to phase. Whatever happens to the operator, it must come to the same end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from builders.engine import World, a_running_world
from builders.fake_api.faults import Call, Cut, Fault, Match
from builders.kubelet import evicted, fails, ok
from builders.replica import SYSTEM
from builders.specs import Body, a_retry, a_step, a_task, a_workflow
from spectra_operator.api import constants as c

PREDECESSORS = {
    "shard": {"plan"},
    "merge": {"shard"},
    "report": {"plan", "shard", "merge"},
    "check": {"report"},
}
ATTEMPTS = {
    ("plan", 0): [1],
    ("shard", 0): [1],
    ("shard", 1): [1, 2],
    ("shard", 2): [1],
    ("merge", 0): [1, 2],
    ("report", 0): [1],
    ("check", 0): [1],
}
INPUTS = {"merge": {"all": [{"n": 0}, {"n": 1}, {"n": 2}]}, "report": {"sum": 3}}


def the_workflow() -> Body:
    """Return the workflow of the campaign."""
    retry = a_retry(limit=1, seconds=2)
    again = a_retry(losses=1)
    build = [
        a_task("plan"),
        a_task("shard", depends_on=["plan"], count=3, retry=retry),
        a_task("merge", depends_on=["shard"], retry=again, input={"all": "${tasks.shard.outputs}"}),
    ]
    report = a_task("report", input={"sum": "${phases.build.outputs.merge.sum}"})
    check = a_task("check", depends_on=["report"])
    steps = [a_step("build", build), a_step("ship", [report, check], depends_on=["build"])]
    return a_workflow(steps)


async def begin(world: World) -> None:
    """Begin the campaign."""
    plan_fates(world)
    await world.apply(the_workflow())


def plan_fates(world: World) -> None:
    """Tell the kubelet how the tasks of the campaign go."""
    for index in range(3):
        fates = [ok({"n": index})]
        world.kubelet.plan("shard", *([fails()] if index == 1 else []), *fates, index=index)
    world.kubelet.plan("merge", evicted(), ok(lambda given: {"sum": _sum(given)}))


def _sum(given: Any) -> int:
    return sum(part["n"] for part in given["all"])


@dataclass(slots=True)
class Mutations:
    """Counts the engine's writes and names the n-th; the Leases of shards are no part of a run."""

    nth: int = 0
    seen: int = 0
    calls: list[str] = field(default_factory=list)

    def __call__(self, call: Call) -> bool:
        """Return whether a call is the n-th write."""
        if call.verb not in ("create", "update", "patch", "delete") or _is_election(call):
            return False
        self.seen += 1
        self.calls.append(f"{call.verb} {call.plural}/{call.subresource} {call.name}")
        return self.seen == self.nth


def _is_election(call: Call) -> bool:
    return call.plural == "leases" and call.namespace == SYSTEM


class KillBefore(Fault):
    """The operator dies before the request is committed."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self._kill = kill

    async def before(self) -> None:
        """Kill, and drop the request."""
        self._kill()
        raise Cut


class KillAfter(Fault):
    """The operator dies after the commit, before it has the answer."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self._kill = kill

    async def after(self) -> None:
        """Kill, and drop the answer."""
        self._kill()
        raise Cut


Death = type[KillBefore] | type[KillAfter]


def arm(world: World, counter: Mutations, fault: Fault) -> None:
    """Let a fault befall the write that the counter names."""
    world.api.fault(_as_match(counter), fault)


def _as_match(counter: Mutations) -> Match:
    matching: Any = counter  # anything that can be called with a call matches
    return matching  # type: ignore[no-any-return]


async def end_state(world: World) -> Any:
    """Return what the run came to: without times and versions, the same for every history."""
    status = await world.status()
    phases = await world.phases()
    shown = {
        name: {task: _outcome(value) for task, value in phase["tasks"].items()}
        for name, phase in phases.items()
    }
    steps = [(step["name"], step["state"], step["counts"]) for step in status["phases"]]
    return status["state"], status["progress"], steps, shown


def _outcome(task: Body) -> Any:
    fields = ("state", "attempt", "failures", "losses", "outputs", "items", "agent", "revision")
    return {name: task.get(name) for name in fields}


def check_history(world: World) -> None:
    """Check what must hold of every run, whatever befell it."""
    births = world.kubelet.births
    made = {item: world.kubelet.attempts(*item) for item in ATTEMPTS}
    assert made == ATTEMPTS, made
    assert len(births) == sum(len(numbers) for numbers in ATTEMPTS.values())
    for birth in births:
        done = {task for _, task, _ in birth.succeeded}
        assert PREDECESSORS.get(birth.task, set()) <= done, birth
        if birth.task == "merge":
            shards = {index for _, task, index in birth.succeeded if task == "shard"}
            assert shards == {0, 1, 2}, birth
    for (task, _, _), given in world.kubelet.inputs.items():
        assert given == INPUTS.get(task, {}), (task, given)
    assert world.held_pods() == []
    assert world.operator.failed_passes() == 0


def is_labelled(body: Body) -> bool:
    """Whether an object is labelled as finished."""
    return c.LABEL_FINISHED in (body["metadata"].get("labels") or {})


def any_write(_nth: int, _call: str) -> bool:
    """Choose every write."""
    return True


def but_events(_nth: int, call: str) -> bool:
    """Choose the writes that a story is made of; Events only tell of it."""
    return " events/" not in call


async def killed_at_every_write(
    undisturbed: Callable[[], Awaitable[tuple[Any, list[str]]]],
    killed_at: Callable[[int, Any], Awaitable[None]],
    least: int,
    chosen: Callable[[int, str], bool] = any_write,
) -> None:
    """Run a story once for each write that it makes; more than `least`, or it tells nothing.

    Args:
        undisturbed: Runs it in peace; returns its end and its writes.
        killed_at: Runs it with a death at the n-th write, and checks that it ends like that.
        least: Writes that it must make more of.
        chosen: Which of the writes, by number and call, are worth a death.
    """
    expected, calls = await undisturbed()
    found = [(nth, call) for nth, call in enumerate(calls, 1) if chosen(nth, call)]
    assert len(found) > least
    for nth, call in found:
        try:
            await killed_at(nth, expected)
        except AssertionError as error:
            raise AssertionError(f"killed at write {nth}, {call}: {error}") from error


async def nothing(_: World) -> None:
    """Do nothing: for a story before which nothing happens."""


@dataclass(frozen=True)
class Tale:
    """A story that the operator may die in at any write.

    Attributes:
        agent: What there is before it begins.
        begin: Lets it begin.
        end: Waits for its end and checks what must hold of it; returns the end, the same each time.
        is_over: Whether nothing more will be written, so that nobody can die any more.
        before: What happens before it begins, when nobody dies yet.
        chosen: Which of its writes, by number and call, are worth a death.
        seconds: How long it may go on until somebody has died or it is over.
    """

    agent: Body
    begin: Callable[[World], Awaitable[None]]
    end: Callable[[World], Awaitable[Any]]
    is_over: Callable[[World], bool]
    before: Callable[[World], Awaitable[None]] = nothing
    chosen: Callable[[int, str], bool] = any_write
    seconds: float = 120

    async def dies(self, kind: Death, least: int) -> None:
        """Tell it once for each chosen write, of which there must be more than `least`."""
        await killed_at_every_write(
            self._undisturbed,
            lambda nth, expected: self._killed_at(nth, kind, expected),
            least,
            self.chosen,
        )

    async def _undisturbed(self) -> tuple[Any, list[str]]:
        async with a_running_world(self.agent) as world:
            await self.before(world)
            counter = Mutations()
            arm(world, counter, Fault())
            await self.begin(world)
            return await self.end(world), counter.calls

    async def _killed_at(self, nth: int, kind: Death, expected: Any) -> None:
        async with a_running_world(self.agent) as world:
            await self.before(world)
            first, over = world.operator, self.is_over
            arm(world, Mutations(nth), kind(first.kill))
            await self.begin(world)
            await world.until(lambda: not first.running or over(world), seconds=self.seconds)
            if not first.running:  # else a repeated write was saved this time: there is no n-th
                await world.start()  # the same identity: it need not wait for the Lease to expire
            assert await self.end(world) == expected
