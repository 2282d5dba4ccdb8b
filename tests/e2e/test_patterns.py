"""The four patterns, and what each of their steps sees, on a real cluster."""

from __future__ import annotations

from typing import Any

from builders.specs import a_step, a_task
from e2e.harness.orders import one_after_the_other, order_of, ran
from e2e.harness.play import Play

Body = dict[str, Any]

ECHO = 'out "{\\"task\\": \\"$SPECTRA_TASK\\", \\"saw\\": $SPECTRA_INPUT}"'
LEAD = 'out "{\\"work\\": [\\"x\\", \\"y\\"]}"'


async def run_example(play: Play, name: str) -> None:
    """Run an example's workflow to its end."""
    play.given.example(f"patterns/{name}.yaml")
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")


async def run_pattern(play: Play, pattern: str, *tasks: str) -> dict[str, Any]:
    """Run tasks that return what they saw; return that by task."""
    play.given.agent("worker", ECHO)
    play.given.agent("lead", LEAD)
    made = [a_task(name, agent="lead" if name == "lead" else "worker") for name in tasks]
    play.given.workflow(phases=[a_step("team", made, pattern=pattern)])
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")
    return {name: play.then.task(f"team/{name}").outputs for name in tasks if name != "do"}


async def test_sequential_tasks_see_what_the_one_before_returned(play: Play) -> None:
    await run_example(play, "sequential")

    assert play.then.task("text/print").outputs == {"text": "draft, review, print"}
    ran(play, {"text/draft": 1, "text/review": 1, "text/print": 1}, "sequential")
    one_after_the_other(play, "text/draft", "text/review", "text/print", workflow="sequential")


async def test_parallel_tasks_run_at_once_and_the_last_one_merges(play: Play) -> None:
    await run_example(play, "parallel")

    assert play.then.task("walls/total").outputs == {"metres": 42}
    ran(play, {"walls/north": 1, "walls/south": 1, "walls/total": 1}, "parallel")
    assert play.recorder.most_at_once() == 2
    assert order_of(play)[-1] == "walls/total"


async def test_the_stages_of_a_pipeline_see_all_stages_before(play: Play) -> None:
    await run_example(play, "pipeline")

    assert play.then.task("rows/check").outputs == {"rows": 20, "lost": 80}
    ran(play, {"rows/read": 1, "rows/filter": 1, "rows/check": 1}, "pipeline")
    one_after_the_other(play, "rows/read", "rows/filter", "rows/check", workflow="pipeline")


async def test_a_coordinator_gives_out_work_and_reports(play: Play) -> None:
    await run_example(play, "coordinator")

    found = play.then.task("words/report").outputs
    assert found == {"letters": {"amber": 5, "jet": 3, "pearl": 5}}
    items = {f"words/count/{index}": 1 for index in range(3)}
    ran(play, {"words/lead": 1, **items, "words/report": 1}, "coordinator")
    one_after_the_other(play, "words/lead", "words/count", "words/report", workflow="coordinator")


async def test_each_step_sees_exactly_what_its_pattern_says(play: Play) -> None:
    seen = await run_pattern(play, "Pipeline", "a", "b", "c")

    first = {"task": "a", "saw": {}}
    second = {"task": "b", "saw": {"previous": first, "checkpoints": {"a": first}}}
    assert seen["a"] == first
    assert seen["b"] == second
    assert seen["c"]["saw"] == {"previous": second, "checkpoints": {"a": first, "b": second}}


async def test_what_workers_return_stands_in_the_order_of_their_work(play: Play) -> None:
    seen = await run_pattern(play, "Coordinator", "lead", "do", "report")

    assert seen["report"]["saw"] == {
        "results": {"do": [{"task": "do", "saw": {"item": item}} for item in ("x", "y")]}
    }
