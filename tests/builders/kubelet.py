"""A scheduler and kubelet for the fake API server: plays every pod by the script of its task.

It hears of pods as they are stored, outside of HTTP, so that faults of the server never touch it.
Every pod runs for a second of the test's clock and succeeds, unless its fate says otherwise:

    kubelet.plan("build", fails(), ok({"rows": 3}))   # attempt 1 fails, attempt 2 returns rows
    kubelet.plan("shard", oom(), index=7)             # one item of a fan-out
    kubelet.plan("serve", hangs())                    # runs until somebody deletes its pod
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builders import pods
from builders.clock import FakeClock
from builders.fake_api.failure import ApiFailure
from builders.fake_api.server import FakeApi
from builders.fake_api.store import StoreEvent
from builders.pods import Body
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import PODS

Step = Callable[[Body, float], Body]
"""Takes a pod a step further at a time, in seconds after the start."""


@dataclass(frozen=True, slots=True)
class Fate:
    """How an attempt goes: how its pod begins, and how it ends after so many seconds.

    Without an ending the pod stays as it is until somebody deletes it.
    """

    ending: Step | None
    seconds: float = 1.0
    beginning: Step = pods.running


def ok(outputs: Any = None, *, seconds: float = 1.0, **document: Any) -> Fate:
    """Succeed; outputs may be a function of the task's input."""

    def end(pod: Body, when: float) -> Body:
        value = outputs(input_of(pod)) if callable(outputs) else outputs
        return pods.succeeded(pod, value, when, **document)

    return Fate(end, seconds)


def says(text: str) -> Fate:
    """Succeed with this termination message, whatever it is."""
    return Fate(lambda pod, when: pods.succeeded_saying(pod, text, when))


def fails(code: int = 1, text: str = "", *, seconds: float = 1.0) -> Fate:
    """Exit with a code other than 0."""
    return Fate(lambda pod, when: pods.failed(pod, when, code, text), seconds)


def oom() -> Fate:
    """Be killed for its memory."""
    return Fate(pods.oom_killed)


def evicted() -> Fate:
    """Be evicted by the kubelet."""
    return Fate(pods.evicted)


def refused() -> Fate:
    """Be refused by the kubelet, such as for a lack of CPU."""
    return Fate(pods.refused, beginning=pods.scheduled)


def hangs() -> Fate:
    """Run until the pod is deleted."""
    return Fate(None)


def stuck(reason: str = "ImagePullBackOff", message: str = "no such image") -> Fate:
    """Never start: the kubelet waits for something and says for what."""
    return Fate(None, beginning=lambda pod, when: pods.pulling(pod, when, reason, message))


def unschedulable() -> Fate:
    """Never find a node."""
    return Fate(None, beginning=pods.unschedulable)


@dataclass(frozen=True, slots=True)
class Birth:
    """A pod that was created: which attempt of what, and which tasks had succeeded by then."""

    phase: str
    task: str
    index: int
    number: int
    succeeded: frozenset[tuple[str, str, int]]


