"""A workflow is one trace, whoever leads, and however often the leader is killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from builders.engine import World, a_running_world, a_world
from builders.kubelet import evicted, fails, hangs
from builders.specs import Body, a_chain, a_retry, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed
from spectra_operator.api import constants as c
from spectra_operator.core.tracing import ids
from spectra_operator.core.tracing.spans import Span
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.kube.resources import PODS


class Told(list[Span]):
    """Spans that were told."""

    def tell(self, spans: Iterable[Span]) -> None:
        self.extend(spans)

    def names(self) -> Counter[str]:
        return Counter(span.name for span in self)

    def by_id(self) -> dict[str, Span]:
        return {span.id: span for span in self}


def paths(told: Told) -> set[str]:
    """Return the path of each span from the root, by names."""
    spans = told.by_id()

    def path(span: Span) -> str:
        return f"{path(spans[span.parent])} > {span.name}" if span.parent else span.name

    return {path(span) for span in told}


async def uid_of_flow(world: World) -> str:
    return str((await world.api.get(WORKFLOWS, "flow", "team"))["metadata"]["uid"])


async def test_a_workflow_is_one_trace_of_phases_tasks_waiting_and_attempts() -> None:
    told = Told()
    async with a_world() as world:
        await world.start(spans=told)
        world.kubelet.plan("b", fails(3), evicted())
        tasks = a_chain("a", "b")
        tasks[1]["retry"] = a_retry(limit=2, losses=2)
        await world.apply(an_agent(), a_workflow([a_step("build", tasks)]))
        await world.finished()
        uid = await uid_of_flow(world)

    assert paths(told) == {
        "workflow",
        "workflow > phase build",
        "workflow > phase build > task a",
        "workflow > phase build > task a > queue",
        "workflow > phase build > task a > attempt 1",
        "workflow > phase build > task b",
        "workflow > phase build > task b > queue",
        "workflow > phase build > task b > attempt 1",
        "workflow > phase build > task b > attempt 2",
        "workflow > phase build > task b > attempt 3",
    }
    assert len(told) == len(told.by_id()) == 10
    assert {span.trace for span in told} == {ids.trace_id(uid)}
    failed = {span.name: span.failed for span in told if span.failed}
    assert failed == {"attempt 1": "Error", "attempt 2": "TerminationByKubelet"}
    for span in told:
        if span.parent:
            above = told.by_id()[span.parent]
            assert above.start <= span.start <= span.end <= above.end, span


async def test_items_of_a_fan_out_have_spans_of_their_own() -> None:
    told = Told()
    async with a_world() as world:
        await world.start(spans=told)
        await world.apply(an_agent(), a_workflow([a_step("build", [a_task("a", count=30)])]))
        await world.finished()

    assert told.names() == {
        "attempt 1": 30, "task a": 1, "queue": 1, "phase build": 1, "workflow": 1,
    }  # fmt: skip
    assert len(told.by_id()) == 34


async def test_a_successor_makes_the_same_ids_and_tells_nothing_that_was_told() -> None:
    told = Told()
    async with a_world() as world:
        first = await world.start("one", spans=told)
        world.kubelet.plan("b", hangs())
        await world.apply(an_agent(), a_workflow([a_step("build", a_chain("a", "b"))]))
        await world.until(lambda: world.task_now("b").get("state") == "Running")
        assert told.names()["task a"] == 1
        first.kill()
        await world.start("two", spans=told)
        (pod,) = [
            p for p in await world.api.objects(PODS) if p["metadata"]["labels"][c.LABEL_TASK] == "b"
        ]
        await world.api.delete(PODS, pod["metadata"]["name"], "team")
        world.kubelet.plan("b")
        await world.finished()

    assert set(told.names().values()) <= {1, 2}
    assert told.names()["task a"] == told.names()["phase build"] == told.names()["workflow"] == 1
    assert all(span.parent in told.by_id() for span in told if span.parent)


async def test_a_pod_is_handed_the_span_of_its_attempt() -> None:
    told = Told()
    async with a_world() as world:
        await world.start(spans=told)
        await world.apply(an_agent(), a_workflow([a_step("build", [a_task("a")])]))
        await world.finished()
        (pod,) = await world.api.objects(PODS)

    (attempt,) = (span for span in told if span.name == "attempt 1")
    env = {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}
    assert env["TRACEPARENT"] == f"00-{attempt.trace}-{attempt.id}-01"


async def test_an_agent_that_sets_the_variable_itself_keeps_it() -> None:
    async with a_world() as world:
        await world.start(spans=Told())
        env = [{"name": "TRACEPARENT", "value": "mine"}]
        await world.apply(an_agent(template={"env": env}), a_workflow())
        await world.finished()
        (pod,) = await world.api.objects(PODS)

    found = [
        each["value"]
        for each in pod["spec"]["containers"][0]["env"]
        if each["name"] == "TRACEPARENT"
    ]
    assert found == ["mine"]


async def test_a_warm_worker_is_handed_the_span_with_its_claim() -> None:
    told = Told()
    given: list[str] = []
    async with a_world() as world:
        await world.start(spans=told)

        def note(claim: Body) -> Deed:
            given.append(claim["traceparent"])
            return Deed()

        world.workers.habits["example/worker:1"] = note
        await world.apply(
            an_agent(mode="Pool", replicas=1), a_workflow([a_step("build", [a_task("a")])])
        )
        await world.finished()

    (attempt,) = (span for span in told if span.name == "attempt 1")
    assert set(given) == {f"00-{attempt.trace}-{attempt.id}-01"}


async def test_a_phase_that_stands_alone_is_a_trace_of_its_own() -> None:
    told = Told()
    async with a_world() as world:
        await world.start(spans=told)
        phase = {"kind": "Phase", "metadata": {"name": "stage"}, "spec": {"tasks": [a_task("a")]}}
        await world.apply(an_agent(), {"apiVersion": c.API_VERSION, **phase})
        await world.phase_finished()
        uid = (await world.api.get(PHASES, "stage", "team"))["metadata"]["uid"]

    assert paths(told) >= {"phase stage", "phase stage > task a > attempt 1"}
    assert {span.trace for span in told} == {ids.trace_id(uid)}


async def test_an_operator_that_traces_nothing_hands_on_nothing() -> None:
    async with a_running_world() as world:
        await world.apply(a_workflow([a_step("build", [a_task("a")])]))
        await world.finished()
        (pod,) = await world.api.objects(PODS)

    assert "TRACEPARENT" not in str(pod)


async def test_a_taker_of_spans_that_is_broken_stops_no_run() -> None:
    class Broken(Told):
        def tell(self, spans: Iterable[Span]) -> None:
            raise RuntimeError("no")

    async with a_world() as world:
        await world.start(spans=Broken())
        await world.apply(an_agent(), a_workflow([a_step("build", [a_task("a")])]))
        assert (await world.finished())["state"] == "Succeeded"
