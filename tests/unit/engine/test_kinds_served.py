"""The operator waits for its CRDs before it starts to watch."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.engine.served import unserved, wait_until_served
from spectra_operator.kube.errors import Forbidden, KubeError, NotFound
from spectra_operator.kube.resources import Body, Resource

KINDS = ["agents", "phases", "workflows", "schedules", "actions", "workflowtemplates"]
NO_SUCH_KIND = NotFound("the server could not find the requested resource", status=404)
NO_SUCH_OBJECT = NotFound("agents x not found", status=404, details={"name": "x"})


class Answers:
    """A client that answers every question about a kind in turn, the last answer for good."""

    def __init__(self, *answers: KubeError | Body) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Body:
        self.asked.append(resource.plural)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, KubeError):
            raise answer
        return answer


class Pauses:
    """A clock that only notes how long somebody wanted to wait."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def waits(*answers: KubeError | Body) -> tuple[list[str], int]:
    client, clock = Answers(*answers), Pauses()
    unknown: Any = (client, clock)
    await wait_until_served(*unknown)
    return client.asked, len(clock.slept)


async def test_with_all_kinds_served_nothing_waits() -> None:
    assert await waits(NO_SUCH_OBJECT) == (KINDS, 0)


async def test_an_object_of_that_name_is_proof_enough() -> None:
    assert await waits({"kind": "Agent"}) == (KINDS, 0)


@pytest.mark.parametrize("trouble", [NO_SUCH_KIND, Forbidden("not yet", status=403)])
async def test_a_kind_that_is_not_served_is_asked_for_again(trouble: KubeError) -> None:
    asked, pauses = await waits(trouble, trouble, NO_SUCH_OBJECT)
    assert asked == ["agents", "agents", *KINDS]
    assert pauses == 2


async def test_the_kinds_that_are_not_served_are_told_without_waiting() -> None:
    answers: Any = Answers(NO_SUCH_OBJECT, NO_SUCH_KIND, NO_SUCH_OBJECT)
    assert await unserved(answers) == ["phases"]
