"""Looking for recorded tasks: once, within bounds, and never where a choice was made before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from builders.specs import NAMESPACE, a_phase, a_task
from spectra_operator.api import constants as c
from spectra_operator.api.rollout import Replay
from spectra_operator.core.rollout.gate_phase import GateTry
from spectra_operator.core.rollout.recorded import Wanted
from spectra_operator.core.rollout.records import GateTask
from spectra_operator.engine.agent_effects import CreateReplay
from spectra_operator.engine.keys import Key
from spectra_operator.engine.replays import MOST_PHASES, create_replay
from spectra_operator.kube.client import Listing
from spectra_operator.kube.errors import AlreadyExists, NotFound
from spectra_operator.kube.resources import Body

ATTEMPT = GateTry("worker", "u", "v2", GateTask("2/replay", Replay(last=2)))


def an_effect(last: int = 2) -> CreateReplay:
    wanted = Wanted("worker", "v1", last)
    return CreateReplay(Key("Agent", NAMESPACE, "worker"), ATTEMPT.name, ATTEMPT, wanted, "0")


def a_recorded(number: int, revision: str = "v1") -> Body:
    """Return a phase with one task that was done well, made in that second."""
    body = a_phase([a_task("one", input={"n": number})], name=f"p{number}")
    body["metadata"]["creationTimestamp"] = f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"
    task = {"state": "Succeeded", "agent": "worker", "revision": revision, "attempt": 1}
    return body | {"status": {"state": "Succeeded", "tasks": {"one": task}}}


class _Client:
    """Phases by name; those in `vanishing` are listed, and gone when they are read."""

    def __init__(self, *bodies: Body, vanishing: frozenset[str] = frozenset()) -> None:
        self.phases = {body["metadata"]["name"]: body for body in bodies}
        self.vanishing = vanishing
        self.read: list[str] = []
        self.selectors: list[str] = []
        self.rival: Body | None = None

    async def get(self, _: Any, __: str, name: str) -> Body:
        if name not in self.phases or name in self.vanishing:
            raise NotFound("gone")
        self.read.append(name)
        return self.phases[name]

    async def list_metadata(self, _: Any, __: str, *, label_selector: str) -> Listing:
        self.selectors.append(label_selector)
        found = [{"metadata": body["metadata"]} for body in self.phases.values()]
        return Listing(items=found, resource_version="1")

    async def create(self, _: Any, __: str, body: Body) -> Body:
        name = body["metadata"]["name"]
        if self.rival is not None:
            self.phases[name] = self.rival
            raise AlreadyExists("a rival was faster")
        self.phases[name] = body
        return body


def inputs(body: Mapping[str, Any] | None) -> list[int]:
    return [task["input"]["n"] for task in body["spec"]["tasks"]] if body else []


async def made(client: Any, last: int = 2) -> Body | None:
    return await create_replay(client, an_effect(last))


async def test_the_newest_phases_are_read_until_there_are_enough() -> None:
    client = _Client(*map(a_recorded, range(9)))

    assert inputs(await made(client)) == [8, 7]
    assert client.read == ["p8", "p7"]


async def test_phases_that_tell_of_nothing_are_passed_over_and_so_are_deleted_ones() -> None:
    bodies = [a_recorded(1), a_recorded(2, "v0"), a_recorded(3), a_recorded(4)]

    body = await made(_Client(*bodies, vanishing=frozenset({"p3"})))

    assert inputs(body) == [4, 1]


async def test_of_many_phases_only_the_newest_are_read_whatever_is_in_them() -> None:
    client = _Client(*(a_recorded(n, "v0") for n in range(MOST_PHASES + 20)))

    assert await made(client) is None
    assert len(client.read) == MOST_PHASES
    assert "p19" not in client.read


async def test_phases_of_gates_and_of_what_ends_or_undoes_a_run_are_not_even_listed() -> None:
    client = _Client(a_recorded(1))
    await made(client)

    assert client.selectors == [f"{c.LABEL_ROLE} notin (Finally,Gate,OnFailure,Rollback)"]


async def test_a_choice_that_was_made_before_stands_and_nothing_is_looked_for() -> None:
    client = _Client(a_recorded(1))
    first = await made(client)
    client.phases |= {"p2": a_recorded(2)}

    assert await made(client) == first
    assert len(client.selectors) == 1


async def test_a_choice_that_another_operator_made_meanwhile_stands() -> None:
    client = _Client(a_recorded(1))
    rival = await made(_Client(a_recorded(5)))
    client.rival = rival

    assert await made(client) == rival


async def test_a_phase_of_that_name_that_tries_no_gate_is_not_taken_for_one() -> None:
    stranger = a_phase(name=ATTEMPT.name)

    with pytest.raises(AlreadyExists, match="exists and tries no gate; delete it"):
        await made(_Client(stranger))
