"""Tries the gates of rollouts: each by a Phase object that is carried out by the revision alone.

What came of a gate is read from the status of its phase, so it outlives the operator. Here is only
what was seen of it: after a restart each is asked for again, and found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..api.rollout import Replay
from ..core.phase.conclude import GATE_DROPPED
from ..core.phase.status import parse_phase
from ..core.rollout.gate_phase import GateTry, Moment, gate_body, gate_result, next_try
from ..core.rollout.gates import gate_tasks
from ..core.rollout.recorded import Wanted
from ..core.rollout.records import (
    GateResult,
    GateState,
    RolloutDecision,
    RolloutRecord,
)
from ..core.rollout.replay_phase import nothing_recorded, replay_result
from ..core.rollout.stats import NO_STATS
from ..core.snapshot import Levels
from ..kube.errors import KubeError
from ..kube.resources import Body
from .agent_book import AgentRun, Trial
from .agent_effects import CreateGate, CreateReplay
from .effects import Effect
from .keys import Key, is_finished
from .parts import Parts
from .runs import PhaseRun

DROPPED = Levels(cancel=GATE_DROPPED)
"""What holds for a gate of a revision that is not under way any more."""
_USUAL = 0.95
"""Share of the stable revision's attempts that took no longer than is usual for it."""


class GateKeeper:
    """Tries gates, and says how they stand."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def results(self, key: Key, run: AgentRun, record: RolloutRecord) -> dict[str, GateResult]:
        """Return how the gates of a rollout stand, by their keys."""
        trials = ((each, run.trials.get(each.what)) for each in _tries(key, run, record))
        return {each.gate.key: trial.result for each, trial in trials if trial}

    def try_them(self, key: Key, run: AgentRun, decision: RolloutDecision) -> None:
        """Try the gates that are due, and forget those of other rollouts.

        Not before status tells of the rollout: a gate without one stops by itself.
        """
        record = decision.record
        if (run.rollout.number, run.rollout.preview) != (record.number, record.preview):
            return
        mine = {each.what: each for each in _tries(key, run, record)}
        for what in [each for each in run.trials if each not in mine]:
            name = run.trials.pop(what).attempt.name
            self._parts.queue.add(Key("Phase", key.namespace, name))
        for due in decision.run_gate:
            found = next(each for each in mine.values() if each.gate.key == due.key)
            known = run.trials.get(found.what)
            attempt = next_try(known.attempt, known.result) if known else found
            pending = GateResult(GateState.PENDING, self._parts.clock.now())
            run.trials[found.what] = Trial(attempt, pending)
            self._parts.executor.submit(self._effect(key, run, attempt))

    def _effect(self, key: Key, run: AgentRun, attempt: GateTry) -> Effect:
        """Return what makes the phase of a gate; for a replay it looks for recorded tasks."""
        shard, replay = self._parts.shard_label(key.namespace), attempt.gate.spec
        if not isinstance(replay, Replay):
            return CreateGate(key, attempt.name, gate_body(attempt, key.namespace, shard))
        stable = run.rollout.stable
        wanted = Wanted(
            agent=key.name,
            revision=stable,
            last=replay.last,
            alone_since=run.rollout.alone_since,
            usual_seconds=run.stats.get(stable, NO_STATS).quantile(_USUAL),
        )
        return CreateReplay(key, attempt.name, attempt, wanted, shard)

    def created(self, effect: Effect, body: Body | None, error: KubeError | None) -> None:
        """Take in that the phase of a gate is there, perhaps from before, or cannot be made."""
        if not isinstance(effect, CreateGate | CreateReplay):
            return
        parts, phase = self._parts, Key("Phase", effect.key.namespace, effect.phase)
        if error is not None:
            result = GateResult(GateState.ERROR, parts.clock.now(), str(error)[:512])
            _note(parts, effect.key, effect.phase, result)
        elif isinstance(effect, CreateReplay) and body is None:
            self._nothing_recorded(effect)
        if body is None:
            return
        _read(parts, effect.key, body)
        if not is_finished(body):
            parts.store.offer(body)
            parts.queue.add(phase)

    def _nothing_recorded(self, effect: CreateReplay) -> None:
        run = self._parts.agents.get(effect.key)
        stats = run.stats.get(effect.wanted.revision, NO_STATS) if run else NO_STATS
        now = self._parts.clock.now()
        result = nothing_recorded(effect.wanted, did_something=stats.succeeded > 0, now=now)
        _note(self._parts, effect.key, effect.phase, result)


def levels_of(parts: Parts, key: Key, run: PhaseRun) -> Levels | None:
    """Return what holds for the phase of a gate: it stops when its revision is not under way.

    None for any other phase.
    """
    gate = run.shape.spec.gate
    if gate is None:
        return None
    agent = parts.agents.get(Key("Agent", key.namespace, gate.agent))
    if agent is None or agent.rollout.exposed or agent.rollout.preview != gate.revision:
        return DROPPED
    return Levels()


def written(parts: Parts, key: Key, run: PhaseRun, body: Body) -> None:
    """Take in that the status of a phase was written, in case that it tries a gate."""
    gate = run.shape.spec.gate
    if gate is not None:
        _read(parts, Key("Agent", key.namespace, gate.agent), body)


def gone(parts: Parts, key: Key, run: PhaseRun) -> None:
    """Take in that a phase was deleted: a gate that has not come to an end is tried again."""
    gate = run.shape.spec.gate
    if gate is None:
        return
    why = f"phase {key.name} was deleted before its end"
    result = GateResult(GateState.ERROR, parts.clock.now(), why)
    _note(parts, Key("Agent", key.namespace, gate.agent), key.name, result)


def _read(parts: Parts, agent: Key, body: Body) -> None:
    """Take in the status of a gate's phase."""
    name = body["metadata"]["name"]
    trial = _trial(parts.agents.get(agent), name)
    if trial is not None:
        record = parse_phase(body.get("status"))
        moment = Moment(parts.clock.now(), parts.led_since(agent.namespace))
        if isinstance(trial.attempt.gate.spec, Replay):
            result = replay_result(trial.attempt, body["spec"], record, moment)
        else:
            result = gate_result(trial.attempt, record, moment)
        _note(parts, agent, name, result)


def _note(parts: Parts, agent: Key, phase: str, result: GateResult) -> None:
    """Note how the gate stands that a phase tries; its end stays what it was."""
    run = parts.agents.get(agent)
    trial = _trial(run, phase)
    if run is None or trial is None or trial.result.state is not GateState.PENDING:
        return
    if result.state is not GateState.PENDING or result.steps > trial.result.steps:
        run.trials[trial.attempt.what] = replace(trial, result=result)
        parts.queue.add(agent)


def _trial(run: AgentRun | None, phase: str) -> Trial | None:
    found = run.trials.values() if run else ()
    return next((each for each in found if each.attempt.name == phase), None)


def _tries(key: Key, run: AgentRun, record: RolloutRecord) -> Iterator[GateTry]:
    """Yield the first try of each gate of a rollout."""
    rollout = run.spec.rollout if run.spec else None
    if rollout is None or not record.preview:
        return
    for gate in gate_tasks(rollout.pre_gate, record.number):
        yield GateTry(key.name, run.uid, record.preview, gate)
