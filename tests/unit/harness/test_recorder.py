"""The recorder must see every broken promise, or the end-to-end tests prove nothing."""

from __future__ import annotations

from itertools import count
from typing import Any

from builders.recorder import Item, Recorder
from spectra_operator.api import constants as c

A, B = Item("flow", "work", "a"), Item("flow", "work", "b")


class Story:
    """Feeds a recorder with events of pods, each under the next resourceVersion."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self._version = count(1)

    def pod(self, item: Item, attempt: int, *phases: str, uid: str = "", ran: int = 1) -> None:
        """A pod goes through phases; `Gone` is its removal."""
        name = f"{item.task}-{attempt}"
        for phase in phases:
            kind = "DELETED" if phase == "Gone" else "MODIFIED"
            body = _pod(item, attempt, uid or name, phase, ran)
            body["metadata"]["resourceVersion"] = str(next(self._version))
            self.recorder.pod_event(kind, body, 0.0)

    def wrong(self, **attempts: int) -> list[str]:
        """What is wrong if `a` and `b` were to take so many attempts."""
        items = {"a": A, "b": B}
        return self.recorder.broken_promises({items[n]: tries for n, tries in attempts.items()})


def _pod(item: Item, attempt: int, uid: str, phase: str, ran: int) -> dict[str, Any]:
    labels = {
        c.LABEL_WORKFLOW: item.workflow,
        c.LABEL_PHASE: item.phase,
        c.LABEL_TASK: item.task,
        c.LABEL_INDEX: str(item.index),
        c.LABEL_ATTEMPT: str(attempt),
    }
    meta = {"uid": uid, "name": uid, "labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z"}
    containers = [{"containerID": f"{uid}/{n}", "restartCount": ran - 1} for n in range(ran)]
    return {"metadata": meta, "status": {"phase": phase, "containerStatuses": containers}}


def test_one_attempt_after_the_other_is_as_promised() -> None:
    story = Story()
    story.pod(A, 1, "Running", "Failed")
    story.pod(A, 2, "Running", "Succeeded")
    assert story.wrong(a=2) == []


def test_a_missing_an_extra_and_a_doubled_attempt_are_seen() -> None:
    story = Story()
    story.pod(A, 1, "Running", "Succeeded")
    story.pod(A, 1, "Running", "Succeeded", uid="another")
    assert "attempts [1, 1]" in story.wrong(a=1)[0]
    assert "attempts [] instead of 1 to 1" in story.wrong(a=1, b=1)[-1]
    assert story.wrong(b=0) == ["flow/work/a[0] ran although nobody asked"]


def test_two_live_attempts_of_one_item_are_seen() -> None:
    story = Story()
    story.pod(A, 1, "Running")
    story.pod(A, 2, "Running", "Succeeded")
    assert any("began while a-1 was live" in text for text in story.wrong(a=2))


def test_a_container_that_ran_twice_in_its_pod_is_seen() -> None:
    story = Story()
    story.pod(A, 1, "Running", "Succeeded", ran=2)
    assert any("ran 2 containers" in text for text in story.wrong(a=1))


def test_a_successor_that_began_before_its_predecessor_was_over_is_seen() -> None:
    story = Story()
    story.pod(A, 1, "Running")
    story.pod(B, 1, "Running")
    story.pod(A, 1, "Succeeded")
    assert story.recorder.too_early({"flow/work/b": ["flow/work/a"]}) == [
        "b-1 began before flow/work/a was over"
    ]
    assert story.recorder.too_early({"flow/work/a": []}) == []


def test_the_largest_number_at_once_counts_live_attempts_only() -> None:
    story = Story()
    story.pod(A, 1, "Running", "Succeeded")
    story.pod(B, 1, "Running", "Gone")
    assert story.recorder.most_at_once() == 1
