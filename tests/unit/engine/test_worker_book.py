"""Which worker gets the next claim."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from builders.pages import a_claim
from builders.specs import NAMESPACE
from spectra_operator.core.pool.fleet import WorkerState
from spectra_operator.core.pool.page import Give
from spectra_operator.engine.keys import Key
from spectra_operator.engine.worker_book import KIND, Poll, Wait, WorkerBook, WorkerRun, state_of

AGENT = Key("Agent", NAMESPACE, "worker")


def a_book(**slots: int) -> WorkerBook:
    """Return a book of workers by name, each waiting for so many claims."""
    book = WorkerBook()
    for name, count in slots.items():
        run = book.add(Key(KIND, NAMESPACE, name), AGENT.name, "r1")
        run.pod_uid, run.heard_at = name, 0.0
        run.poll = Poll(asyncio.get_running_loop().create_future(), count)
    return book


def run_of(book: WorkerBook, name: str) -> WorkerRun:
    run = book.get(Key(KIND, NAMESPACE, name))
    assert run is not None
    return run


def best(book: WorkerBook) -> str:
    found = book.best(AGENT, "r1")
    return found[0].name if found else ""


async def test_the_worker_with_most_room_gets_the_claim() -> None:
    assert best(a_book(one=1, two=3, three=2)) == "two"


async def test_a_page_that_can_be_written_now_goes_before_more_room() -> None:
    book = a_book(one=1, two=3)
    run_of(book, "two").in_flight = ()
    assert best(book) == "one"


async def test_a_page_that_is_being_written_is_better_than_none() -> None:
    book = a_book(one=1)
    run_of(book, "one").in_flight = ()
    assert best(book) == "one"


async def test_what_was_given_and_not_handed_out_takes_room() -> None:
    book = a_book(one=2, two=1)
    run_of(book, "one").ops += [Give(a_claim("a")), Give(a_claim("b"))]
    assert best(book) == "two"


@pytest.mark.parametrize("why", ["draining", "deleting", "quarantined", "failure"])
async def test_a_worker_that_is_to_get_no_more_gets_no_more(why: str) -> None:
    book = a_book(one=1)
    setattr(run_of(book, "one"), why, "it broke" if why == "failure" else True)
    assert best(book) == ""


def a_run(**fields: Any) -> WorkerRun:
    run = WorkerRun("worker", "r1", pod_uid="uid", heard_at=100.0)
    for name, value in fields.items():
        setattr(run, name, value)
    return run


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, WorkerState.READY),
        ({"heard_at": None}, WorkerState.STARTING),
        ({"heard_at": 80.0}, WorkerState.READY),
        ({"heard_at": 80.0, "suspected_at": 101.0}, WorkerState.READY),
        ({"heard_at": 75.0, "suspected_at": 100.0}, WorkerState.SILENT),
        ({"failure": "it broke"}, WorkerState.FAILED),
        ({"failure": "it broke", "deleting": True}, WorkerState.FAILED),
        ({"failure": "it ended", "asked_to_go": True}, WorkerState.DELETING),
        ({"deleting": True}, WorkerState.DELETING),
        ({"pod_uid": ""}, WorkerState.DELETING),
        ({"pod_uid": "", "creating": True, "heard_at": None}, WorkerState.STARTING),
        ({"quarantined": True}, WorkerState.QUARANTINED),
    ],
    ids=str,
)
def test_a_worker_that_ends_after_it_was_asked_to_go_has_not_failed(
    fields: dict[str, Any], state: WorkerState
) -> None:
    assert state_of(a_run(**fields), 105.0) is state


async def test_a_worker_whose_result_asks_for_the_next_claim_has_room() -> None:
    book = a_book(one=1)
    run = run_of(book, "one")
    run.take_poll()
    assert best(book) == ""
    run.waits.append(Wait(asyncio.get_running_loop().create_future(), 1))
    assert best(book) == "one"
