"""Tasks that require capabilities on the real cluster: who is chosen, why, and who waits."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from builders.specs import a_choice, a_retry
from e2e.harness.bodies import HOLD
from e2e.harness.play import Play
from e2e.harness.pools import pool, ready_workers
from spectra_operator.api import constants as c

FAIL = "exit 1"


def agents_of(play: Play, task: str) -> Counter[str]:
    """Return how many pods of a task each agent had."""
    labels = [pod["metadata"].get("labels") or {} for pod in play.world.all("Pod")]
    return Counter(found[c.LABEL_AGENT] for found in labels if found.get(c.LABEL_TASK) == task)


def chain(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Return tasks that any able agent may do, one after the other."""
    tasks = [a_choice(f"t{number}", **fields) for number in range(count)]
    for before, task in pairwise(tasks):
        task["dependsOn"] = [before["name"]]
    return tasks


async def test_the_example_spreads_over_equal_agents_and_finds_the_only_one(play: Play) -> None:
    play.given.example("selection/selection.yaml")
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    assert agents_of(play, "read") == {"reader-a": 3, "reader-b": 3}
    total = play.then.task("work/total")
    assert total.outputs == {"letters": 45}
    assert total.status["agent"] == "surveyor"
    assert total.status["selection"] == "surveyor: Balance, 0 busy"


async def test_a_task_that_nobody_can_do_starts_when_an_agent_is_applied(play: Play) -> None:
    play.given.agent("typist", capabilities=["typing"])
    play.given.workflow([a_choice("read", "ocr")])
    await play.when.applied()
    await play.then.task("work/read").shows(state="Ready", reason="NoMatchingAgent")
    await play.then.told("Phase", "Waiting", "has the capability ocr")

    play.given.agent("reader", capabilities=["ocr", "typing"])
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")
    assert play.then.task("work/read").status["agent"] == "reader"
    play.then.everything_ran_once(read=1)


async def test_a_full_agent_yields_and_when_all_are_full_the_task_says_so(play: Play) -> None:
    for name in ("one", "two"):
        play.given.agent(name, script=HOLD, capabilities=["able"], concurrency=1)
    play.given.workflow([a_choice("held", count=3)])
    await play.when.applied()
    await play.then.task("work/held").shows(reason="NoFreeAgent")
    assert agents_of(play, "held") == {"one": 1, "two": 1}
    assert "agent one 1/1; agent two 1/1" in play.then.task("work/held").status["message"]

    await play.when.each_let_go(3)

    await play.then.workflow_ends("Succeeded")


@pytest.mark.usefixtures("killing")  # whoever takes over knows only what statuses hold
@pytest.mark.xdist_group("operator")
async def test_performance_leaves_an_agent_that_fails(play: Play) -> None:
    play.given.agent("bad", script=FAIL, capabilities=["able"])
    play.given.agent("good", capabilities=["able"])
    play.given.workflow(chain(5, retry=a_retry(4)), selection_policy="Performance")
    await play.when.applied()

    await play.then.workflow_ends("Succeeded", within=150)

    last = play.then.task("work/t4").status
    assert (last["agent"], last.get("failures", 0)) == ("good", 0)
    assert last["selection"].startswith("good: Performance, 4 of 4 succeeded, p50 ")
    tried = sum((agents_of(play, f"t{number}") for number in range(5)), Counter[str]())
    assert tried == {"bad": 3, "good": 5}


async def test_warm_workers_and_pods_share_the_items(play: Play) -> None:
    play.given.object(pool("warm", capabilities=["able"]))
    play.given.agent("cold", capabilities=["able"], concurrency=4)
    await play.when.applied()
    await play.then.until("both are ready", lambda: ready_workers(play, "warm") == 2 or None)

    play.given.workflow([a_choice("each", count=8, input={"seconds": 2})])
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")
    assert agents_of(play, "each") == {"cold": 4}
    outputs = play.then.task("work/each").outputs
    assert sum("pod" in item for item in outputs) == 4
    assert sum("ran" in item for item in outputs) == 4
