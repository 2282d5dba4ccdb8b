"""Admission of tasks that require capabilities: who does how many, and why the rest waits."""

from __future__ import annotations

from typing import Any

from builders.pods import at
from spectra_operator.api.task import SelectionPolicy
from spectra_operator.core.phase.admission import Admission, Blocked, Candidate, Slots, admit
from spectra_operator.core.phase.readiness import Ready
from spectra_operator.core.selection.figures import Figures, Profile

ABLE = Profile(frozenset({"able"}))


def choosing(
    task: str = "a", count: int = 1, *wanted: str, mounts: bool = False, **fields: Any
) -> Candidate:
    """A task that requires capabilities; `able` if nothing else is said."""
    since = at(fields.pop("since", 0))
    ready = Ready(task, "", count, 1.0, since, 0, wanted or ("able",), mounts)
    return Candidate("p1", ready, **fields)


def slots(agents: dict[str, int | None], **fields: Any) -> Slots:
    """Slots of agents that are all able."""
    return Slots(agents, **{"profiles": dict.fromkeys(agents, ABLE), **fields})


def admitted(*candidates: Candidate, slots: Slots) -> Admission:
    return admit(candidates, slots, at(0))


def shares(admission: Admission, task: str = "a") -> dict[str, int]:
    return {s.agent: s.count for s in admission.shares.get(("p1", task, 0), ())}


def why(admission: Admission, task: str = "a") -> Blocked:
    return admission.blocked["p1", task]


def test_items_spread_over_all_agents_that_can_do_them() -> None:
    found = admitted(choosing(count=8), slots=slots({"x": 4, "y": 4}))
    assert found.granted == {("p1", "a", 0): 8}
    assert shares(found) == {"x": 4, "y": 4}
    assert not found.blocked


def test_tasks_spread_as_items_do() -> None:
    tasks = [choosing(name) for name in "abcd"]
    found = admitted(*tasks, slots=slots({"x": None, "y": None}))
    assert [list(shares(found, name)) for name in "abcd"] == [["x"], ["y"], ["x"], ["y"]]


def test_what_runs_already_counts() -> None:
    found = admitted(choosing(), slots=slots({"x": 4, "y": 4}, by_agent={"x": 1}))
    assert found.shares["p1", "a", 0][0].why == "y: Balance, 0 of 4 busy"


def test_a_task_that_names_its_agent_takes_a_slot_from_those_that_do_not() -> None:
    named = Candidate("p1", Ready("n", "x", 4, 9.0, at(0)))
    found = admitted(named, choosing(count=4), slots=slots({"x": 4, "y": 4}))
    assert found.granted == {("p1", "n", 0): 4, ("p1", "a", 0): 4}
    assert shares(found) == {"y": 4}
    assert ("p1", "n", 0) not in found.shares


def test_agents_that_lack_a_capability_are_not_chosen() -> None:
    profiles = {"x": Profile(frozenset({"able", "fast"})), "y": ABLE}
    found = admitted(
        choosing("a", 9, "able", "fast"), slots=slots({"x": 3, "y": 3}, profiles=profiles)
    )
    assert shares(found) == {"x": 3}
    assert why(found) == Blocked(
        "NoFreeAgent", "no agent with able and fast has a free slot: agent x 3/3"
    )


def test_where_no_agent_matches_the_task_waits_for_one() -> None:
    found = admitted(choosing("a", 1, "gpu"), slots=slots({"x": 3}))
    assert not found.granted
    assert why(found) == Blocked(
        "NoMatchingAgent",
        "no agent of this namespace has the capability gpu; the task starts when one is applied",
    )


def test_where_all_agents_are_full_each_is_named() -> None:
    found = admitted(choosing(), slots=slots({"x": 2, "y": 1}, by_agent={"x": 2, "y": 1}))
    assert why(found).message == "no agent with able has a free slot: agent x 2/2; agent y 1/1"


def test_of_many_full_agents_the_first_are_named() -> None:
    busy = {f"w{n}": 1 for n in range(9)}
    found = admitted(choosing(), slots=slots(dict(busy), by_agent=busy))
    assert why(found).message.endswith("agent w3 1/1 and 5 more")


