"""Tasks that require capabilities: who is chosen, what is recorded, and what a restart changes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.kubelet import fails, hangs, ok
from builders.specs import (
    NAMESPACE,
    a_choice,
    a_phase,
    a_retry,
    a_task,
    an_agent,
)
from component.engine.selection_cases import able, agents_of_pods, by_agent, flow
from spectra_operator.api import constants as c
from spectra_operator.core.phase import admission
from spectra_operator.core.selection.select import select
from spectra_operator.engine.keys import AGENTS, PHASES
from spectra_operator.kube.resources import PODS


async def test_items_spread_over_equal_agents() -> None:
    async with a_running_world(able("one"), able("two"), able("three")) as world:
        await world.apply(flow(a_choice(count=30)))
        assert (await world.finished())["state"] == "Succeeded"
        assert await agents_of_pods(world) == {"one": 10, "two": 10, "three": 10}


async def test_tasks_that_come_one_after_the_other_take_turns() -> None:
    async with a_running_world(able("one"), able("two")) as world:
        tasks = [
            a_choice(f"t{n}", **({"depends_on": [f"t{n - 1}"]} if n else {})) for n in range(6)
        ]
        await world.apply(flow(*tasks))
        await world.finished()
        assert await agents_of_pods(world) == {"one": 3, "two": 3}


async def test_the_choice_and_its_reason_stand_in_status_and_on_the_pod() -> None:
    async with a_running_world(able("one", concurrency=4)) as world:
        world.kubelet.plan("work", hangs())
        await world.apply(flow(a_choice()))
        await world.until(lambda: world.task_now("work").get("state") == "Running")
        task = world.task_now("work")
        assert (task["agent"], task["selection"]) == ("one", "one: Balance, 0 of 4 busy")
        (pod,) = await world.api.objects(PODS, NAMESPACE)
        assert pod["metadata"]["annotations"][c.ANNOTATION_SELECTION] == task["selection"]


async def test_a_task_that_names_its_agent_has_no_reason_for_it() -> None:
    async with a_running_world(able("one"), an_agent()) as world:
        await world.apply(flow(a_task()))
        await world.finished()
        assert "selection" not in (await world.tasks())["work"]


async def test_a_task_waits_for_an_agent_that_can_do_it_and_starts_when_one_is_applied() -> None:
    async with a_running_world(able("one", "typing")) as world:
        await world.apply(flow(a_choice("read", "ocr")))
        await world.until(lambda: world.task_now("read").get("reason") == "NoMatchingAgent")
        assert "the capability ocr" in world.task_now("read")["message"]
        assert world.status_now()["state"] == "Running"
        await world.during(30)
        assert not world.kubelet.births
        await world.apply(able("two", "ocr"))
        await world.finished()
        assert (await world.tasks())["read"]["agent"] == "two"
        told = [e for e in await all_events(world) if "NoMatchingAgent" in e[1]]
        assert len(told) == 1


async def all_events(world: World) -> list[tuple[str, str]]:
    phases = await world.api.objects(PHASES, NAMESPACE)
    return [e for body in phases for e in await world.events(body["metadata"]["name"])]


async def test_a_capability_that_an_agent_is_given_later_wakes_what_waits() -> None:
    async with a_running_world(able("one", "typing")) as world:
        await world.apply(flow(a_choice("read", "ocr")))
        await world.until(lambda: world.task_now("read").get("reason") == "NoMatchingAgent")
        await world.change("Agent", "one", capabilities=["typing", "ocr"])
        assert (await world.finished())["state"] == "Succeeded"


async def test_where_all_are_full_the_task_waits_and_each_is_named() -> None:
    async with a_running_world(able("one", concurrency=1), able("two", concurrency=1)) as world:
        world.kubelet.plan("hold", hangs(), index=0)
        world.kubelet.plan("hold", hangs(), index=1)
        await world.apply(flow(a_choice("hold", count=3)))
        await world.until(lambda: world.task_now("hold").get("reason") == "NoFreeAgent")
        message = world.task_now("hold")["message"]
        assert message == "no agent with able has a free slot: agent one 1/1; agent two 1/1"


async def test_nothing_waits_for_a_busy_agent_while_an_equal_is_free() -> None:
    async with a_running_world(able("one", concurrency=1), able("two", concurrency=9)) as world:
        for index in range(10):
            world.kubelet.plan("hold", hangs(), index=index)
        await world.apply(flow(a_choice("hold", count=10)))
        await world.until(lambda: len(world.kubelet.births) == 10)
        assert await agents_of_pods(world) == {"one": 1, "two": 9}


async def test_a_retry_may_go_to_another_agent() -> None:
    async with a_running_world(able("good"), able("bad")) as world:
        fate = by_agent(good=ok(), bad=fails())
        world.kubelet.plan("work", *[fate] * 3)
        await world.apply(flow(a_choice(retry=a_retry(3))))
        assert (await world.finished())["state"] == "Succeeded"
        task = (await world.tasks())["work"]
        assert (task["agent"], task["failures"], task["attempt"]) == ("good", 1, 2)
        assert task["selection"].startswith("good: Balance")


async def test_performance_leaves_an_agent_that_fails_after_its_tries() -> None:
    async with a_running_world(able("bad"), able("good")) as world:
        fate = by_agent(good=ok(), bad=fails())
        tasks = [a_choice(f"t{n}", retry=a_retry(5)) for n in range(12)]
        for before, task in pairwise(tasks):
            task["dependsOn"] = [before["name"]]
        for task in tasks:
            world.kubelet.plan(task["name"], *[fate] * 6)
        await world.apply(flow(*tasks, selection_policy="Performance"))
        assert (await world.finished())["state"] == "Succeeded"
        assert await agents_of_pods(world) == {"bad": 3, "good": 12}
        last = (await world.tasks())["t11"]
        assert last["selection"] == "good: Performance, 11 of 11 succeeded, p50 1 s"


async def test_cost_takes_the_cheaper_after_both_were_tried() -> None:
    async with a_running_world(able("cheap"), able("dear")) as world:
        cost = {"cheap": "0.01", "dear": "0.50"}
        fate = by_agent(**{n: ok(usage={"cost": price}) for n, price in cost.items()})
        tasks = [a_choice(f"t{n}") for n in range(10)]
        for before, task in pairwise(tasks):
            task["dependsOn"] = [before["name"]]
        for task in tasks:
            world.kubelet.plan(task["name"], fate)
        await world.apply(flow(*tasks, selection_policy="Cost"))
        await world.finished()
        assert await agents_of_pods(world) == {"cheap": 7, "dear": 3}
        assert (await world.tasks())["t9"]["selection"].startswith("cheap: Cost, 0.01 a success")


async def test_counts_and_costs_are_those_of_the_agent_that_did_each_item() -> None:
    async with a_running_world(able("one"), able("two")) as world:
        fate = by_agent(one=ok(usage={"cost": "1"}), two=ok(usage={"cost": "2"}))
        for index in range(6):
            world.kubelet.plan("each", fate, index=index)
        await world.apply(flow(a_choice("each", count=6)))
        await world.finished()
        await world.during(10)
        for name, cost in (("one", "3"), ("two", "6")):
            status = (await world.api.get(AGENTS, name, NAMESPACE))["status"]
            assert (status["succeeded"], status["usage"]["cost"]) == (3, cost)


async def test_a_fallback_follows_when_all_attempts_have_failed() -> None:
    async with a_running_world(able("one"), an_agent("last")) as world:
        world.kubelet.plan("work", fails(), ok())
        await world.apply(flow(a_choice(fallback=[{"agent": "last"}])))
        assert (await world.finished())["state"] == "Succeeded"
        task = (await world.tasks())["work"]
        assert (task["agent"], task["fallback"], task.get("selection")) == ("last", 1, None)


async def test_defaults_of_the_chosen_agent_do_not_hold() -> None:
    defaults = {"retry": {"limit": 5}}
    async with a_running_world(able("one", defaults=defaults)) as world:
        world.kubelet.plan("work", fails(), ok())
        await world.apply(flow(a_choice()))
        assert (await world.finished())["state"] == "Failed"


async def test_a_phase_that_stands_alone_has_a_policy_of_its_own() -> None:
    async with a_running_world(able("one")) as world:
        await world.apply(a_phase([a_choice()], selection_policy="Cost"))
        status = await world.phase_finished()
        assert (
            status["tasks"]["work"]["selection"] == "one: Cost, to be tried, 0 of 3 attempts seen"
        )


async def test_after_a_restart_slots_are_counted_by_the_agents_of_the_pods() -> None:
    async with a_running_world(able("one", concurrency=2), able("two", concurrency=4)) as world:
        for index in range(9):
            world.kubelet.plan("each", hangs(), index=index)
        await world.apply(flow(a_choice("each", count=9)))
        await world.until(lambda: len(world.kubelet.births) == 6)
        before = dict(world.operator.parts.attempts.by_agent)
        world.operator.kill()
        await world.start("another")
        await world.during(5)
        assert dict(world.operator.parts.attempts.by_agent) == before
        assert before == {(NAMESPACE, "one"): 2, (NAMESPACE, "two"): 4}
        assert len(world.kubelet.births) == 6
        shown = world.task_now("each")
        assert shown["selection"].startswith(f"{shown['agent']}: Balance, ")


async def test_ten_thousand_items_are_no_ten_thousand_choices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []

    def counted(*args: Any) -> Any:
        calls.append(args[1])
        return select(*args)

    monkeypatch.setattr(admission, "select", counted)
    async with a_running_world(able("one"), able("two")) as world:
        await world.apply(flow(a_choice("each", count=400)))
        assert (await world.finished(seconds=3000))["state"] == "Succeeded"
        assert await agents_of_pods(world) == {"one": 200, "two": 200}
        assert len(calls) < 40
