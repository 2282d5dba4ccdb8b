"""What stands beside the workflows that run, as an operator would have left it."""

from __future__ import annotations

import asyncio

import pytest

from bench import crowd
from bench.crowd import AT_ONCE, TASKS, at_once, gather_crowd, until_taken_in
from bench.scenarios import Crowd
from bench.spectra_flavour import SpectraFlavour
from builders.fake_api.server import FakeApi
from spectra_operator.api import constants as c
from spectra_operator.api.phase import PhaseSpec
from spectra_operator.api.workflow import WorkflowSpec
from spectra_operator.core.phase.status import parse_phase
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import name_of


async def test_suspended_workflows_stay_in_an_operators_watch_and_ended_ones_do_not(
    api: FakeApi, client: AiohttpClient
) -> None:
    await gather_crowd(client, "default", Crowd(suspended=2, finished=3))

    live = await client.list(WORKFLOWS, "default", label_selector=c.LIVE_SELECTOR)
    ended = await client.list(WORKFLOWS, "default", label_selector=c.LABEL_FINISHED)
    assert [flow["spec"]["suspend"] for flow in live.items] == [True, True]
    assert len(ended.items) == 3
    assert all(map(SpectraFlavour().succeeded, ended.items))


async def test_each_has_ten_tasks_and_is_valid(api: FakeApi, client: AiohttpClient) -> None:
    await gather_crowd(client, "default", Crowd(suspended=1, finished=1))

    for body in await api.objects(WORKFLOWS):
        (phase,) = WorkflowSpec.model_validate(body["spec"]).phases or []
        assert len(phase.tasks or []) == TASKS == 10


async def test_each_has_a_phase_with_the_records_of_its_tasks(
    api: FakeApi, client: AiohttpClient
) -> None:
    await gather_crowd(client, "default", Crowd(suspended=1, finished=1))

    live = await client.list(PHASES, "default", label_selector=c.LIVE_SELECTOR)
    ended = await client.list(PHASES, "default", label_selector=c.LABEL_FINISHED)
    flows = {flow["metadata"]["name"]: flow for flow in await api.objects(WORKFLOWS)}
    for phases, name, done in ((live, "suspended-00000", 3), (ended, "finished-00000", TASKS)):
        (phase,) = phases.items
        PhaseSpec.model_validate(phase["spec"])
        assert phase["spec"]["workflowRef"]["uid"] == flows[name]["metadata"]["uid"]
        record = parse_phase(phase["status"])
        assert len(record.tasks) == TASKS
        assert record.tally().succeeded == done
        assert record.ended is (done == TASKS)


async def test_the_crowd_is_taken_in_once_every_suspended_workflow_and_its_phase_say_so(
    api: FakeApi, client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "LOOK_SECONDS", 0.01)
    beside = Crowd(suspended=2, finished=1)
    await gather_crowd(client, "default", beside)
    waiting = asyncio.ensure_future(until_taken_in(client, "default", beside))
    suspended = {"status": {"reason": "Suspended"}}
    live = await client.list(PHASES, "default", label_selector=c.LIVE_SELECTOR)
    flows = [(WORKFLOWS, f"suspended-0000{number}") for number in range(2)]
    *before, last = [*flows, *((PHASES, name_of(phase)) for phase in live.items)]

    for kind, name in before:
        await client.patch(kind, "default", name, suspended, subresource="status")
    done, _ = await asyncio.wait({waiting}, timeout=0.1)
    assert not done
    await client.patch(last[0], "default", last[1], suspended, subresource="status")

    async with asyncio.timeout(10):
        await waiting


async def test_calls_are_made_a_few_dozen_at_a_time() -> None:
    under_way, most, done = 0, 0, []

    async def call(number: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        done.append(number)

    await at_once(map(call, range(100)))

    assert sorted(done) == list(range(100))
    assert most == AT_ONCE
