"""The foundation example, whole: the run, its proof, and what a user sees of it."""

from __future__ import annotations

import json
import re

from e2e.harness.play import Play

PHASES = {"database": 5, "compression": 4, "deduplication": 4, "validation": 4}
AGENTS = 9


async def test_the_foundation_example_runs_its_17_tasks_once_each_and_reads_well(
    play: Play,
) -> None:
    play.given.example("foundation/foundation.yaml")
    await play.when.applied()
    waiter = "wait --for=condition=Complete --timeout=170s workflow/foundation"
    assert "condition met" in await play.kubectl(*waiter.split())

    status = await play.then.workflow_ends("Succeeded")

    assert status["progress"] == "17/17"
    assert len(play.recorder.trails) == 17
    play.then.everything_ran_once()
    report = play.then.task("validation/review").outputs["report"]
    assert len(json.dumps(report)) > 100
    await _the_lists_read_well(play)
    await _describe_tells_the_story(play)


async def _the_lists_read_well(play: Play) -> None:
    header, row = _table(await play.kubectl("get", "workflows"))
    assert header == ["NAME", "STATE", "PROGRESS", "CRITICAL PATH", "ETA", "DURATION", "AGE"]
    assert row[:3] == ["foundation", "Succeeded", "17/17"]
    assert all(re.fullmatch(r"(\d+m)?(\d+s)?", cell) for cell in row[-2:])

    header, *rows = _table(await play.kubectl("get", "phases"))
    assert header == ["NAME", "WORKFLOW", "PHASE", "STATE", "PROGRESS", "MILESTONE", "AGE"]
    progress = {row[2]: row[3:5] for row in rows}
    assert progress == {n: ["Succeeded", f"{total}/{total}"] for n, total in PHASES.items()}

    header, *rows = _table(await play.kubectl("get", "agents"))
    columns = ["NAME", "MODE", "READY", "BUSY", "QUEUED", "SUCCESS"]
    columns += ["REVISION", "ROLLOUT", "LAST SEEN", "AGE"]
    assert header == columns
    assert [row[1:3] for row in rows] == [["Pod", "True"]] * AGENTS

    together = await play.kubectl("get", "spectra", "-o", "name")
    kinds = [line.split("/")[0] for line in together.splitlines()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "workflow.spectra.dev": 1,
        "phase.spectra.dev": len(PHASES),
        "agent.spectra.dev": AGENTS,
    }


async def _describe_tells_the_story(play: Play) -> None:
    await play.then.told("Workflow", "Succeeded", "17 of 17")
    text = await play.kubectl("describe", "workflow", "foundation")
    events = text.split("Events:")[1]
    reasons = re.findall(r"^  (?:Normal|Warning) +(\w+)", events, re.MULTILINE)
    # The watches of agents and of workflows know no order between them.
    told = [reason for reason in reasons if reason not in ("Pending", "MilestoneReached")]
    assert reasons.count("MilestoneReached") == len(PHASES)
    assert told == ["Started", *["PhaseStarted", "PhaseSucceeded"] * len(PHASES), "Succeeded"]


async def test_explain_describes_the_fields_of_a_workflow(play: Play) -> None:
    text = " ".join((await play.kubectl("explain", "workflow.spec.phases")).split())

    for expected in ("dependsOn <[]string>", "milestone", "a graph of tasks, started when"):
        assert expected in text, text
    short = await play.kubectl("explain", "sag.spec.template.image")
    assert "Container image" in short


def _table(text: str) -> list[list[str]]:
    """Split what kubectl prints; columns are two or more blanks apart."""
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
