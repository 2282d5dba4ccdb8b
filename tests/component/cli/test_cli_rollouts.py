"""rollout: what it shows of an agent, how it follows, and what it asks for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from builders.fake_api.server import FakeApi
from builders.specs import an_agent
from component.cli.conftest import ACTIONS, Run
from kubectl_spectra.cluster import Cluster
from kubectl_spectra.commands.completion import for_kubectl
from kubectl_spectra.main import program
from spectra_operator.engine.keys import AGENTS

Body = dict[str, Any]

ROLLOUT = {"analysis": {"minTasks": 10, "conditions": ["failureRatio <= 0.1"]}}
EXPOSED = {
    "stable": "v1",
    "active": "v2",
    "preview": "v2",
    "state": "Exposed",
    "reason": "Switched",
}
END = {"outcome": "Promoted", "reason": "FirstRevision", "at": "2026-01-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def _jane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who acts; this server cannot be asked who one is."""
    monkeypatch.setattr(Cluster, "whoami", lambda _: "jane")


async def an_agent_in(api: FakeApi, **rollout: Any) -> Body:
    """Make the agent `optimizer` with a rollout; exposed if nothing else is said."""
    spec = an_agent(rollout=ROLLOUT)["spec"]
    body: Body = await api.create(AGENTS, {"metadata": {"name": "optimizer"}, "spec": spec})
    await it_shows(api, **rollout)
    return body


async def it_shows(api: FakeApi, failed: int = 1, **rollout: Any) -> None:
    """Write the agent's status as the operator would."""
    figures = [{"revision": "v2", "succeeded": 5, "failed": failed}]
    generation = (await api.get(AGENTS, "optimizer"))["metadata"]["generation"]
    status = {"observedGeneration": generation, "revisions": figures}
    await api.patch_status(AGENTS, "optimizer", status | {"rollout": EXPOSED | rollout})


async def it_ends(api: FakeApi, state: str, reason: str) -> None:
    await it_shows(api, state=state, reason=reason, active="v1", preview=None)


async def following(api: FakeApi, run: Run, *words: str) -> asyncio.Task[Any]:
    """Follow the agent's rollout; return when the program watches."""
    task = asyncio.create_task(run("rollout", "status", "optimizer", "--watch", *words))
    await api.wait_watched(AGENTS)
    return task


async def test_status_shows_what_is_under_way_and_ends_well(api: FakeApi, run: Run) -> None:
    await an_agent_in(api)

    result = await run("rollout", "status", "optimizer")

    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "agent/optimizer: Exposed (Switched)"
    assert lines[1] == "  analysis: 6 of 10 attempts, failureRatio 0.1667"
    assert lines[-1].split() == ["v2", "preview,", "active", "5", "1", "0", "16.7"]
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("state", "code"), [("Promoted", 0), ("Paused", 0), ("RolledBack", 1), ("Aborted", 1)]
)
async def test_the_exit_code_says_whether_it_went_back(
    api: FakeApi, run: Run, state: str, code: int
) -> None:
    await an_agent_in(api, state=state)

    assert (await run("rollout", "status", "agent/optimizer")).exit_code == code


async def test_a_rollout_is_followed_turn_by_turn_until_its_end(api: FakeApi, run: Run) -> None:
    await an_agent_in(api)
    task = await following(api, run)
    await it_shows(api, failed=4)
    await it_ends(api, "RolledBack", "AnalysisFailed")

    result = await task

    told = [line.split(" ", 1)[1] for line in result.output.splitlines()]
    assert result.exit_code == 1
    assert told[:2] == [
        "agent/optimizer: Exposed: Switched",
        "analysis: 6 of 10 attempts, failureRatio 0.1667",
    ]
    assert told[-1] == "agent/optimizer: RolledBack: AnalysisFailed"
    assert len(told) == len(set(told))


async def test_a_change_that_is_not_taken_in_yet_is_waited_for(api: FakeApi, run: Run) -> None:
    await an_agent_in(api, state="Promoted", active="v2", stable="v2", preview=None)
    changed = {"template": {"image": "example/worker:3"}}
    await api.patch(AGENTS, "optimizer", {"spec": changed})
    task = await following(api, run)
    await it_shows(api, stable="v2", active="v2", preview="v3", state="Preview")
    await it_ends(api, "Promoted", "AnalysisPassed")

    result = await task

    told = [line.split(" ", 1)[1] for line in result.output.splitlines()]
    assert result.exit_code == 0
    assert told[0].startswith("agent/optimizer: Pending: the operator has not taken it in yet")
    assert told[-1] == "agent/optimizer: Promoted: AnalysisPassed"


async def test_what_has_ended_is_told_once(api: FakeApi, run: Run) -> None:
    await an_agent_in(api, state="Aborted", reason="GateFailed", active="v1", preview=None)

    result = await run("rollout", "status", "optimizer", "-w")

    assert result.exit_code == 1
    assert result.output.count("\n") == 1


