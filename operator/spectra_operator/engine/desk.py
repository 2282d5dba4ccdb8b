"""The desk: where workers get their claims and hand in results. It implements the worker API.

    call -> operations on the worker's page -> key in queue -> pass: one write -> answer

Nothing is answered before it is durable. What a phase grants goes to a worker that waits; all that
gathers on a page while a write is under way goes into the next one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from ..core.attempts.evidence import Kind
from ..core.pool.page import Claim, End
from ..core.pool.page_text import is_larger
from .beats import take_beats
from .desk_calls import (
    Beat,
    Caller,
    DeskError,
    NotHolderError,
    Orders,
    Report,
    StaleError,
    StrangerError,
    UnavailableError,
    Work,
)
from .keys import Key
from .parts import Parts
from .pod_beats import PodBeats
from .worker_book import KIND, Poll, Wait, WorkerRun
from .workers import WorkerReconciler

HOLD_SECONDS = 0.01
"""How long a result may wait for the pass over the phase that has the next claim for its slot: both
are one write then."""
FULL_PAGE_BYTES = 192 * 1024
"""A page larger than this takes no more results until the phases' statuses have caught up."""

Works = asyncio.Future[tuple[Work, ...]]


class WorkDesk:
    """Hands out claims and takes results in; see `desk_calls.Desk`."""

    def __init__(
        self,
        parts: Parts,
        workers: WorkerReconciler,
        pods: PodBeats,
        holder_address: Callable[[str], str],
    ) -> None:
        self._parts = parts
        self._workers = workers
        self._pods = pods
        self._address = holder_address

    def claims(self, caller: Caller, slots: int, known: frozenset[str]) -> Works:
        """Ask for up to `slots` claims; see `Desk`."""
        key, run = self._caller(caller)
        future: Works = _future()
        before = run.take_poll()
        if before:
            before.future.set_result(())
        run.delivered &= known
        run.poll = Poll(future, slots)
        self._workers.hand_out(key, run)
        if run.poll is not None:
            self._parts.hand_on(key.namespace)
        return future

    def beat(self, caller: Caller, beats: Sequence[Beat]) -> Orders:
        """Take in that a worker is alive; see `Desk`."""
        self._refuse_elsewhere(caller.namespace)
        if self._pods.knows(caller):
            return self._pods.beat(caller, beats)
        key, run = self._caller(caller)
        claims = run.wanted.claims
        take_beats(self._parts, key, run, claims, beats)
        cancel = [
            beat.claim
            for beat in beats
            if beat.claim in run.stopping or not _is_open(claims.get(beat.claim), beat.epoch)
        ]
        return Orders(tuple(cancel), run.draining or run.deleting)

    def report(self, caller: Caller, report: Report) -> Works:
        """Take a result in; see `Desk`."""
        key, run = self._caller(caller)
        kind = Kind.SUCCEEDED if report.succeeded else Kind.FAILED
        end = End(
            report.claim,
            self._parts.clock.now(),
            kind,
            reason=report.reason,
            document=report.document,
            digest=_digest(f"{kind}\n{report.reason}\n{report.document}"),
        )
        return self._end(key, run, end, report.epoch, report.slots)

    def release(self, caller: Caller, claim: str, epoch: int, reason: str) -> asyncio.Future[None]:
        """Take a claim back undone; see `Desk`."""
        key, run = self._caller(caller)
        message = reason[:256] or "its worker gave it back"
        now, digest = self._parts.clock.now(), _digest("released")
        asked = run.draining or run.deleting or claim in run.stopping
        why = "Released" if asked else "GivenBack"
        end = End(claim, now, Kind.LOST, why, message, digest=digest)
        done: asyncio.Future[None] = _future()
        self._end(key, run, end, epoch, 0).add_done_callback(lambda ended: _pass_on(ended, done))
        return done

    def _caller(self, caller: Caller) -> tuple[Key, WorkerRun]:
        """Return the worker that calls, heard now; a new process of it begins with nothing.

        Raises:
            DeskError: Another replica answers, or it is no worker of ours.
        """
        parts = self._parts
        self._refuse_elsewhere(caller.namespace)
        key = Key(KIND, caller.namespace, caller.pod)
        run = parts.workers.get(key)
        if run is None or run.pod_uid != caller.uid:
            self._pods.refuse(caller)
            raise StrangerError("NotAWorker", f"pod {caller.pod} is no worker of an agent here")
        if run.heard_at is None:
            parts.queue.add(key)
            parts.queue.add(Key("Agent", key.namespace, run.agent))
        run.heard(parts.clock.monotonic())
        run.silence_told = False
        if run.instance != caller.instance:
            self._workers.restarted(key, run, caller.instance)
        return key, run

    def _refuse_elsewhere(self, namespace: str) -> None:
        if not self._parts.admitting(namespace):
            text = f"another replica answers for namespace {namespace}"
            raise NotHolderError("NotHolder", text, self._address(namespace))

    def _end(self, key: Key, run: WorkerRun, end: End, epoch: int, slots: int) -> Works:
        wanted = run.wanted
        claim, ending = wanted.claims.get(end.id), wanted.endings.get(end.id)
        told = ending.end.digest if ending else run.told.get(end.id, "")
        if not _is_open(claim, epoch):
            if claim is None and end.id in run.page.claims and told != end.digest:
                text = f"the end of claim {end.id} is being recorded; try again"
                raise UnavailableError("ClaimEnding", text)
            if told != end.digest:
                text = f"claim {end.id} is not open for this worker; its result is not wanted"
                raise StaleError("ClaimNotOpen", text)
        elif is_larger(wanted, FULL_PAGE_BYTES):
            raise UnavailableError("PageFull", "too many results wait to be recorded; try again")
        else:
            self._workers.end(key, run, end)
        future: Works = _future()
        run.waits.append(Wait(future, slots))
        if slots:
            rested = self._parts.hand_on(key.namespace)
            run.hold_until = min(rested, self._parts.clock.monotonic() + HOLD_SECONDS)
        self._parts.queue.add(key)
        return future


def refuse_all(run: WorkerRun, error: DeskError) -> None:
    """Answer everybody who waits at a worker's page with an error."""
    for wait in (*run.waits, *run.writing):
        if not wait.future.done():
            wait.future.set_exception(error)
    run.waits, run.writing = [], []
    poll = run.take_poll()
    if poll:
        poll.future.set_exception(error)


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


def _pass_on(ended: Works, done: asyncio.Future[None]) -> None:
    if done.done():
        return
    error = None if ended.cancelled() else ended.exception()
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(None)


def _is_open(claim: Claim | None, epoch: int) -> bool:
    return claim is not None and claim.epoch == epoch


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
