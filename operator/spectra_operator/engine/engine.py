"""The engine: changes go into caches, keys into the queue, passes make effects.

    watch event -> cache -> key in queue -> snapshot -> decide() -> effects -> API server

Everything but the effects is synchronous and runs on one event loop, so a pass sees one
consistent picture and no pass runs beside another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from ..api import constants as c
from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.errors import KubeError
from ..kube.informer import Informer
from ..kube.resources import Body, parse_version, version_of
from ..observability.metrics import Metrics
from . import measures
from .actions import ActionReconciler
from .agent_book import AgentBook
from .agents import AgentReconciler
from .attempts import AttemptIndex
from .content_book import ContentBook
from .content_intake import ContentIntake
from .crowd import Crowd
from .desk import WorkDesk
from .effects import Effect
from .executor import Executor
from .foresight import Foresight
from .gauges import EngineGauges
from .history import KIND as HISTORY
from .history import History
from .inquiries import AsksPrometheus, Inquiries, Nobody, Readings
from .keys import ACTIONS, OURS, PHASES, WORKFLOWS, Key, key_of
from .looks import first_looks, look_again, look_no_more
from .outcomes import Outcomes, Reconcilers
from .parts import Parts
from .passes import Passes
from .phases import PhaseReconciler
from .pod_beats import KIND as NOTE
from .pod_beats import PodBeats
from .pod_intake import PodIntake
from .pool_intake import PoolIntake
from .pools import PoolKeeper
from .queue import WorkQueue
from .refresh import Refresh
from .scheduler import Scheduler
from .schedules import ScheduleReconciler
from .settings import EngineSettings
from .status import StatusWriter
from .store import ObjectStore
from .story import Storyteller
from .templates import TemplateReconciler
from .terms import Terms
from .traces import TakesSpans, Traces
from .worker_book import KIND as WORKER
from .workers import WorkerReconciler
from .workflows import WorkflowReconciler

logger = logging.getLogger(__name__)

_FINISHING = (PHASES, WORKFLOWS, ACTIONS)
LISTED = {resource: c.LIVE_SELECTOR if resource in _FINISHING else "" for resource in OURS}


class Engine:
    """Runs workflows in the namespaces of the shards that are active."""

    def __init__(
        self,
        client: KubeClient,
        clock: Clock,
        metrics: Metrics,
        settings: EngineSettings,
        prometheus: AsksPrometheus | None = None,
        spans: TakesSpans | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._metrics = metrics
        self._settings = settings
        self.terms = terms = Terms(clock, settings.shards)
        intake = PodIntake(client, clock, terms.holds, terms.may_write, settings.namespaces)
        self.pods = intake.pods
        self.parts = self._make_parts(prometheus or Nobody(), spans)
        self._phases = PhaseReconciler(self.parts)
        intake.serve(self.parts, self._phases.pods)
        self._workflows = WorkflowReconciler(self.parts, self._phases)
        self._workers = WorkerReconciler(self.parts, Foresight(self.parts, self._phases))
        self.pool = PoolIntake(client, self.parts, self._workers, terms.holds, settings.namespaces)
        self._content = ContentIntake(client, self.parts, terms.holds)
        self._refresh = Refresh(self.pods.refresh, self.pool.refresh, self.relist)
        pools = PoolKeeper(self.parts, self.pool.pods.put, settings.worker_url, settings.new_id)
        self._agents = AgentReconciler(self.parts, pools)
        self._pod_beats = PodBeats(self.parts, self.pods.get)
        self.desk = WorkDesk(self.parts, self._workers, self._pod_beats, terms.address)
        self.history = History(self.parts)
        self._schedules = ScheduleReconciler(self.parts, self.history)
        self._actions = ActionReconciler(self.parts)
        self._templates = TemplateReconciler(self.parts)
        reconcilers = Reconcilers(
            self._phases,
            self._workflows,
            self._agents,
            self._schedules,
            self.history,
            self._actions,
            self._templates,
            self._workers,
            pools,
            self._pod_beats,
        )
        self._outcomes = Outcomes(self.parts, self.pods.put, reconcilers)
        reconcile = {
            "Phase": self._phases.reconcile,
            "Workflow": self._pass_over_workflow,
            "Agent": self._agents.reconcile,
            "Schedule": self._schedules.reconcile,
            "Action": self._actions.reconcile,
            "WorkflowTemplate": self._templates.reconcile,
            HISTORY: self.history.reconcile,
            WORKER: self._workers.reconcile,
            NOTE: self._pod_beats.reconcile,
        }
        self.passes = Passes(clock, self.parts.queue, metrics, reconcile, terms.holds)
        measures.begin(metrics)
        metrics.read_at_scrape(EngineGauges(self.parts, self.caches).read)

    def _make_parts(self, prometheus: AsksPrometheus, spans: TakesSpans | None) -> Parts:
        attempts = AttemptIndex()
        queue = WorkQueue(self._clock, self.terms.is_beginning)
        crowd = Crowd(queue)
        executor = Executor(
            self._client,
            self.pods,
            clock=self._clock,
            may_write=self.terms.may_write,
            on_done=self._done,
            concurrency=self._settings.concurrency,
        )
        executor.on_taken = crowd.drained
        return Parts(
            clock=self._clock,
            shards=self._settings.shards,
            store=ObjectStore(),
            attempts=attempts,
            queue=queue,
            scheduler=Scheduler(attempts),
            executor=executor,
            crowd=crowd,
            inquiries=Inquiries(
                prometheus,
                self._settings.prometheus_addresses,
                self._clock,
                self._read,
            ),
            statuses=StatusWriter(self._clock, queue, executor),
            traces=Traces(spans, self._clock, attempts),
            agents=AgentBook(ContentBook(self._settings.content_namespaces)),
            stories=Storyteller(self._clock, executor.submit, self._settings.identity),
            metrics=self._metrics,
            admitting=self.terms.admitting,
            settles_in=self.terms.settles_in,
            led_since=self.terms.led_since,
            worker_url=self._settings.worker_url,
        )

    def _done(self, effect: Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in how an effect ended; an object that breaks this degrades itself alone."""
        try:
            self._outcomes.done(effect, body, error)
        except Exception:
            logger.exception("%s: the end of %s broke", effect.key, type(effect).__name__)
            self._metrics.reconcile_errors[effect.key.kind,].inc()
            self.parts.queue.back_off(effect.key)

    def _read(self, key: Key, readings: Readings) -> None:
        self._agents.rollouts.read(key, readings)

    def _pass_over_workflow(self, key: Key) -> None:
        self._workflows.reconcile(key)
        self._schedules.saw(key)

    def caches(self) -> Iterable[tuple[str, Informer]]:
        """Yield the caches that follow the API server beside kopf, with the kind of each."""
        own = ("Pod", self.pods), ("WorkerPod", self.pool.pods), ("WorkerPage", self.pool.pages)
        for kind, informers in own:
            yield from ((kind, informer) for informer in informers.each())
        yield from self._content.watches()

    def offer(self, body: Body) -> None:
        """Take in one of our objects as the API server has it now."""
        if self.parts.store.offer(body):
            self._changed(key_of(body))

    def drop(self, body: Body) -> None:
        """Take in that one of our objects is gone, or has left the watch."""
        key = key_of(body)
        if self.parts.store.drop(key, version_of(body)):
            self._changed(key)

    async def run(self) -> None:
        """Work until cancelled. Shards are switched on and off beside this."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.pods.run())
            group.create_task(self.pool.run())
            group.create_task(self._content.run())
            group.create_task(self.parts.executor.run())
            group.create_task(self.parts.inquiries.run())
            group.create_task(self.passes.run())
            group.create_task(self._resync())

    async def take_over(self, shard: int, held: Callable[[], bool]) -> None:
        """Begin to run a shard: bring the caches up, look at everything, then start new work.

        Pods are listed before our own objects: results move from pods into status, so the other
        order could miss one in both.
        """
        mine = self._those_of(shard)
        await self._refresh()
        await self._content.refresh(mine)
        self.terms.begin(shard, held)
        keys = [key for key in self._known_keys() if mine(key.namespace)]
        keys += self.pool.take_over(mine)
        with self._settings.growing():
            for key in first_looks(keys):
                if not self.terms.runs(shard):
                    return  # the Lease was lost meanwhile
                await self.passes.turn(self.passes.make(key))  # renewals go on
        if not self.terms.runs(shard):
            return
        self.terms.admit(shard)
        self.pool.let_call(mine)
        look_again(self.parts, keys, mine)
        self._lead(measures.ACQUIRED)
        logger.info("shard %d taken over with %d objects", shard, len(keys))
        await self.history.load(self._client, mine)

    def give_up(self, shard: int) -> None:
        """Stop running a shard at once and forget what was derived of it."""
        led, mine = self.terms.end(shard), self._those_of(shard)
        self.pool.give_up(mine)
        parts = self.parts
        for runs in parts.runs():
            for key in [key for key in runs if mine(key.namespace)]:
                del runs[key]
                parts.queue.discard(key)
                parts.scheduler.offer(key, ())
        drop_all = parts.agents.drop_all, parts.durations.drop_all, parts.scheduler.drop
        drops = self._schedules.drop, self.history.drop, self._phases.pods.drop
        own = self._workflows.pins.drop, self._actions.drop, parts.selection.drop_all
        for forget in (*drop_all, *drops, *own, self._pod_beats.drop):
            forget(mine)
        parts.releasing.clear()
        look_no_more(parts, mine)
        parts.attempts.recount(mine)
        parts.forget_assumptions(mine)
        if led:
            self._lead(measures.LOST)
        logger.warning("shard %d given up", shard)

    async def relist(self) -> None:
        """List our objects and bring the store up to it; finds what was deleted unseen."""
        for resource, selector in LISTED.items():
            listing = await self._client.list(resource, label_selector=selector)
            version = parse_version(listing.resource_version)
            for key in self.parts.store.replace_kind(resource.kind, listing.items, version):
                self._changed(key)

    def _known_keys(self) -> set[Key]:
        bodies = {key_of(b) for r in LISTED for b in self.parts.store.of_kind(r.kind)}
        return bodies | set(self.parts.attempts.phases())

    def _lead(self, direction: tuple[str]) -> None:
        self._metrics.leader.set(self.terms.admitted)
        self._metrics.transitions[direction].inc()

    def _those_of(self, shard: int) -> Callable[[str], bool]:
        """Return what tells of a namespace whether it is one of a shard."""
        return lambda namespace: self.terms.shard(namespace) == shard

    def _changed(self, key: Key) -> None:
        if self.terms.holds(key.namespace):
            self.parts.queue.add(key)

    async def _resync(self) -> None:
        """Find objects whose deletion was never reported; no work waits for this."""
        while True:
            await self._clock.sleep(self._settings.resync_seconds)
            if not self.terms.any_held:
                continue
            try:
                await self.relist()
            except KubeError as error:
                logger.warning("resync: %s", error)