async def test_nothing_is_asked_while_nothing_happens(api: FakeApi, run: Run) -> None:
    await an_agent_in(api)
    task = await following(api, run)
    api.clear_log()
    for failed in range(2, 12):
        await it_shows(api, failed=failed)
    await it_ends(api, "Promoted", "AnalysisPassed")
    await task

    assert api.count() == 0


async def test_an_agent_that_is_deleted_meanwhile_is_an_error(api: FakeApi, run: Run) -> None:
    await an_agent_in(api)
    task = await following(api, run)
    await api.delete(AGENTS, "optimizer")

    result = await task

    assert result.exit_code == 3
    assert "agent/optimizer was deleted meanwhile" in result.output


async def test_following_ends_in_time(api: FakeApi, run: Run) -> None:
    await an_agent_in(api)

    result = await run("rollout", "status", "optimizer", "-w", "--timeout", "0")

    assert result.exit_code == 124
    assert "the rollout of agent/optimizer has not ended in time; it is Exposed" in result.output


@pytest.mark.parametrize("words", [("status", "opt"), ("status", "opt", "-w"), ("history", "opt")])
async def test_an_agent_that_is_not_there_names_those_that_are(
    api: FakeApi, run: Run, words: tuple[str, ...]
) -> None:
    await an_agent_in(api)

    result = await run("rollout", *words)

    assert result.exit_code == 3
    assert "agent/opt in namespace default does not exist; there are: optimizer" in result.output


async def test_a_workflow_is_no_agent(api: FakeApi, run: Run) -> None:
    result = await run("rollout", "status", "workflow/flow")

    assert result.exit_code == 2
    assert "write NAME or agent/NAME" in result.output


async def test_programs_get_what_the_status_has(api: FakeApi, run: Run) -> None:
    await an_agent_in(api, history=[END | {"revision": "v1"}])

    told = json.loads((await run("rollout", "status", "optimizer", "-o", "json")).output)
    ends = json.loads((await run("rollout", "history", "optimizer", "-o", "json")).output)

    assert told["rollout"]["state"] == "Exposed"
    assert told["revisions"][0]["failed"] == 1
    assert [end["revision"] for end in ends] == ["v1"]
    refused = await run("rollout", "status", "optimizer", "-w", "-o", "json")
    assert refused.exit_code == 2


async def test_history_is_a_table_or_says_that_there_is_none(api: FakeApi, run: Run) -> None:
    await an_agent_in(api)
    assert (await run("rollout", "history", "optimizer")).stderr == (
        "agent/optimizer has no history yet\n"
    )

    await it_shows(api, history=[END | {"revision": "v1"}])
    told = (await run("rollout", "history", "optimizer")).output.splitlines()
    assert told[0].split() == ["REVISION", "OUTCOME", "REASON", "AGE", "NOW", "BY"]
    assert told[1].split()[:3] == ["v1", "Promoted", "FirstRevision"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["promote", "optimizer", "--reason", "so"], {"type": "Promote", "reason": "so"}),
        (["abort", "optimizer"], {"type": "Abort"}),
        (["undo", "agent/optimizer"], {"type": "Undo"}),
        (["undo", "optimizer", "--to-revision", "v1"], {"type": "Undo", "revision": "v1"}),
        (["retry", "optimizer"], {"type": "Retry"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_what_is_asked_for_becomes_an_action_about_the_agent(
    api: FakeApi, run: Run, words: list[str], wanted: Body
) -> None:
    agent = await an_agent_in(api)

    result = await run("rollout", *words)

    [action] = await api.objects(ACTIONS)
    assert wanted.items() <= action["spec"].items()
    target = {"kind": "Agent", "name": "optimizer", "uid": agent["metadata"]["uid"]}
    assert (action["spec"]["target"], action["spec"]["actor"]) == (target, "jane")
    assert result.output.startswith(f"agent/optimizer: {wanted['type']} asked for (action ")


async def test_promote_demands_a_reason(run: Run) -> None:
    result = await run("rollout", "promote", "optimizer")

    assert result.exit_code == 2
    assert "--reason" in result.output


async def test_agents_and_revisions_that_were_promoted_are_completed(
    api: FakeApi, run: Run
) -> None:
    bad = END | {"revision": "v2", "outcome": "RolledBack"}
    await an_agent_in(api, history=[END | {"revision": "v1"}, bad])

    async def completed(*words: str) -> list[str]:
        text = await asyncio.to_thread(for_kubectl, program, ["rollout", *words])
        return text.splitlines()[:-1]

    assert await completed("status", "op") == ["optimizer\tExposed"]
    assert await completed("undo", "optimizer", "--to-revision", "") == ["v1"]
    assert await completed("undo", "--to-revision", "") == []
