"""Results that are too large for a status go through the workspace, on a real cluster."""

from __future__ import annotations

import json
from typing import Any

from builders.specs import a_step, a_task
from e2e.harness.play import Play

ROWS = 5_000
SERVE = "from spectra_agent import Task, run\n"
COLLECT = SERVE + f"run(lambda task: {{'table': list(range({ROWS})), 'rows': {ROWS}}})"
COUNT = SERVE + "run(lambda task: {'sum': sum(task.input['table'])})"


def given_flow(play: Play, *, mounted: bool) -> None:
    """Give a workflow whose second task reads the large output of the first."""
    for name, code in (("collector", COLLECT), ("counter", COUNT)):
        play.given.agent(name, template={"command": ["python3", "-c", code]})
    mount: dict[str, Any] = {"workspace": {}} if mounted else {}
    table = {"table": "${tasks.collect.outputs.table}"}
    tasks = [
        a_task("collect", agent="collector", **mount),
        a_task("count", agent="counter", depends_on=["collect"], input=table, **mount),
    ]
    workspace: dict[str, Any] = {"workspace": {"size": "1Mi"}} if mounted else {}
    play.given.workflow(phases=[a_step("work", tasks)], **workspace)


async def test_a_large_output_reaches_the_next_task_whole(play: Play) -> None:
    given_flow(play, mounted=True)
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    found = play.then.task("work/collect").outputs
    assert found["rows"] == ROWS
    assert found["table"].keys() == {"$workspace", "bytes", "sha256"}
    assert found["table"]["bytes"] == len(json.dumps(list(range(ROWS)), separators=(",", ":")))
    assert play.then.task("work/count").outputs == {"sum": sum(range(ROWS))}


async def test_without_a_workspace_the_task_fails_and_says_how_large_it_was(play: Play) -> None:
    given_flow(play, mounted=False)
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    said = play.then.task("work/collect").status["message"]
    assert "bytes of JSON, the limit is 4,000" in said
    assert "'workspace: {}'" in said
