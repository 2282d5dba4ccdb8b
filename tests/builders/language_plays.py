"""Plays of phases that use the language: conditions, items, rules, fallbacks, orders, suspensions.

`RULES` numbers what docs/states.md says of tasks and phases; a play raises `PlayError` with the
rule that was broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from builders.plays import Chooser, Fates, Play, PlayError
from builders.pods import at
from builders.records import NO_LEVELS, SUSPENDED
from builders.specs import Body, a_phase, a_task
from spectra_operator.api.action import ActionType
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.orders import Order
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.phase.settle import gave_up, halted
from spectra_operator.core.phase.skips import BENIGN
from spectra_operator.core.snapshot import PhaseSnapshot

KINDS = (ActionType.RETRY, ActionType.RERUN, ActionType.SKIP, ActionType.MARK_SUCCEEDED)


@dataclass
class LanguagePlay(Play):
    """A play in which people ask for things, and suspend and resume."""

    orders: list[Order] = field(default_factory=list)

    def snapshot(self) -> PhaseSnapshot:
        """Return what a decision is made from now."""
        return replace(super().snapshot(), orders=tuple(self.orders))

    def ask(self, choose: Chooser) -> None:
        """Ask for anything about any task."""
        names = list(self.shape.tasks)
        kind, task = KINDS[choose(len(KINDS))], names[choose(len(names))]
        if kind is ActionType.RETRY and choose(2):
            task = ""
        uid = f"order-{len(self.orders)}"
        self.orders.append(Order(uid, uid, kind, "ann", "why not", at(self.clock), "", task))

    def suspend(self, _: Chooser) -> None:
        """Suspend, or resume."""
        self.levels = NO_LEVELS if self.levels.hold else SUSPENDED

    def run_with_trouble(self, choose: Chooser, *, orders: int = 0) -> PhaseRecord:
        """Let anything happen, people's wishes included, and then let it run to its end."""
        moves = (self._end_one, self._pass, self._pass, self._write, self._crash, self.suspend)
        for _ in range(60):
            move = choose(len(moves) + 1)
            if move < len(moves):
                moves[move](choose)
            elif len(self.orders) < orders:
                self.ask(choose)
            self.tick()
        self.levels = NO_LEVELS
        self.persisted = replace(self.persisted)
        self._pass(choose)
        self._write(choose)
        return self.run(choose)

    def _check(self, tasks: Mapping[str, TaskRecord], task: str, index: int, number: int) -> None:
        item = f"{task}/{index}"
        before = [n for t, i, n in self.created if (t, i) == (task, index)]
        if before and max(before) >= number:
            raise PlayError(f"T1: attempt {number} of {item} follows {before}")
        for pod in self.pods.values():
            other = self.attempt(pod)
            if (other.task, other.index) == (task, index) and other.live and not other.node_lost:
                raise PlayError(f"T2: {item} has a live attempt already")
        self._check_parents(tasks, task)
        if self.levels.hold or halted(self.shape, tasks, self.levels):
            raise PlayError(f"P1: {item} starts although nothing new may")
        if gave_up(self.shape, task, tasks[task]):
            raise PlayError(f"T5: {item} starts although more items failed than may")
        asked = {order.uid for order in self.orders}
        if set(self.decide().record.applied) & asked > set(self.persisted.applied):
            raise PlayError(f"O2: {item} starts from an order that status does not know of")

    def _check_parents(self, tasks: Mapping[str, TaskRecord], task: str) -> None:
        parents = [(name, tasks[name]) for name in self.shape.graph.parents[task]]
        wrong = [name for name, record in parents if not self.lets_go(name, record)]
        if wrong:
            raise PlayError(f"T3: {task} starts although {wrong} did not let it")
        if parents and all(is_benign(record) for _, record in parents):
            raise PlayError(f"T3: {task} starts although all before it was skipped")

    def lets_go(self, name: str, record: TaskRecord) -> bool:
        """Whether a task's end lets those behind it start, if another's was no skip."""
        allowed = self.shape.tasks[name].allow_failure and record.state is TaskState.FAILED
        return record.state is TaskState.SUCCEEDED or allowed or is_benign(record)


