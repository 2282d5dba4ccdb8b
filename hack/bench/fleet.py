"""Warm workers without containers: HTTP clients that speak the worker API for the pods of a pool.

Each claims as the SDK does: one open wait for its free slots, and every result takes the next
claim with it. What a task does takes no time of its own: it ends when the pace says so, so that the
load is the same however fast the operator answers.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.http_calls import HttpCalls
from bench.loads import FIRST, SECOND

WAIT_SECONDS = 30
BEAT_SECONDS = 5.0

Claim = dict[str, Any]


@dataclass
class Tape:
    """What the workers of a run saw.

    Attributes:
        given: How often each claim came, by its id.
        ended: Claims whose result was taken in.
        attempts: Numbers of the attempts.
        chained: Seconds from sending a result to the arrival of the claim that follows from it.
        entered: Seconds from the answer to the last result of a phase to the arrival of each first
            task of the phase after it.
        refilled: Seconds from sending a result to the next claim for its slot.
        answered: Seconds from sending a result to its answer.
        idle: How often a task should have ended and none was in hand.
        again: How often a claim came again that had ended: its answer and its end had crossed.
    """

    given: Counter[str] = field(default_factory=Counter)
    ended: int = 0
    attempts: set[int] = field(default_factory=set)
    chained: list[float] = field(default_factory=list)
    entered: list[float] = field(default_factory=list)
    refilled: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    idle: int = 0
    again: int = 0
    sent_at: dict[tuple[str, str, str], float] = field(default_factory=dict)
    answered_at: dict[tuple[str, str], float] = field(default_factory=dict)

    def came(self, claim: Claim) -> None:
        """Note a claim; one in a chain is named by its chain and its place, such as c3-7."""
        self.given[claim["id"]] += 1
        self.attempts.add(claim["attempt"])
        chain, _, place = claim["task"].partition("-")
        done_at = self.answered_at.get((claim["workflow"], FIRST))
        if done_at is not None and place == "0" and claim["phase"] == SECOND:
            self.entered.append(time.monotonic() - done_at)
        if place.isdecimal():
            before = (claim["workflow"], claim["phase"], f"{chain}-{int(place) - 1}")
            sent = self.sent_at.pop(before, None)
            if sent is not None:
                self.chained.append(time.monotonic() - sent)

    def answered_now(self, claim: Claim, sent_at: float) -> None:
        """Note that a result is taken in."""
        now = time.monotonic()
        self.answered.append(now - sent_at)
        self.answered_at[claim["workflow"], claim["phase"]] = now
        self.ended += 1

    def sent(self, claim: Claim) -> float:
        """Note that a result is being sent, and return when."""
        now = time.monotonic()
        self.sent_at[claim["workflow"], claim["phase"], claim["task"]] = now
        return now


class Worker:
    """Plays one pod. `in_hand` is told about every claim."""

    def __init__(self, url: str, token: str, slots: int, in_hand: Callable[[Held], None]) -> None:
        self._slots = slots
        self._in_hand = in_hand
        self._held: dict[str, Claim] = {}
        self._ended: set[str] = set()
        self._free_since: deque[float] = deque()
        self._room = asyncio.Event()
        self.tape = Tape()
        headers = {"Authorization": f"Bearer {token}", "Spectra-Instance": uuid.uuid4().hex}
        self._calls = HttpCalls(url, headers)

    async def run(self) -> None:
        """Claim and send heartbeats until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._claim())
                group.create_task(self._beat())
        finally:
            self._calls.close()

    async def end(self, claim: Claim) -> None:
        """Report a claim as done, and take the next."""
        began = self.tape.sent(claim)
        self._free_since.append(began)
        body = {
            "epoch": claim["epoch"],
            "succeeded": True,
            "result": {"outputs": {"n": 1}},
            "slots": 1,
        }
        answer = await self._calls.post(f"/v1/claims/{claim['id']}/result", body)
        self.tape.answered_now(claim, began)
        del self._held[claim["id"]]
        self._ended.add(claim["id"])
        self._take(answer["claims"])
        self._room.set()

    async def _claim(self) -> None:
        while True:
            while len(self._held) >= self._slots:
                self._room.clear()
                await self._room.wait()
            body = {
                "slots": self._slots - len(self._held),
                "waitSeconds": WAIT_SECONDS,
                "known": list(self._held),
            }
            self._take((await self._calls.post("/v1/claims", body))["claims"])

    async def _beat(self) -> None:
        while True:
            beats = [{"id": c["id"], "epoch": c["epoch"]} for c in self._held.values()]
            await self._calls.post("/v1/heartbeat", {"claims": beats})
            await asyncio.sleep(BEAT_SECONDS)

    def _take(self, claims: list[Claim]) -> None:
        for claim in claims:
            if claim["id"] in self._held:
                continue
            if claim["id"] in self._ended:
                self.tape.again += 1
                continue
            self._held[claim["id"]] = claim
            self.tape.came(claim)
            if self._free_since:
                self.tape.refilled.append(time.monotonic() - self._free_since.popleft())
            self._in_hand(Held(self, claim))


@dataclass(frozen=True, slots=True)
class Held:
    """A claim in the hands of a worker."""

    worker: Worker
    claim: Claim


class Fleet:
    """All workers of a pool, and the pace at which their tasks end."""

    def __init__(self, url: str, tokens: list[str], slots: int) -> None:
        self._held: deque[Held] = deque()
        self._came = asyncio.Event()
        self._workers = [Worker(url, token, slots, self._in_hand) for token in tokens]

    async def run(self) -> None:
        """Claim until cancelled."""
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.run())

    def new_tape(self) -> Tape:
        """Begin a new record and return it."""
        tape = Tape()
        for worker in self._workers:
            worker.tape = tape
        return tape

    async def work(self, tape: Tape, tasks: int, rate: float | None) -> None:
        """End so many tasks, the oldest first: `rate` a second, or each as soon as it comes."""
        begin = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(tasks):
                if rate is not None:
                    await asyncio.sleep(max(begin + number / rate - time.monotonic(), 0))
                    tape.idle += not self._held
                while not self._held:
                    self._came.clear()
                    await self._came.wait()
                held = self._held.popleft()
                group.create_task(held.worker.end(held.claim))

    def _in_hand(self, held: Held) -> None:
        self._held.append(held)
        self._came.set()
