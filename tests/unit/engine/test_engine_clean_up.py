"""Deletions: of what was read just before, and never of what a schedule would make again."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import NAMESPACE, SCHEDULE_UID
from spectra_operator.api import constants as c
from spectra_operator.core.clean_up import Limits
from spectra_operator.engine.clean_up import delete_expired, finished_patch, prune_history
from spectra_operator.engine.effects import DeleteExpired, MarkFinished, PruneHistory
from spectra_operator.engine.keys import Key
from spectra_operator.kube.client import Listing
from spectra_operator.kube.errors import Conflict, NotFound
from spectra_operator.kube.resources import Body

FLOW = Key("Workflow", NAMESPACE, "flow")
DUE = "2026-01-01T01:00:00Z"
NOON = "2026-01-01T12:00:00Z"


def a_finished(version: str = "1", *, scheduled: str = "", **changes: Any) -> Body:
    meta: dict[str, Any] = {
        "name": "flow",
        "namespace": NAMESPACE,
        "uid": "uid",
        "resourceVersion": version,
        "labels": {c.LABEL_FINISHED: "true", c.LABEL_STATE: "Succeeded"},
        "annotations": {c.ANNOTATION_EXPIRES: DUE},
    }
    if scheduled:
        meta["annotations"][c.ANNOTATION_SCHEDULED] = scheduled
        meta["ownerReferences"] = [
            {"apiVersion": c.API_VERSION, "kind": "Schedule", "name": "s", "uid": SCHEDULE_UID}
        ]
    return {"kind": "Workflow", "metadata": meta | changes}


def a_schedule_decided(until: str, uid: str = SCHEDULE_UID) -> Body:
    return {"metadata": {"name": "s", "uid": uid}, "status": {"decidedUntil": until}}


class _Client:
    """Answers reads from a script; remembers at which version something was deleted."""

    def __init__(self, *reads: Any, schedule: Any = None, refusals: int = 0) -> None:
        self.reads = list(reads)
        self.schedule = schedule
        self.refusals = refusals
        self.deleted: list[str] = []

    async def get(self, resource: Any, namespace: str, name: str) -> Body:
        answer = self.schedule if resource.kind == "Schedule" else self.reads.pop(0)
        if answer is None:
            raise NotFound("gone")
        found: Body = answer
        return found

    async def list_metadata(self, resource: Any, namespace: str, label_selector: str) -> Listing:
        return Listing(self.reads, "1")

    async def delete_as_read(self, resource: Any, body: Body) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Conflict("changed")
        self.deleted.append(body["metadata"]["resourceVersion"])


async def expired(client: Any) -> list[str]:
    await delete_expired(client, DeleteExpired(FLOW, "uid", DUE))
    found: list[str] = client.deleted
    return found


async def test_what_is_due_is_deleted_as_it_was_read() -> None:
    assert await expired(_Client(a_finished("7"))) == ["7"]


async def test_what_is_gone_already_is_no_error() -> None:
    assert await expired(_Client(None)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"uid": "another"},
        {"labels": {}},
        {"annotations": {c.ANNOTATION_EXPIRES: "2026-01-01T02:00:00Z"}},
    ],
)
async def test_another_one_and_one_that_was_reopened_stay(changes: dict[str, Any]) -> None:
    assert await expired(_Client(a_finished(**changes))) == []


async def test_what_changes_in_between_is_read_again() -> None:
    client = _Client(a_finished("1"), a_finished("2"), refusals=1)
    assert await expired(client) == ["2"]


async def test_what_is_reopened_in_between_stays() -> None:
    client = _Client(a_finished("1"), a_finished("2", labels={}), refusals=1)
    assert await expired(client) == []


async def test_what_keeps_changing_is_left_for_later() -> None:
    reads = [a_finished(str(number)) for number in range(9)]
    with pytest.raises(Conflict, match="keeps changing"):
        await expired(_Client(*reads, refusals=9))


@pytest.mark.parametrize(
    "schedule", [a_schedule_decided(NOON), a_schedule_decided("", uid="another"), None]
)
async def test_a_run_goes_once_its_schedule_tells_of_it_or_is_gone(schedule: Any) -> None:
    client = _Client(a_finished("1", scheduled=NOON), schedule=schedule)
    assert await expired(client) == ["1"]


async def test_a_run_that_its_schedule_does_not_tell_of_is_left_for_later() -> None:
    schedule = a_schedule_decided("2026-01-01T11:00:00Z")
    client = _Client(a_finished("1", scheduled=NOON), schedule=schedule)
    with pytest.raises(Conflict, match="does not tell of it yet"):
        await expired(client)
    assert client.deleted == []


async def test_limits_take_the_oldest_and_spare_what_is_not_told_of() -> None:
    runs = [
        a_finished(version, scheduled=f"2026-01-01T{version}:00:00Z")
        for version in ("10", "11", "12", "13")
    ]
    schedule = a_schedule_decided("2026-01-01T10:30:00Z")
    client: Any = _Client(*runs, schedule=schedule)
    effect = PruneHistory(Key("Schedule", NAMESPACE, "s"), c.LABEL_SCHEDULE, Limits(1, None))
    await prune_history(client, effect)
    assert client.deleted == ["10"]


async def test_a_run_that_changed_or_is_being_deleted_is_passed_over() -> None:
    runs = [a_finished("1"), a_finished("2", deletionTimestamp=NOON), a_finished("3")]
    client: Any = _Client(*runs, refusals=1)
    effect = PruneHistory(Key("Schedule", NAMESPACE, "s"), c.LABEL_SCHEDULE, Limits(0, 0))
    await prune_history(client, effect)
    assert client.deleted == ["3"]


def test_a_new_end_wipes_out_the_time_of_an_earlier_one() -> None:
    patch = finished_patch(MarkFinished(FLOW, "Failed"))
    assert patch["metadata"]["labels"] == {
        c.LABEL_FINISHED: "true",
        c.LABEL_STATE: "Failed",
        c.LABEL_EXPIRES: None,
    }
    assert patch["metadata"]["annotations"] == {c.ANNOTATION_EXPIRES: None}
