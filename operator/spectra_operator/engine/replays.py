"""Looks for recorded tasks once, when a replay begins, and makes the Phase object that does them.

That object is where the choice is kept. So it is asked for first: whoever comes later goes on
with what was chosen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..api import constants as c
from ..api.workflow import PhaseRole
from ..core.rollout.recorded import Recorded, chosen, recorded_tasks
from ..core.rollout.replay_phase import replay_body
from ..core.workflow.objects import is_made_for
from ..kube.client import KubeClient
from ..kube.errors import AlreadyExists, NotFound
from ..kube.resources import Body
from .agent_effects import CreateReplay
from .keys import PHASES

MOST_PHASES = 100
"""Phase objects that are read at most, the newest first; of the others only metadata is seen."""
_OTHERS = sorted(set(PhaseRole) - {PhaseRole.MAIN, PhaseRole.SPAWNED})
_SELECTOR = f"{c.LABEL_ROLE} notin ({','.join(_OTHERS)})"


async def create_replay(client: KubeClient, effect: CreateReplay) -> Body | None:
    """Return the Phase object that does recorded tasks again; None if there are none.

    Raises:
        AlreadyExists: Its name is taken by something else.
        KubeError: The API server refused.
    """
    there = await _found(client, effect)
    if there is not None:
        return there
    found = [each async for each in _recorded(client, effect)]
    tasks = chosen(found, effect.wanted.last)
    if not tasks:
        return None
    namespace = effect.key.namespace
    try:
        body = replay_body(effect.attempt, (namespace, effect.shard), tasks)
        return await client.create(PHASES, namespace, body)
    except AlreadyExists:
        return await _found(client, effect)


async def _found(client: KubeClient, effect: CreateReplay) -> Body | None:
    """Return the Phase object of this try, if it was made before."""
    try:
        found = await client.get(PHASES, effect.key.namespace, effect.phase)
    except NotFound:
        return None
    attempt = effect.attempt
    made_for = {"gate": {"agent": attempt.agent, "revision": attempt.revision}}
    if not is_made_for(found, made_for):
        raise AlreadyExists(f"phase {effect.phase} exists and tries no gate; delete it")
    return found


async def _recorded(client: KubeClient, effect: CreateReplay) -> AsyncIterator[Recorded]:
    """Yield recorded tasks, those of the newest phases first, until there are enough."""
    namespace, many = effect.key.namespace, 0
    listing = await client.list_metadata(PHASES, namespace, label_selector=_SELECTOR)
    newest = sorted(listing.items, key=_age, reverse=True)
    for meta in newest[:MOST_PHASES]:
        try:
            body = await client.get(PHASES, namespace, meta["metadata"]["name"])
        except NotFound:  # deleted since it was listed
            continue
        for each in recorded_tasks(body, effect.wanted):
            many += 1
            yield each
        if many >= effect.wanted.last:
            return


def _age(meta: Body) -> tuple[str, str]:
    return meta["metadata"].get("creationTimestamp", ""), meta["metadata"]["name"]