class FakeKubelet:
    """Plays the pods of a fake API server.

    Attributes:
        births: Every attempt's pod in the order of creation.
        inputs: The input that each attempt was given, by (task, index, number).
        pods: The pod of each attempt as it was created, by (task, index, number).
        habits: How pods of an image end whatever they are given; else as it was planned.
    """

    def __init__(self, api: FakeApi, clock: FakeClock) -> None:
        self.births: list[Birth] = []
        self.inputs: dict[tuple[str, int, int], Any] = {}
        self.pods: dict[tuple[str, int, int], Body] = {}
        self.habits: dict[str, Callable[[Body], Fate]] = {}
        self._api = api
        self._clock = clock
        self._reachable = True
        self._fates: dict[tuple[str, int], tuple[Fate, ...]] = {}
        self._succeeded: set[tuple[str, str, int]] = set()
        self._playing: dict[str, asyncio.Task[None]] = {}
        self._stop = api._store.listen(self._on_event)

    def plan(self, task: str, *fates: Fate, index: int = 0) -> None:
        """Say how the attempts of a task's item go, in order; those after the last succeed."""
        self._fates[task, index] = fates

    def attempts(self, task: str, index: int = 0) -> list[int]:
        """Return the numbers of the attempts that were created for an item, in order."""
        return [b.number for b in self.births if (b.task, b.index) == (task, index)]

    def tasks(self) -> list[str]:
        """Return the tasks in the order in which their pods were created."""
        return [birth.task for birth in self.births]

    async def pod_of(self, task: str, index: int = 0, number: int = 1) -> Body:
        """Return an attempt's pod as it is now."""
        meta = self.pods[task, index, number]["metadata"]
        return await self._api.get(PODS, meta["name"], meta["namespace"])

    async def lose_nodes(self, task: str, index: int = 0, number: int = 1) -> None:
        """Let every node fall silent, and the taint manager ask for an attempt's deletion."""
        self._reachable = False
        pod = await self.pod_of(task, index, number)
        gone = pods.node_lost(pod, self._clock.monotonic())
        await self._apply(pod, gone)
        await self._api.delete(PODS, pod["metadata"]["name"], pod["metadata"]["namespace"])

    async def forget_node(self, task: str, index: int = 0, number: int = 1) -> None:
        """Do what Kubernetes does with a pod whose Node object is deleted."""
        pod = await self.pod_of(task, index, number)
        await self._apply(pod, pods.status_unknown(pod, self._clock.monotonic()))
        await self._api.delete(
            PODS, pod["metadata"]["name"], pod["metadata"]["namespace"], grace_seconds=0
        )

    async def end(self, task: str, fate: Fate, index: int = 0, number: int = 1) -> None:
        """End a pod that hangs, now."""
        pod = await self.pod_of(task, index, number)
        assert fate.ending
        await self._apply(pod, fate.ending(pod, self._clock.monotonic()))

    async def stop(self) -> None:
        """Play no longer."""
        self._stop()
        playing = list(self._playing.values())
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)

    def _on_event(self, event: StoreEvent) -> None:
        pod = event.body
        if event.resource != PODS or c.LABEL_TASK not in pod["metadata"].get("labels", {}):
            return
        uid = pod["metadata"]["uid"]
        if event.removed:
            self._end_play(uid)
        elif event.previous is None:
            self._note_birth(pod)
            self._begin_play(uid, self._play(pod))
        elif _just_deleted(event) and self._reachable:
            self._end_play(uid)
            self._begin_play(uid, self._kill(pod))
        if pod.get("status", {}).get("phase") == "Succeeded":
            self._succeeded.add(_item(pod))

    def _note_birth(self, pod: Body) -> None:
        phase, task, index = _item(pod)
        number = int(pod["metadata"]["labels"][c.LABEL_ATTEMPT])
        self.births.append(Birth(phase, task, index, number, frozenset(self._succeeded)))
        self.inputs[task, index, number] = input_of(pod)
        self.pods[task, index, number] = pod

    def _begin_play(self, uid: str, play: Any) -> None:
        self._playing[uid] = asyncio.get_running_loop().create_task(play)

    def _end_play(self, uid: str) -> None:
        playing = self._playing.pop(uid, None)
        if playing is not None:
            playing.cancel()

    async def _play(self, pod: Body) -> None:
        _, task, index = _item(pod)
        number = int(pod["metadata"]["labels"][c.LABEL_ATTEMPT])
        fates = self._fates.get((task, index), ())
        fate = fates[number - 1] if number <= len(fates) else ok()
        habit = self.habits.get(image_of(pod))
        if habit:
            fate = habit(pod)
        pod = await self._apply(pod, fate.beginning(pod, self._clock.monotonic()))
        if fate.ending is None:
            return
        await self._clock.sleep(fate.seconds)
        await self._apply(pod, fate.ending(pod, self._clock.monotonic()))

    async def _kill(self, pod: Body) -> None:
        """What a kubelet does with a pod that is to be deleted.

        The real one ends the container before it lets the object go. Here the grace is taken off
        first: the fake server's deletionTimestamp leaves the grace out, and an end seen with that
        grace would look as if it had come before anybody asked for the deletion.
        """
        meta = pod["metadata"]
        runs = pod["spec"].get("nodeName") and pod["status"]["phase"] in ("Pending", "Running")
        if runs:
            await self._clock.sleep(1)
        try:
            await self._api.delete(PODS, meta["name"], meta["namespace"], grace_seconds=0)
            if runs:
                end = pods.killed if pod["status"]["phase"] == "Running" else pods.status_unknown
                await self._apply(pod, end(pod, self._clock.monotonic()))
        except ApiFailure as failure:
            assert failure.code == 404  # noqa: PT017 - nothing held it: gone already

    async def _apply(self, before: Body, after: Body) -> Body:
        name, namespace = before["metadata"]["name"], before["metadata"]["namespace"]
        if after["spec"].get("nodeName") != before["spec"].get("nodeName"):
            patch = {"spec": {"nodeName": after["spec"]["nodeName"]}}
            await self._api.patch(PODS, name, patch, namespace)
        return await self._api.patch_status(PODS, name, after["status"], namespace)


def image_of(pod: Body) -> str:
    """Return what a pod runs."""
    image: str = pod["spec"]["containers"][0]["image"]
    return image


def input_of(pod: Body) -> Any:
    """Return the input that a pod was given."""
    env = {e["name"]: e.get("value") for e in pod["spec"]["containers"][0].get("env") or ()}
    return json.loads(env.get("SPECTRA_INPUT") or "null")


def _item(pod: Body) -> tuple[str, str, int]:
    labels = pod["metadata"]["labels"]
    return labels[c.LABEL_PHASE], labels[c.LABEL_TASK], int(labels[c.LABEL_INDEX])


def _just_deleted(event: StoreEvent) -> bool:
    before = defaultdict(dict, event.previous or {})
    now = event.body["metadata"].get("deletionTimestamp")
    return bool(now) and not before["metadata"].get("deletionTimestamp")
