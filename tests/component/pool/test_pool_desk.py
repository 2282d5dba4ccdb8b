"""The desk: who may call, what a repeated call gets, what is said while a page is written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from builders.engine import World, a_world
from builders.fake_api.faults import Fault, Refuse
from builders.page_watch import count, writes_a_page
from builders.specs import NAMESPACE, a_step, a_task, a_workflow, an_agent
from spectra_operator.api import constants as c
from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.pool.page import End, Ending, Give
from spectra_operator.engine.desk_calls import (
    Beat,
    Caller,
    NotHolderError,
    Report,
    StaleError,
    StrangerError,
    UnavailableError,
    Work,
)
from spectra_operator.engine.keys import Key
from spectra_operator.engine.worker_book import KIND, WorkerRun
from spectra_operator.kube.resources import LEASES, Body


@asynccontextmanager
async def a_desk(count: int = 1, **fields: Any) -> AsyncIterator[tuple[World, list[Caller]]]:
    """Open a world with workers that do nothing by themselves, and a workflow of one fan-out."""
    pool: dict[str, Any] = {"mode": "Pool", "replicas": 1, "slots": 4} | fields
    async with a_world() as world:
        world.workers.starting = 1e6
        await world.apply(an_agent(**pool))
        await world.start()
        await world.apply(a_workflow([a_step("build", [a_task("each", count=count)])]))
        runs = world.operator.parts.workers
        await world.until(lambda: len(runs.some(lambda _: True)) == pool["replicas"])
        await world.settle()
        callers = [
            Caller(NAMESPACE, key.name, run.pod_uid, "one")
            for key, run in runs.some(lambda _: True)
        ]
        yield world, callers


def desk(world: World) -> Any:
    """Return the desk of the leader."""
    return world.operator.engine.desk


def run_of(world: World, caller: Caller) -> WorkerRun:
    """Return what is known of a worker."""
    run: WorkerRun | None = world.operator.parts.workers.get(Key(KIND, NAMESPACE, caller.pod))
    assert run is not None
    return run


def report(work: Work, **fields: Any) -> Report:
    """Return a good result of a claim."""
    known: dict[str, Any] = {"succeeded": True, "reason": "", "document": "{}", "slots": 0}
    return Report(work.id, work.epoch, **(known | fields))


async def answered(world: World, future: asyncio.Future[Any]) -> Any:
    """Return what a call is answered with, once nothing else happens."""
    await world.settle()
    assert future.done(), "no answer"
    return future.result()


async def test_a_claim_is_answered_once_it_is_durable() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 4, frozenset()))

        document = json.loads(work.document)
        assert (document["task"], document["index"], document["attempt"]) == ("each", 0, 1)
        (page,) = await world.api.objects(LEASES, NAMESPACE)
        assert f"{c.CLAIM_PREFIX}{work.id}" in page["metadata"]["annotations"]
        assert page["metadata"]["finalizers"] == [c.RESULT_FINALIZER]


async def test_nobody_gets_more_than_the_slots_that_he_has() -> None:
    async with a_desk(count=9) as (world, (caller,)):
        works = await answered(world, desk(world).claims(caller, 3, frozenset()))
        assert len(works) == 3


async def test_a_lost_answer_is_given_again() -> None:
    async with a_desk() as (world, (caller,)):
        first = await answered(world, desk(world).claims(caller, 1, frozenset()))

        assert await answered(world, desk(world).claims(caller, 1, frozenset())) == first
        again = desk(world).claims(caller, 1, frozenset({first[0].id}))
        await world.settle()
        assert not again.done()
        again.cancel()


async def test_a_later_poll_answers_an_earlier_one_with_nothing() -> None:
    async with a_desk(count=1) as (world, (caller,)):
        await answered(world, desk(world).claims(caller, 1, frozenset()))
        known = frozenset(run_of(world, caller).page.claims)
        first = desk(world).claims(caller, 1, known)
        second = desk(world).claims(caller, 1, known)

        assert await answered(world, first) == ()
        assert not second.done()
        second.cancel()


async def test_a_result_and_the_next_claim_are_one_write() -> None:
    async with a_desk(count=2) as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        before = len(world.api.log)

        (following,) = await answered(world, desk(world).report(caller, report(work, slots=1)))

        assert following.id != work.id
        calls = [entry.call for entry in world.api.log[before:]]
        first = next(call for call in calls if writes_a_page(call))
        assert first.body is not None
        assert {f"{c.ENDING_PREFIX}{work.id}", f"{c.CLAIM_PREFIX}{following.id}"} <= set(
            first.body["metadata"]["annotations"]
        )


@pytest.mark.parametrize(("rest", "with_next"), [(0.005, True), (0.5, False)])
async def test_a_result_waits_for_a_phase_that_rests_for_moments_but_no_longer(
    rest: float, *, with_next: bool
) -> None:
    async with a_desk(count=2) as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        written = count(world, writes_a_page)
        (phase,) = world.operator.parts.phases
        world.operator.parts.queue.rest(phase, rest)

        told = desk(world).report(caller, report(work, slots=1))
        await world.settle()
        assert not written
        await world.during(0.02)

        (first, *_) = written
        assert first.body is not None
        notes = first.body["metadata"]["annotations"]
        assert f"{c.ENDING_PREFIX}{work.id}" in notes
        assert any(key.startswith(c.CLAIM_PREFIX) for key in notes) is with_next
        assert bool(await answered(world, told)) is with_next


async def test_a_result_that_wants_no_claim_waits_for_nobody() -> None:
    async with a_desk(count=2) as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        (phase,) = world.operator.parts.phases
        world.operator.parts.queue.rest(phase, 60)

        assert await answered(world, desk(world).report(caller, report(work))) == ()


async def test_a_repeated_result_is_taken_in_once() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        assert await answered(world, desk(world).report(caller, report(work))) == ()
        assert await answered(world, desk(world).report(caller, report(work))) == ()

        await world.finished()

        assert await answered(world, desk(world).report(caller, report(work))) == ()


async def test_another_result_of_the_same_claim_is_refused() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        await answered(world, desk(world).report(caller, report(work)))

        with pytest.raises(StaleError):
            desk(world).report(caller, report(work, document='{"message":"other"}'))


@pytest.mark.parametrize("epoch", [0, 2])
async def test_a_result_of_another_epoch_is_refused(epoch: int) -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        with pytest.raises(StaleError, match="is not open for this worker"):
            desk(world).report(caller, report(replace(work, epoch=epoch)))


async def test_a_foreign_claim_can_be_neither_reported_nor_released() -> None:
    async with a_desk(replicas=2) as (world, (one, two)):
        (work,) = await answered(world, desk(world).claims(one, 1, frozenset()))

        with pytest.raises(StaleError):
            desk(world).report(two, report(work))
        with pytest.raises(StaleError):
            desk(world).release(two, work.id, work.epoch, "mine")


async def test_a_pod_that_is_no_worker_is_a_stranger() -> None:
    async with a_desk() as (world, (caller,)):
        for wrong in (replace(caller, pod="other"), replace(caller, uid="other")):
            with pytest.raises(StrangerError):
                desk(world).claims(wrong, 1, frozenset())


async def test_a_released_claim_is_a_loss_and_is_given_again() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        await answered(world, desk(world).release(caller, work.id, work.epoch, "ending"))
        await world.during(15)

        (again,) = await answered(world, desk(world).claims(caller, 1, frozenset()))

        assert json.loads(again.document)["attempt"] == 2
        assert world.task_now("each")["losses"] == 1


async def test_a_heartbeat_names_the_claims_that_are_not_the_workers() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))

        beats = [Beat(work.id, work.epoch), Beat(work.id, 7), Beat("unknown", 1)]
        orders = desk(world).beat(caller, beats)

        assert (orders.cancel, orders.drain) == ((work.id, "unknown"), False)


async def test_a_new_process_begins_with_nothing_and_the_former_ones_claims_are_lost() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        reborn = replace(caller, instance="two")

        poll = desk(world).claims(reborn, 1, frozenset())
        await world.until(poll.done)

        (again,) = poll.result()
        assert json.loads(again.document)["attempt"] == 2
        assert again.epoch == work.epoch + 1


async def test_a_replica_that_does_not_lead_sends_workers_on() -> None:
    async with a_desk() as (world, (caller,)):
        standby = await world.start("two", leads=False)
        standby.engine.terms.holder_address = lambda _: "http://10.0.0.1:8082"

        with pytest.raises(NotHolderError) as refusal:
            standby.engine.desk.claims(caller, 1, frozenset())

        assert refusal.value.address == "http://10.0.0.1:8082"


async def test_who_waits_when_the_leader_gives_up_is_sent_on() -> None:
    async with a_desk(count=1) as (world, (caller,)):
        await answered(world, desk(world).claims(caller, 1, frozenset()))
        known = frozenset(run_of(world, caller).page.claims)
        poll = desk(world).claims(caller, 1, known)

        await world.operator.stop()

        with pytest.raises(NotHolderError):
            await poll


async def test_a_page_that_somebody_else_changed_is_read_and_written_over() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        world.api.fault(writes_a_page, _ChangedMeanwhile(world, caller))

        assert await answered(world, desk(world).report(caller, report(work))) == ()

        await world.finished()
        assert world.task_now("each")["state"] == "Succeeded"


async def test_a_page_that_may_not_be_written_is_tried_again_with_growing_pauses() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        tries = count(world, writes_a_page)
        world.api.fault(writes_a_page, Refuse(403, "Forbidden"), times=1000)

        with pytest.raises(UnavailableError):
            await answered(world, desk(world).report(caller, report(work)))
        await world.during(10)

        assert 2 <= len(tries) <= 12


async def test_a_result_that_cannot_be_recorded_is_not_confirmed() -> None:
    async with a_desk() as (world, (caller,)):
        (work,) = await answered(world, desk(world).claims(caller, 1, frozenset()))
        run = run_of(world, caller)
        run.page = replace(run.page, endings=_large_endings(run.page.claims[work.id]))

        with pytest.raises(UnavailableError, match="too many results"):
            desk(world).report(caller, report(work))


async def test_a_claim_on_two_pages_counts_on_the_later_one() -> None:
    async with a_desk(replicas=2) as (world, (one, two)):
        (work,) = await answered(world, desk(world).claims(one, 1, frozenset()))
        older = run_of(world, one).page.claims[work.id]
        world.clock.advance(1)
        newer = replace(older, at=world.clock.now(), instance="one")
        other = run_of(world, two)
        desk(world).beat(two, ())
        other.ops.append(Give(newer))
        world.operator.parts.queue.add(Key(KIND, NAMESPACE, two.pod))
        await world.settle()
        await world.during(2)

        assert work.id not in run_of(world, one).page.claims
        assert work.id in other.page.claims
        (attempt,) = world.operator.parts.attempts.of(Key("Phase", NAMESPACE, older.phase))
        assert attempt.worker == two.pod


class _ChangedMeanwhile(Fault):
    """Somebody labels the page just before the write comes."""

    def __init__(self, world: World, caller: Caller) -> None:
        self._world, self._caller, self._done = world, caller, False

    async def before(self) -> None:
        """Change the page once."""
        if not self._done:
            self._done = True
            label: Body = {"metadata": {"labels": {"seen": "true"}}}
            await self._world.api.patch(LEASES, self._caller.pod, label, NAMESPACE)


def _large_endings(claim: Any) -> Any:
    text = "x" * 4000
    return {
        f"e{n}": Ending(
            replace(claim, id=f"e{n}"), End(f"e{n}", claim.at, Kind.SUCCEEDED, document=text)
        )
        for n in range(60)
    }
