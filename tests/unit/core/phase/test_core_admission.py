"""Who may start: limits, order, and the words that say what a task waits for."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pods import at
from spectra_operator.core.phase.admission import (
    AGING_SECONDS,
    Admission,
    Blocked,
    Candidate,
    Slots,
    admit,
    admit_uncontested,
)
from spectra_operator.core.phase.readiness import Ready
from unit.core.core_settings import steady

FREE = Slots({"worker": None, "loader": None})


def ready(
    task: str = "work", *, agent: str = "worker", count: int = 1, path: float = 1, since: float = 0
) -> Ready:
    """Return a task that may start as far as its phase knows."""
    return Ready(task, agent, count, path, at(since))


def a_candidate(task: Ready | None = None, phase: str = "p1", **fields: Any) -> Candidate:
    """Return a ready task with what limits it; no limits by default."""
    return Candidate(phase, task or ready(), **fields)


def granted(*candidates: Candidate, slots: Slots = FREE, now: float = 0) -> dict[str, int]:
    """Return how many items of which task may start."""
    return {task: n for (_, task, _), n in admit(candidates, slots, at(now)).granted.items()}


def blocked(candidate: Candidate, slots: Slots = FREE) -> Blocked | None:
    """Return what a single candidate waits for."""
    found = admit([candidate], slots, at(0)).blocked
    return found.get((candidate.phase_uid, candidate.ready.task))


def test_without_limits_everything_starts() -> None:
    many = a_candidate(ready("many", count=9000))
    assert granted(a_candidate(), many) == {"work": 1, "many": 9000}
    assert blocked(many) is None


@pytest.mark.parametrize(
    ("candidate", "slots", "why"),
    [
        pytest.param(
            a_candidate(),
            Slots({"worker": 3}, by_agent={"worker": 3}),
            Blocked("AgentConcurrency", "agent worker 3/3"),
            id="agent",
        ),
        pytest.param(
            a_candidate(phase_limit=2),
            Slots({"worker": None}, by_phase={"p1": 2}),
            Blocked("PhaseParallelism", "phase 2/2"),
            id="phase",
        ),
        pytest.param(
            a_candidate(workflow_uid="w1", workflow_limit=4),
            Slots({"worker": None}, by_workflow={"w1": 4}),
            Blocked("WorkflowParallelism", "workflow 4/4"),
            id="workflow",
        ),
        pytest.param(
            a_candidate(),
            Slots({"worker": 2}, by_agent={"worker": 5}),
            Blocked("AgentConcurrency", "agent worker 5/2"),
            id="a limit that was lowered while more ran",
        ),
        pytest.param(
            a_candidate(),
            Slots({"worker": None}, blocked={"worker": ("QuotaExceeded", "pods=10/10")}),
            Blocked("QuotaExceeded", "pods=10/10"),
            id="nothing can be started for the agent now",
        ),
        pytest.param(
            a_candidate(ready(agent="ghost")),
            FREE,
            Blocked("AgentNotFound", "there is no agent ghost; the task starts when it is applied"),
            id="no such agent",
        ),
        pytest.param(
            a_candidate(phase_limit=3, workflow_uid="w1", workflow_limit=2),
            Slots({"worker": 9}, by_agent={"worker": 2}, by_phase={"p1": 2}, by_workflow={"w1": 2}),
            Blocked("WorkflowParallelism", "workflow 2/2"),
            id="the tightest of all limits is named",
        ),
    ],
)
def test_a_task_that_waits_names_the_limit(
    candidate: Candidate, slots: Slots, why: Blocked
) -> None:
    assert granted(candidate, slots=slots) == {}
    assert blocked(candidate, slots) == why


def test_as_many_items_start_as_the_limit_leaves_room_for() -> None:
    slots = Slots({"worker": 5}, by_agent={"worker": 2})
    candidate = a_candidate(ready(count=10))
    assert granted(candidate, slots=slots) == {"work": 3}
    assert blocked(candidate, slots) == Blocked("AgentConcurrency", "agent worker 5/5")


def test_slots_handed_out_count_at_once() -> None:
    slots = Slots({"worker": 1})
    first, second = a_candidate(ready("a")), a_candidate(ready("b"), "p2")
    result = admit([first, second], slots, at(0))
    assert dict(result.granted) == {("p1", "a", 0): 1}
    assert result.blocked["p2", "b"] == Blocked("AgentConcurrency", "agent worker 1/1")


def test_a_phase_s_limit_counts_all_agents_and_a_workflow_s_all_phases() -> None:
    here = [
        a_candidate(ready(n, agent=a), phase_limit=1) for n, a in (("a", "worker"), ("b", "loader"))
    ]
    assert granted(*here) == {"a": 1}
    there = [
        a_candidate(ready(n), p, workflow_uid="w1", workflow_limit=1)
        for n, p in (("a", "p1"), ("b", "p2"))
    ]
    assert granted(*there) == {"a": 1}


def test_who_is_blocked_by_one_limit_takes_no_slot_of_another() -> None:
    slots = Slots({"worker": 1, "loader": 0})
    stuck = a_candidate(ready("a", agent="loader"), phase_limit=1)
    assert granted(stuck, a_candidate(ready("b"), phase_limit=1), slots=slots) == {"b": 1}


def order(*candidates: Candidate, now: float = 0) -> list[str]:
    """Return the tasks in the order in which a single slot would be handed out."""
    left, names = list(candidates), []
    while left:
        (name,) = granted(*left, slots=Slots({"worker": 1}), now=now)
        names.append(name)
        left = [c for c in left if c.ready.task != name]
    return names


def test_priority_goes_first_then_the_longest_path_then_age_then_the_name() -> None:
    assert order(
        a_candidate(ready("young", since=5)),
        a_candidate(ready("old", since=1)),
        a_candidate(ready("b", since=5)),
        a_candidate(ready("critical", path=7, since=9)),
        a_candidate(ready("urgent", since=9), priority=1),
        now=10,
    ) == ["urgent", "critical", "old", "b", "young"]


def test_a_lower_priority_goes_last_even_below_zero() -> None:
    assert order(a_candidate(ready("idle"), priority=-5), a_candidate(ready("usual"))) == [
        "usual",
        "idle",
    ]


def test_waiting_raises_priority_so_that_nobody_starves() -> None:
    old = a_candidate(ready("old", since=0), priority=0)
    fresh = a_candidate(ready("fresh", since=10 * AGING_SECONDS - 1), priority=10)
    assert order(old, fresh, now=10 * AGING_SECONDS - 1) == ["fresh", "old"]
    late = a_candidate(ready("late", since=11 * AGING_SECONDS), priority=10)
    assert order(old, late, now=11 * AGING_SECONDS) == ["old", "late"]


def test_a_stream_of_urgent_tasks_cannot_hold_up_an_old_one_for_ever() -> None:
    old = a_candidate(ready("old", since=0), priority=0)
    for minute in range(100):
        now = minute * AGING_SECONDS
        urgent = a_candidate(ready("urgent", since=now), priority=50)
        if order(old, urgent, now=now)[0] == "old":
            assert minute <= 51
            return
    pytest.fail("the old task never came first")


def test_a_clock_that_was_set_back_breaks_nothing() -> None:
    assert order(a_candidate(ready("a", since=100)), now=0) == ["a"]


LIMITS = st.none() | st.integers(0, 4)


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[Candidate], Slots]:
    """Return candidates of two workflows with two phases each, and limits for all."""
    phase_limits = {p: draw(LIMITS) for p in ("p1", "p2", "p3", "p4")}
    workflow_limits = {w: draw(LIMITS) for w in ("w1", "w2")}
    found = []
    for phase, limit in phase_limits.items():
        workflow = "w1" if phase in ("p1", "p2") else "w2"
        for number in range(draw(st.integers(0, 3))):
            agent = draw(st.sampled_from(["worker", "loader"]))
            task = ready(f"t{number}", agent=agent, count=draw(st.integers(1, 4)))
            found.append(
                Candidate(
                    phase,
                    task,
                    workflow,
                    draw(st.integers(-2, 2)),
                    limit,
                    workflow_limits[workflow],
                )
            )
    return found, Slots({"worker": draw(LIMITS), "loader": draw(LIMITS)})


@steady(150)
@given(crowds())
def test_no_limit_is_ever_exceeded_and_no_slot_left_idle(
    crowd: tuple[list[Candidate], Slots],
) -> None:
    candidates, slots = crowd
    result = admit(candidates, slots, at(0))
    used: dict[str, int] = {}
    for c in candidates:
        count = result.granted.get((c.phase_uid, c.ready.task, 0), 0)
        for key in (c.phase_uid, c.workflow_uid, c.ready.agent):
            used[key] = used.get(key, 0) + count
    for c in candidates:
        limits = (c.phase_limit, c.workflow_limit, slots.agents[c.ready.agent])
        keys = (c.phase_uid, c.workflow_uid, c.ready.agent)
        room = [limit - used[k] for k, limit in zip(keys, limits, strict=True) if limit is not None]
        count = result.granted.get((c.phase_uid, c.ready.task, 0), 0)
        assert all(left >= 0 for left in room)
        assert count == c.ready.startable or min(room) == 0
        assert (count < c.ready.startable) == ((c.phase_uid, c.ready.task) in result.blocked)


def free_of(slots: Slots) -> dict[str, float]:
    """Return how many more attempts the limits of agents allow."""
    return {name: inf if limit is None else limit for name, limit in slots.agents.items()}


@steady(150)
@given(crowds())
def test_a_phase_gets_by_itself_only_what_it_would_get_among_all(
    crowd: tuple[list[Candidate], Slots],
) -> None:
    candidates, slots = crowd
    wanted = Counter[str]()
    for candidate in candidates:
        wanted[candidate.ready.agent] += candidate.ready.startable
    among_all = admit(candidates, slots, at(0))
    for phase in ("p1", "p2", "p3", "p4"):
        own = [candidate for candidate in candidates if candidate.phase_uid == phase]
        alone = admit_uncontested(own, free_of(slots), wanted)
        if alone is not None:
            shares = {key: n for key, n in among_all.granted.items() if key[0] == phase}
            assert alone.granted == shares


def alone(candidate: Candidate, free: float = 3, **wanted: int) -> dict[str, int] | None:
    """Return what a phase gets without a look at others; None if these must be looked at."""
    admission = admit_uncontested([candidate], {"worker": free}, {"worker": 1} | wanted)
    if admission is None:
        return None
    return {task: n for (_, task, _), n in admission.granted.items()}


def test_where_there_is_room_for_all_that_is_ready_nobody_looks_at_the_others() -> None:
    assert alone(a_candidate(ready(count=2)), worker=3) == {"work": 2}
    assert alone(a_candidate(ready(count=2)), worker=4) is None
    assert alone(a_candidate(ready(count=9000)), free=inf, worker=10**6) == {"work": 9000}
    assert admit_uncontested([], {}, {}) == Admission({}, {})


@pytest.mark.parametrize(
    "candidate",
    [
        pytest.param(a_candidate(phase_limit=9), id="the phase has a limit"),
        pytest.param(a_candidate(workflow_limit=9), id="the workflow has a limit"),
        pytest.param(a_candidate(room="worker/r1"), id="it is a gate"),
        pytest.param(a_candidate(ready(agent="loader")), id="more than a number limits its agent"),
    ],
)
def test_other_limits_than_the_agents_are_not_judged_alone(candidate: Candidate) -> None:
    assert alone(candidate) is None


def test_tasks_that_may_take_any_agent_are_counted_for_each() -> None:
    assert alone(a_candidate(), free=3, **{"": 2}) == {"work": 1}
    assert alone(a_candidate(), free=3, **{"": 3}) is None


def test_a_room_of_its_own_is_neither_taken_nor_filled_by_others() -> None:
    busy = (1, "WorkersBusy", "all are busy")
    slots = Slots({"worker": None}, rooms={"worker": busy, "worker/v2": (2, "NoWorker", "none")})
    gates = a_candidate(ready("gate", count=3), "p2", room="worker/v2")

    assert granted(gates, a_candidate(ready(count=3)), slots=slots) == {"gate": 2, "work": 1}
    assert blocked(gates, slots) == Blocked("NoWorker", "none")


def a_full_agent(live: int) -> Slots:
    """Return an agent with a limit of three, that many live attempts, and room for two gates."""
    return Slots({"worker": 3}, by_agent={"worker": live}, rooms={"worker/v2": (2, "NoWorker", "")})


def test_of_the_gates_of_a_full_agent_one_at_a_time_may_start() -> None:
    gates = a_candidate(ready("gate", count=2), room="worker/v2")

    assert granted(gates, a_candidate(phase="p2"), slots=a_full_agent(3)) == {"gate": 1}
    assert granted(gates, slots=a_full_agent(4)) == {}
    assert blocked(gates, a_full_agent(4)) == Blocked(
        "AgentConcurrency", "agent worker and a gate 4/4"
    )


def test_a_gate_takes_a_place_of_its_agent_where_there_is_one() -> None:
    gate = a_candidate(ready("gate"), room="worker/v2", priority=1)

    assert granted(gate, a_candidate(phase="p2"), slots=a_full_agent(2)) == {"gate": 1}
    assert granted(gate, a_candidate(phase="p2"), slots=a_full_agent(1)) == {"gate": 1, "work": 1}