def test_an_agent_that_cannot_be_used_now_is_passed_over_and_named() -> None:
    blocked = {"x": ("AgentNotReady", "the agent's revision is being stored")}
    found = admitted(choosing(count=2), slots=slots({"x": None, "y": 1}, blocked=blocked))
    assert shares(found) == {"y": 1}
    assert "the agent's revision is being stored" in why(found).message


def test_the_limits_of_phase_and_workflow_hold_too() -> None:
    found = admitted(choosing(count=9, phase_limit=3), slots=slots({"x": None, "y": None}))
    assert shares(found) == {"x": 2, "y": 1}
    assert why(found) == Blocked("PhaseParallelism", "phase 3/3")
    found = admitted(
        choosing(count=9, workflow_uid="w1", workflow_limit=1), slots=slots({"x": None})
    )
    assert why(found).reason == "WorkflowParallelism"


def test_of_warm_workers_only_the_slots_that_wait_are_used() -> None:
    pool = Profile(frozenset({"able"}), mounts=False, slots=4)
    found = admitted(
        choosing(count=9),
        slots=slots(
            {"warm": None, "cold": 2},
            profiles={"cold": ABLE, "warm": pool},
            by_agent={"warm": 1},
            rooms={"warm": (3, "WorkersBusy", "agent warm: 1 workers are busy with 1 tasks")},
        ),
    )
    assert shares(found) == {"cold": 2, "warm": 3}
    assert "agent warm: 1 workers" in why(found).message
    assert [s.why for s in found.shares["p1", "a", 0]] == [
        "cold: Balance, 0 of 2 busy",
        "warm: Balance, 1 of 4 busy",
    ]


def test_a_pool_is_as_wide_as_its_slots_even_while_more_is_offered_than_is_free() -> None:
    pool = Profile(frozenset({"able"}), mounts=False, slots=4)
    waiting = (3, "WorkersBusy", "")  # those that are handing in a result offer its slot as well
    found = admitted(
        choosing(),
        slots=slots(
            {"warm": None}, profiles={"warm": pool}, by_agent={"warm": 4}, rooms={"warm": waiting}
        ),
    )
    assert [s.why for s in found.shares["p1", "a", 0]] == ["warm: Balance, 4 of 4 busy"]


def test_a_pool_without_workers_yields_to_an_agent_that_can_start_now() -> None:
    pool = Profile(frozenset({"able"}), mounts=False)
    found = admitted(
        choosing(count=4),
        slots=slots(
            {"cold": None, "warm": None},
            profiles={"cold": ABLE, "warm": pool},
            rooms={"warm": (0, "NoWorker", "agent warm has no worker yet")},
        ),
    )
    assert shares(found) == {"cold": 4}


def test_a_task_with_a_workspace_is_done_by_a_pod() -> None:
    pool = Profile(frozenset({"able"}), mounts=False)
    two = slots({"cold": 1, "warm": 9}, profiles={"cold": ABLE, "warm": pool})
    assert shares(admitted(choosing(count=5, mounts=True), slots=two)) == {"cold": 1}
    alone = slots({"warm": 9}, profiles={"warm": pool})
    assert why(admitted(choosing(mounts=True), slots=alone)).message.startswith(
        "no agent of this namespace in mode Pod has the capability able"
    )


def test_each_workflow_has_its_own_policy() -> None:
    fast, slow = Figures(20, 20, 1.0), Figures(20, 20, 9.0)
    profiles = {
        "fast": Profile(frozenset({"able"}), figures=fast),
        "slow": Profile(frozenset({"able"}), figures=slow),
    }
    best = choosing("a", 6, policy=SelectionPolicy.PERFORMANCE)
    even = choosing("b", 6, policy=SelectionPolicy.BALANCE, since=1)
    found = admitted(best, even, slots=slots({"fast": None, "slow": None}, profiles=profiles))
    assert shares(found, "a") == {"fast": 6}
    assert shares(found, "b") == {"slow": 6}


def test_turns_go_on_where_the_last_choice_left_off() -> None:
    profiles = {"x": Profile(frozenset({"able"}), begun=5), "y": ABLE}
    found = admitted(choosing(), slots=slots({"x": None, "y": None}, profiles=profiles))
    assert shares(found) == {"y": 1}
