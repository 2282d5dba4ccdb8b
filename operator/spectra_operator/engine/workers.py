"""Keeps the pages of workers: writes what has gathered, hands out claims, ends what is lost.

A page has one write under way at most; what comes meanwhile goes into the next one.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.attempts.evidence import Kind
from ..core.phase.begun import never_begun
from ..core.phase.inputs import InputError
from ..core.pool.page import Claim, End, Fence, Forget, Give, Note, Op, Page
from ..kube.errors import AlreadyExists, Conflict, KubeError, NotFound
from ..kube.resources import Body, uid_of
from . import pages
from .agent_effects import DeletePage, LookUpPage, WritePage
from .claim_texts import work_of
from .desk_calls import UnavailableError
from .effects import Effect
from .foresight import Foresight
from .keys import Key
from .parts import Parts
from .shown_pages import RESTARTED, drop, show
from .troubles import tell_silence
from .worker_book import SECOND_LOOK_SECONDS, SILENT_SECONDS, Wait, WorkerRun


class WorkerReconciler:
    """Brings the page of one worker a step on."""

    def __init__(self, parts: Parts, foresight: Foresight) -> None:
        self._parts = parts
        self._foresight = foresight

    def reconcile(self, key: Key) -> None:
        """Make one pass over a worker."""
        run = self._parts.workers.get(key)
        if run is None:
            return
        self._listen(key, run)
        self._end_what_is_lost(key, run)
        self._end_what_was_stopped(key, run)
        if run.in_flight is None and not run.looking:
            self._write(key, run)

    # What the desk asks

    def end(self, key: Key, run: WorkerRun, end: End) -> None:
        """End an open claim as its worker says; a bad end after a stop is the stop's doing."""
        if end.id in run.stopping and end.kind is not Kind.SUCCEEDED:
            end = self._stopped(end.id, end.digest, key, run)
        run.ops.append(end)

    def restarted(self, key: Key, run: WorkerRun, instance: str) -> None:
        """End the claims of the process that was there before; nobody works on them any more."""
        run.instance = instance
        poll = run.take_poll()
        if poll:
            poll.future.set_result(())
        if any(claim.instance != instance for claim in run.wanted.claims.values()):
            text = "the process of its worker ended without a result"
            self._lose(key, run, RESTARTED, text)
        self._parts.queue.add(key)

    def hand_out(self, key: Key, run: WorkerRun) -> None:
        """Answer who waits, with what is durable and was not handed out yet."""
        open_ = [
            claim
            for claim in run.page.claims.values()
            if claim.instance == run.instance and claim.id not in run.delivered
        ]
        for wait in run.writing:
            now, open_ = open_[: wait.slots], open_[wait.slots :]
            self._answer(key, run, wait, now)
        run.writing = []
        if open_:
            poll = run.take_poll()
            if poll is not None:
                self._answer(key, run, Wait(poll.future, len(open_)), open_)

    def _answer(self, key: Key, run: WorkerRun, wait: Wait, claims: Sequence[Claim]) -> None:
        if wait.future.done():
            return
        works = []
        for claim in claims:
            try:
                work = work_of(self._parts, key.namespace, run, claim)
            except InputError:
                continue  # its phase is not what it was, and will stop it
            works.append(work)
            run.delivered.add(claim.id)
            trigger = run.triggers.pop(claim.id, None)
            if trigger is not None:
                self._parts.metrics.observe_hop(self._parts.clock.monotonic() - trigger)
        wait.future.set_result(tuple(works))

    # Ends that nobody reports

    def _listen(self, key: Key, run: WorkerRun) -> None:
        """Find out whether a worker is silent; before new work starts, none is let in to call."""
        if run.heard_at is None or not run.alive:
            return
        queue, now = self._parts.queue, self._parts.clock.monotonic()
        if not self._parts.admitting(key.namespace):
            queue.add_at(key, now + SILENT_SECONDS)
        elif now < run.heard_at + SILENT_SECONDS:
            queue.add_at(key, run.heard_at + SILENT_SECONDS)
        elif run.suspected_at is None:
            run.suspected_at = now
            queue.add_at(key, now + SECOND_LOOK_SECONDS)
        elif not run.is_silent(now):
            queue.add_at(key, run.suspected_at + SECOND_LOOK_SECONDS)
        elif not run.silence_told:
            queue.add(Key("Agent", key.namespace, run.agent))

    def _end_what_is_lost(self, key: Key, run: WorkerRun) -> None:
        if not run.wanted.claims:
            return
        if not run.alive:
            self._lose(key, run, "WorkerGone", run.failure or "the pod of its worker is gone")
        elif self._parts.admitting(key.namespace) and run.is_silent(self._parts.clock.monotonic()):
            text = f"its worker said nothing for {SILENT_SECONDS:g} s"
            tell_silence(self._parts, Key("Agent", key.namespace, run.agent), key, run)
            self._lose(key, run, "WorkerSilent", text)

    def _lose(self, key: Key, run: WorkerRun, reason: str, message: str) -> None:
        """End all open claims; those that nobody can have seen go back to where they came from."""
        for op in [op for op in run.ops if isinstance(op, Give)]:
            run.ops.remove(op)
            if not _stands(run.page, op.claim):  # else it came to be, and nobody was answered
                self._take_back(key, run, op.claim)
        if run.wanted.claims:
            run.ops.append(Fence(self._parts.clock.now(), reason, message))

    def _take_back(self, key: Key, run: WorkerRun, claim: Claim) -> None:
        """Let a phase give a claim anew that never came to be."""
        drop(run, claim.id)
        phase = Key("Phase", key.namespace, claim.phase)
        self._parts.attempts.forget(phase, claim.id)
        found = self._parts.phases.get(phase)
        if found is not None and found.shape.uid == claim.phase_uid:
            found.known = never_begun(found.shape, found.known, claim.task, claim.number)
        self._parts.queue.add(phase)

    def _end_what_was_stopped(self, key: Key, run: WorkerRun) -> None:
        wanted = run.wanted.claims
        now = self._parts.clock.monotonic()
        for id_, until in list(run.stopping.items()):
            if id_ not in wanted:
                del run.stopping[id_]
            elif now >= until:
                run.ops.append(self._stopped(id_, "", key, run))
                del run.stopping[id_]
            else:
                self._parts.queue.add_at(key, until)

    def _stopped(self, claim: str, digest: str, key: Key, run: WorkerRun) -> End:
        held = run.wanted.claims[claim]
        known = self._parts.attempts.get(Key("Phase", key.namespace, held.phase), claim)
        now = self._parts.clock.now()
        asked = (known.deleted_at if known else None) or now
        text = "it was stopped"
        return End(claim, now, Kind.LOST, "Stopped", text, digest=digest, stopped_at=asked)

    # Writing

    def _write(self, key: Key, run: WorkerRun) -> None:
        now = self._parts.clock.monotonic()
        urgent = any(not isinstance(op, (Forget, Note)) for op in run.ops)
        if not urgent:  # what was asked for stands already
            self._answer_waits(key, run)
        if run.ops and not urgent and run.write_by is not None and now < run.write_by:
            self._parts.queue.add_at(key, run.write_by)
            return
        if now < run.hold_until and not any(isinstance(op, Give) for op in run.ops):
            self._parts.queue.add_at(key, run.hold_until)
            return
        run.hold_until = 0.0
        self._foresight.give_what_follows(key, run)
        after = run.wanted
        ops, run.ops, run.write_by = tuple(run.ops), [], None
        if after == run.page and (run.lease is not None or after.is_clear):
            self._take_in_what_followed(key, run, ops)
            self._answer_waits(key, run)
            self._clear_away(key, run)
            return
        run.writing += run.waits
        run.waits, run.in_flight = [], ops
        body = pages.page_body(self._parts, key, run, after)
        self._parts.executor.submit(WritePage(key, body, after, create=run.lease is None))

    def _answer_waits(self, key: Key, run: WorkerRun) -> None:
        run.writing += run.waits
        run.waits = []
        self.hand_out(key, run)

    def _clear_away(self, key: Key, run: WorkerRun) -> None:
        """Delete the page of a worker that is gone, once nothing on it would be missed."""
        if run.pod_uid or not run.page.is_clear or run.ops:
            return
        if run.lease is not None:
            self._parts.executor.submit(DeletePage(key, uid_of(run.lease)))
        else:
            self._parts.workers.drop(key)

    def done(self, effect: Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in how a write, a look or a deletion ended."""
        run = self._parts.workers.get(effect.key)
        if run is None:
            return
        if isinstance(effect, WritePage):
            self._written(effect, run, body, error)
            return
        if isinstance(effect, LookUpPage):
            run.looking = False
            if error is None:
                self._looked_up(effect.key, run, body)
        if error is not None:
            self._parts.queue.back_off(effect.key)
        elif not isinstance(effect, DeletePage):  # of a deletion the watch tells
            self._parts.queue.add(effect.key)

    def _looked_up(self, key: Key, run: WorkerRun, body: Body | None) -> None:
        run.lease = None
        if body is not None:
            self.take_page(key, body)

    def _written(
        self, effect: WritePage, run: WorkerRun, body: Body | None, error: KubeError | None
    ) -> None:
        key, ops = effect.key, run.in_flight or ()
        run.in_flight = None
        if error is None and body is not None:
            run.lease = body
            self._parts.queue.succeeded(key)
            show(self._parts, key, run, effect.page)
            self._take_in_what_followed(key, run, ops)
            self.hand_out(key, run)
            self._parts.queue.add(key)
            return
        run.ops[:0] = ops
        if isinstance(error, (Conflict, NotFound, AlreadyExists)):
            run.looking = True
            self._parts.executor.submit(LookUpPage(key))
            return
        unavailable = UnavailableError("NotRecorded", "the page could not be written; try again")
        for wait in run.writing:
            if not wait.future.done():
                wait.future.set_exception(unavailable)
        run.writing = []
        self._parts.queue.back_off(key)

    def _take_in_what_followed(self, key: Key, run: WorkerRun, ops: Sequence[Op]) -> None:
        """Note that what followed from results is ready from now on; some may not have come."""
        now = self._parts.clock.monotonic()
        for op in (op for op in ops if isinstance(op, Give) and op.after):
            if op.claim.id in run.page.claims:
                run.triggers[op.claim.id] = now
            elif not _stands(run.page, op.claim):
                self._take_back(key, run, op.claim)

    def take_page(self, key: Key, body: Body) -> bool:
        """Take in the page of a worker as the API server has it; False: it was no news."""
        run = self._parts.workers.get(key) or pages.known_by_lease(self._parts.workers, key, body)
        if run.in_flight is not None or not pages.is_newer(run, body):
            return False
        run.lease = body
        show(self._parts, key, run, pages.page_of(body))
        return True

    def page_gone(self, key: Key, body: Body) -> None:
        """Take in that a page is gone: of a worker that lives it is written anew."""
        run = self._parts.workers.get(key)
        if run is None or (run.lease is not None and uid_of(run.lease) != uid_of(body)):
            return
        run.lease = None
        if not run.pod_uid and not run.creating:
            show(self._parts, key, run, Page(epoch=run.page.epoch))
            self._parts.workers.drop(key)


def _stands(page: Page, claim: Claim) -> bool:
    return claim.id in page.claims or claim.id in page.endings
