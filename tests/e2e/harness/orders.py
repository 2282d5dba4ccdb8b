"""Actions on a scenario's runs, and what exactly ran because of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from builders.recorder import Item
from e2e.harness.play import Play
from spectra_operator.api.constants import API_VERSION, LABEL_FINISHED
from spectra_operator.engine.keys import ACTIONS

Body = dict[str, Any]

ACTOR = "kubernetes-admin"
"""Who the tests are to the cluster."""


def an_action(kind: str, name: str, target: str, **spec: Any) -> Body:
    """Return an Action about a workflow; `spec` has further fields as they stand in YAML."""
    asked = {"target": {"name": target}, "type": kind, "actor": ACTOR, "reason": "a test"}
    meta = {"name": name}
    return {
        "apiVersion": API_VERSION,
        "kind": "Action",
        "metadata": meta,
        "spec": asked | spec,
    }


async def asked(
    play: Play, kind: str, name: str = "", *, target: str = "flow", **spec: Any
) -> Body:
    """Ask for something; return the Action's status once it was carried out or refused."""
    name = name or kind.lower()
    await play.client.create(ACTIONS, play.namespace, an_action(kind, name, target, **spec))

    def closed() -> Body | None:
        body = play.world.get("Action", name) or {"metadata": {}}
        over = LABEL_FINISHED in (body["metadata"].get("labels") or {})
        return body["status"] if over else None

    status = await play.then.until(f"Action {name} is closed", closed)
    await play.world.caught_up("Workflow")  # the target's status tells of it by now
    return status


async def applied(play: Play, kind: str, name: str = "", **spec: Any) -> Body:
    """Ask for something that must be carried out."""
    status = await asked(play, kind, name, **spec)
    assert status["state"] == "Applied", status
    return status


def order_of(play: Play) -> list[str]:
    """Return `phase/task` of every pod, in the order of creation."""
    return [f"{trail.item.phase}/{trail.item.task}" for trail in play.recorder.trails]


def one_after_the_other(play: Play, *paths: str, workflow: str = "flow") -> None:
    """Check that each of these tasks began after the one before it was over."""
    steps = [f"{workflow}/{path}" for path in paths]
    graph = {after: [before] for before, after in pairwise(steps)}
    assert set(paths) <= set(order_of(play))
    wrong = play.recorder.too_early(graph)
    assert not wrong, "\n".join(wrong)


def ran(
    play: Play, expected: Mapping[str, int | list[int]], *workflows: str, alone: bool = True
) -> None:
    """Check that exactly these items ran, each so often, one attempt after the other.

    Args:
        play: The scenario.
        expected: By `phase/task` or `phase/task/index` how many attempts there were, or their
            numbers where a new object began to count anew.
        workflows: The workflows that did it; `flow` if none is named.
        alone: Whether nothing else ran.
    """
    wanted = {
        _item(workflow, path): number if isinstance(number, list) else list(range(1, number + 1))
        for workflow in workflows or ("flow",)
        for path, number in expected.items()
    }
    counted = {item: len(numbers) for item, numbers in wanted.items()}
    anew = [f"{item}: attempts" for item, n in wanted.items() if n != sorted(set(n))]
    wrong = [
        text
        for text in play.recorder.broken_promises(counted)
        if not text.startswith(tuple(anew)) and (alone or "nobody asked" not in text)
    ]
    for item, numbers in wanted.items():
        seen = [trail.attempt for trail in play.recorder.of(item)]
        if seen != numbers:
            wrong.append(f"{item}: attempts {seen} instead of {numbers}")
    assert not wrong, "\n".join(wrong)


def _item(workflow: str, path: str) -> Item:
    phase, task, *index = path.split("/")
    return Item(workflow, phase, task, int(index[0]) if index else 0)
