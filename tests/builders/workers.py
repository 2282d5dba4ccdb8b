"""Warm workers for component tests: they play the pods of agents in mode Pool at the desk.

The worker API's own tests prove the way over HTTP; here workers call the desk of the replica that
leads, as its server would. Each does as many tasks at once as its pod says; a task takes a second
of the test's clock and succeeds, unless `plan` says otherwise.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from builders.clock import FakeClock
from builders.fake_api.failure import ApiFailure
from builders.fake_api.server import FakeApi
from builders.fake_api.store import StoreEvent
from builders.replica import Operator
from spectra_operator.api import constants as c
from spectra_operator.engine.desk_calls import (
    Beat,
    Caller,
    DeskError,
    Report,
    StaleError,
    StrangerError,
    Work,
)
from spectra_operator.kube.resources import PODS, Body

BEAT_SECONDS = 5.0
PATIENCE_SECONDS = 4.0
"""What a call waits for an answer before it is made again, as when a connection broke."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What a worker does with a claim: for how long, and what it then says.

    `seconds` None: until it is told to stop. `crash`: its process ends then, and a new one starts.
    `checkpoint` and `progress` are what it says of it in heartbeats, from the start. One that
    `gives_back` releases the claim undone.
    """

    seconds: float | None = 1.0
    succeeded: bool = True
    outputs: Any = None
    crash: bool = False
    deaf: bool = False
    checkpoint: Any = None
    progress: Any = None
    cost: str = ""
    gives_back: bool = False


Habit = Callable[[Body], Deed]
"""How workers of an image go about a claim, given its document."""


@dataclass
class Worker:
    """One worker pod that is being played."""

    name: str
    namespace: str
    uid: str
    slots: int
    image: str = ""
    starts: int = 0
    silent: bool = False
    doing: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    reporting: set[str] = field(default_factory=set)
    saying: dict[str, tuple[str, str]] = field(default_factory=dict)
    drains: bool = False

    @property
    def caller(self) -> Caller:
        """Who it is to the desk."""
        return Caller(self.namespace, self.name, self.uid, f"{self.name}.{self.starts}")


class FakeWorkers:
    """Plays the workers of a fake API server.

    Attributes:
        began: (task, index, attempt, worker) of every claim that was begun, in order.
        ended: The same of those whose result was taken in.
        refused: Ids of claims whose result was refused.
        broken: Names of workers that fail at whatever they do.
        resumed: What (task, index, attempt) were given to go on from, where it was something.
        habits: How workers of an image do whatever they are given; else as it was planned.
        stillborn: Images whose workers never come up.
        courses: Images whose workers never call, and how their pods go on: a step in ten seconds.
        images: The images of all workers there ever were, by name.
        asking: How many claims workers ask for with a result.
        brought: The tasks that came with the answers to results, for each answer, in order.
    """

    def __init__(
        self, api: FakeApi, clock: FakeClock, leader: Callable[[], Operator | None]
    ) -> None:
        self.began: list[tuple[str, int, int, str]] = []
        self.ended: list[tuple[str, int, int, str]] = []
        self.refused: list[str] = []
        self.resumed: dict[tuple[str, int, int], Any] = {}
        self.workers: dict[str, Worker] = {}
        self.broken: set[str] = set()
        self.habits: dict[str, Habit] = {}
        self.stillborn: set[str] = set()
        self.courses: dict[str, tuple[Callable[[Body, float], Body], ...]] = {}
        self.images: dict[str, str] = {}
        self.starting = 1.0
        self.asking = 0
        self.brought: list[list[str]] = []
        self._api = api
        self._clock = clock
        self._leader = leader
        self._deeds: dict[tuple[str, int], tuple[Deed, ...]] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._stop = api._store.listen(self._on_event)

    def plan(self, task: str, *deeds: Deed, index: int = 0) -> None:
        """Say how the attempts of a task's item go, in order; those after the last succeed."""
        self._deeds[task, index] = deeds

    def attempts(self, task: str, index: int = 0) -> list[int]:
        """Return the numbers of the attempts that were begun, in order."""
        return [number for name, i, number, _ in self.began if (name, i) == (task, index)]

    def silence(self, name: str) -> None:
        """Cut a worker off: it works on, and nobody hears of it."""
        self.workers[name].silent = True

    def hear(self, name: str) -> None:
        """Let a worker that was cut off be heard again."""
        self.workers[name].silent = False

    async def stop(self) -> None:
        """Play no longer."""
        self._stop()
        for name in list(self._tasks):
            self._end_play(name)
        await asyncio.sleep(0)

    # Pods

    def _on_event(self, event: StoreEvent) -> None:
        pod = event.body
        if event.resource != PODS or c.LABEL_WORKER not in pod["metadata"].get("labels", {}):
            return
        name = pod["metadata"]["name"]
        if event.removed:
            self._end_play(name)
        elif event.previous is None:
            self._tasks[name] = asyncio.get_running_loop().create_task(self._play(pod))
        elif pod["metadata"].get("deletionTimestamp"):
            self._begin(f"{name}/end", self._terminate(pod))

    def _begin(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        if name not in self._tasks:
            self._tasks[name] = asyncio.get_running_loop().create_task(work)
        else:
            work.close()

    def _end_play(self, name: str) -> None:
        worker = self.workers.pop(name, None)
        for task in worker.doing.values() if worker else ():
            task.cancel()
        for key in [key for key in self._tasks if key.partition("/")[0] == name]:
            task = self._tasks.pop(key)
            if task is not asyncio.current_task():
                task.cancel()

    async def _terminate(self, pod: Body) -> None:
        """End a pod that is to be deleted: claims are given back, then it is gone."""
        meta = pod["metadata"]
        worker = self.workers.get(meta["name"]) or Worker(meta["name"], "", "", 0)
        worker.drains = True
        for claim in list(worker.doing):
            worker.doing.pop(claim).cancel()
            await self._call(worker, self._released(worker, claim))
        try:
            await self._api.delete(PODS, meta["name"], meta["namespace"], grace_seconds=0)
        except ApiFailure as failure:
            assert failure.code == 404  # noqa: PT017 - gone already

    async def _play(self, pod: Body) -> None:
        meta = pod["metadata"]
        env = {e["name"]: e.get("value") for e in pod["spec"]["containers"][0]["env"]}
        slots = int(env["SPECTRA_WORKER_SLOTS"])
        image = self.images[meta["name"]] = pod["spec"]["containers"][0]["image"]
        for step in self.courses.get(image, ()):
            seen = step(pod, self._clock.monotonic())["status"]
            await self._api.patch_status(PODS, meta["name"], seen, meta["namespace"])
            await self._clock.sleep(10.0)
        if image in self.stillborn or image in self.courses:
            return
        await self._clock.sleep(self.starting)
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        await self._api.patch_status(PODS, meta["name"], status, meta["namespace"])
        worker = Worker(meta["name"], meta["namespace"], meta["uid"], slots, image)
        self.workers[meta["name"]] = worker
        self._begin(f"{meta['name']}/beat", self._beat(worker))
        while not worker.drains:
            free = worker.slots - len(worker.doing)
            if not free:
                await self._clock.sleep(1.0)
                continue
            known = frozenset(worker.doing)
            works = await self._call(worker, _asking(worker, free, known))
            for work in works or ():
                self._take(worker, work)
            if not works:
                await self._clock.sleep(0.1)

    # Calls

    async def _call(self, worker: Worker, ask: Callable[[Any], Any]) -> Any:
        """Ask the desk of the leader; None where there is no answer, or it is refused."""
        leader = self._leader()
        if leader is None or worker.silent:
            await self._clock.sleep(1.0)
            return None
        try:
            answer = ask(leader.engine.desk)
            if not isinstance(answer, asyncio.Future):
                return answer
            patience = asyncio.ensure_future(self._clock.sleep(PATIENCE_SECONDS))
            await asyncio.wait({answer, patience}, return_when=asyncio.FIRST_COMPLETED)
            patience.cancel()
            if not answer.done():
                answer.cancel()
                return None
            return answer.result()
        except (StaleError, StrangerError):
            raise
        except DeskError:
            await self._clock.sleep(1.0)
            return None

    async def _beat(self, worker: Worker) -> None:
        while True:
            await self._clock.sleep(BEAT_SECONDS)
            orders = await self._call(worker, _beating(worker, _beats(worker)))
            for claim in orders.cancel if orders else ():
                worker.cancelled.add(claim)
                task = worker.doing.get(claim)
                if (
                    task is not None and claim not in worker.reporting
                ):  # a result is told to its end
                    task.cancel()

    def _take(self, worker: Worker, work: Work) -> None:
        document = json.loads(work.document)
        if work.id in worker.doing:
            return
        self.began.append((document["task"], document["index"], document["attempt"], worker.name))
        if document["checkpoint"] is not None:
            which = (document["task"], document["index"], document["attempt"])
            self.resumed[which] = document["checkpoint"]
        worker.epochs[work.id] = work.epoch
        deed = self._deed(worker, document)
        worker.saying[work.id] = (_text(deed.progress), _text(deed.checkpoint))
        done = self._do(worker, document)
        worker.doing[work.id] = asyncio.get_running_loop().create_task(done)

    def _deed(self, worker: Worker, document: Body) -> Deed:
        if worker.image in self.habits:
            return self.habits[worker.image](document)
        deeds = self._deeds.get((document["task"], document["index"]), ())
        number = document["attempt"]
        return deeds[number - 1] if number <= len(deeds) else Deed()

    async def _do(self, worker: Worker, document: Body) -> None:
        claim, deed = document["id"], self._deed(worker, document)
        if worker.name in self.broken:
            deed = Deed(succeeded=False)
        try:
            if any(worker.saying[claim]):
                await self._call(worker, _beating(worker, _beats(worker)))
            if deed.seconds is None:
                await asyncio.Event().wait()
            else:
                await self._clock.sleep(deed.seconds)
        except asyncio.CancelledError:
            if claim in worker.cancelled and not deed.deaf:
                worker.doing.pop(claim, None)
                self._begin(
                    f"{worker.name}/{claim}",
                    self._say(worker, claim, self._released(worker, claim)),
                )
            raise
        if deed.crash:
            self._crash(worker)
            return
        if deed.gives_back:
            await self._say(worker, claim, self._released(worker, claim))
            worker.doing.pop(claim, None)
            return
        outputs = deed.outputs(document["input"]) if callable(deed.outputs) else deed.outputs
        said = {"outputs": outputs} if outputs is not None else {}
        text = json.dumps(said | ({"usage": {"cost": deed.cost}} if deed.cost else {}))
        reason, epoch = "" if deed.succeeded else "Error", worker.epochs[claim]
        report = Report(claim, epoch, deed.succeeded, reason, text, self.asking)
        worker.reporting.add(claim)
        try:
            works = await self._say(worker, claim, lambda d: d.report(worker.caller, report))
        finally:  # a heartbeat may tell first that the claim is over
            worker.doing.pop(claim, None)
        if works is None:
            return
        self.ended.append((document["task"], document["index"], document["attempt"], worker.name))
        self.brought.append([json.loads(work.document)["task"] for work in works])
        for work in works:
            self._take(worker, work)

    async def _say(self, worker: Worker, claim: str, ask: Callable[[Any], Any]) -> Any:
        """Say something until it is answered; return the answer, None if it is refused."""
        while True:
            try:
                answer = await self._call(worker, _answered(ask))
            except DeskError:
                self.refused.append(claim)
                return None
            if answer is not None:
                return answer
            await self._clock.sleep(0.5)

    def _released(self, worker: Worker, claim: str) -> Callable[[Any], Any]:
        epoch = worker.epochs[claim]
        return lambda desk: desk.release(worker.caller, claim, epoch, "stopped")

    def _crash(self, worker: Worker) -> None:
        """End the process: what it did is forgotten, and a new one begins."""
        this = asyncio.current_task()
        for task in worker.doing.values():
            if task is not this:
                task.cancel()
        worker.doing, worker.epochs, worker.cancelled = {}, {}, set()
        worker.starts += 1


def _asking(worker: Worker, slots: int, known: frozenset[str]) -> Callable[[Any], Any]:
    return lambda desk: desk.claims(worker.caller, slots, known)


def _beats(worker: Worker) -> list[Beat]:
    return [Beat(claim, worker.epochs[claim], *worker.saying[claim]) for claim in worker.doing]


def _text(said: Any) -> str:
    return "" if said is None else json.dumps(said, separators=(",", ":"))


def _beating(worker: Worker, beats: list[Beat]) -> Callable[[Any], Any]:
    return lambda desk: desk.beat(worker.caller, beats)


def _answered(ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let a call that answers with nothing answer with an empty tuple instead."""

    def made(desk: Any) -> Any:
        asked = ask(desk)
        done = asyncio.get_running_loop().create_future()

        def pass_on(future: asyncio.Future[Any]) -> None:
            if done.done() or future.cancelled():
                return
            error = future.exception()
            if error is None:
                done.set_result(future.result() or ())
            else:
                done.set_exception(error)

        asked.add_done_callback(pass_on)
        return done

    return made


def once(began: list[tuple[str, int, int, str]]) -> bool:
    """Whether no attempt was begun twice."""
    counts: dict[tuple[str, int, int], int] = defaultdict(int)
    for task, index, number, _ in began:
        counts[task, index, number] += 1
    return all(count == 1 for count in counts.values())