def is_benign(record: TaskRecord) -> bool:
    """Whether a task was skipped for a reason that fails nothing."""
    return record.state is TaskState.SKIPPED and record.reason in BENIGN


def broken_rules(play: LanguagePlay, record: PhaseRecord) -> list[str]:
    """Return which rules the end of a play breaks."""
    tasks, shape = record.tasks, play.shape
    broken = [f"P4: {name} has not ended" for name, task in tasks.items() if not task.ended]
    for name, task in tasks.items():
        parents = [(parent, tasks[parent]) for parent in shape.graph.parents[name]]
        bad = [p for p, other in parents if not play.lets_go(p, other)]
        if task.reason == "DependencyFailed" and not bad:
            broken.append(f"T3: {name} was skipped for a failure that is none")
        if task.reason == "DependencySkipped" and not all(is_benign(o) for _, o in parents):
            broken.append(f"T3: {name} was skipped although something before it was done")
        if task.state is TaskState.SUCCEEDED and play.orders == [] and bad:
            broken.append(f"T3: {name} was done although {bad} failed")
    if record.state is not _expected(play, record):
        broken.append(f"P5: the phase is {record.state}")
    unknown = {o.uid for o in play.orders} - set(record.applied)
    if unknown:
        broken.append(f"O1: {unknown} were neither carried out nor refused")
    if play.released != set(play.pods):
        broken.append(f"P4: {set(play.pods) - play.released} are still held")
    return broken


def _expected(play: LanguagePlay, record: PhaseRecord) -> PhaseState:
    tasks = record.tasks.items()
    if any(t.state is TaskState.FAILED and not play.lets_go(n, t) for n, t in tasks):
        return PhaseState.FAILED
    good = all(play.lets_go(name, task) for name, task in tasks)
    return PhaseState.SUCCEEDED if good else PhaseState.CANCELLED


def language_plot(seed: int, policy: str = "Continue", *, steady: bool = False) -> LanguagePlay:
    """Return a play of a phase of up to six tasks that use all that a task can say.

    A steady one has nothing whose end depends on the order of events.
    """
    random = Random(seed)
    tasks = [_task(random, number, steady=steady) for number in range(random.randint(1, 6))]
    fates: Fates = {
        (task["name"], index): tuple(_fate(random) for _ in range(random.randint(0, 8)))
        for task in tasks
        for index in range(4)
    }
    return LanguagePlay(a_phase(tasks, failure_policy=policy), fates)


def _task(random: Random, number: int, *, steady: bool) -> Body:
    before = [f"t{i}" for i in range(number) if random.random() < 0.4]
    items = _items(random)
    return a_task(
        f"t{number}",
        depends_on=before,
        when=_condition(random, before),
        parallelism=random.choice([None, 1, 2]) if items else None,
        max_failed=random.choice([None, 1, "50%"]) if items and not steady else None,
        retry=_retry(random),
        fallback=[
            {"agent": "worker", "retry": _retry(random)} for _ in range(random.choice([0, 0, 1, 2]))
        ],
        allow_failure=True if random.random() < 0.2 else None,
        **items,
    )


def _items(random: Random) -> Body:
    return random.choice(
        [
            {},
            {},
            {"count": 3},
            {"for_each": []},
            {"for_each": ["x", "y"]},
            {"matrix": {"a": [1, 2]}},
        ]
    )


def _condition(random: Random, before: list[str]) -> str | None:
    choices = [None, None, None, "true", "false"]
    choices += [f"tasks.{name}.state == 'Succeeded'" for name in before]
    choices += [f"tasks.{name}.outputs != null" for name in before]
    return random.choice(choices)


def _retry(random: Random) -> Body:
    rules = [{"when": "attempt.failures >= 2", "action": "Fail"}]
    return {
        "limit": random.randint(0, 2),
        "lossLimit": random.randint(0, 2),
        "backoff": {"initialSeconds": 2},
        "rules": random.choice([[], rules]),
    }


def _fate(random: Random) -> str:
    return random.choice(("ok", "ok", "fail", "lose"))
