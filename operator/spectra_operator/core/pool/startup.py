"""What keeps a worker from starting, as the status of its pod and its silence tell.

| its container                              | said                | counts as failing            |
|--------------------------------------------|---------------------|------------------------------|
| waits for what is wrong, such as an image  | `WorkerCannotStart` | after `pending` or 30 s      |
| has no node                                | `WorkerCannotStart` | after `pending` if it is set |
| is prepared for longer than `pending`      | `WorkerCannotStart` | at once                      |
| its process ended, once or again and again | `WorkerCrashing`    | from the third restart       |
| its process runs and has not called        | `WorkerNotCalling`  | no                           |

`pending` is `pendingTimeoutSeconds` of the agent's task defaults. A worker that has called is none
of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ...api.constants import CONTAINER
from ..attempts.evidence import instant
from ..conditions import find, timestamp

CANNOT_START = "WorkerCannotStart"
CRASHING = "WorkerCrashing"
NOT_CALLING = "WorkerNotCalling"
CALL_WITHIN_SECONDS = 30
"""Seconds that a process may run before its silence is told; one that is up calls at once."""
HELD_SECONDS = 30
"""Seconds after which a container that waits for something wrong counts as failing, where
`pendingTimeoutSeconds` is not set: the kubelet has tried to pull an image three times by then."""
MOST_RESTARTS = 3
"""Restarts of a process that has never called after which its worker counts as failing."""
_PASSING = ("", "ContainerCreating", "PodInitializing")
_CRASH_LOOP = "CrashLoopBackOff"
_SAME = {"ErrImagePull": "ImagePullBackOff"}
"""The kubelet says the one while it tries and the other between two tries."""
_LONGEST = 240


class Stage(StrEnum):
    """How far a container has come. Held: it waits for something that is wrong."""

    PREPARING = "Preparing"
    HELD = "Held"
    RUNNING = "Running"
    ENDED = "Ended"


@dataclass(frozen=True, slots=True)
class Startup:
    """How far the container of a worker has come.

    Attributes:
        reason: What it waits for, in the kubelet's word, or the scheduler's.
        message: What they say of it.
        restarts: How often the kubelet started its process again.
        last_end: How its process last ended, such as `exit code 1 (Error)`; or nothing.
        began_at: When the process that runs began.
    """

    stage: Stage = Stage.PREPARING
    reason: str = ""
    message: str = ""
    restarts: int = 0
    last_end: str = ""
    began_at: datetime | None = None

    def stands_like(self, other: Startup) -> bool:
        """Whether it has come no further than another."""
        return (self.stage, self.restarts) == (other.stage, other.restarts)

    def says_like(self, other: Startup) -> bool:
        """Whether only the words differ: the kubelet says one thing in many."""
        return self.stands_like(other) and self.reason == other.reason


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a worker from starting.

    Attributes:
        reason: One word, as conditions have it.
        text: What is said after the worker's name.
        lasting: It counts as a failure of the worker, since it will hardly pass by itself.
    """

    reason: str
    text: str
    lasting: bool = False


def startup_of(pod: Mapping[str, Any]) -> Startup:
    """Return how far the container of a worker's pod has come."""
    status = pod.get("status") or {}
    found = status.get("containerStatuses") or ()
    container = next((each for each in found if each.get("name") == CONTAINER), None)
    if container is None:
        return _unscheduled(status)
    state, last = container.get("state") or {}, container.get("lastState") or {}
    restarts = int(container.get("restartCount") or 0)
    ended = state.get("terminated") or last.get("terminated") or {}
    last_end = _end(ended) if ended else ""
    running, waiting = state.get("running"), state.get("waiting") or {}
    if running is not None:
        at = instant(running.get("startedAt"))
        return Startup(Stage.RUNNING, restarts=restarts, last_end=last_end, began_at=at)
    reason = str(waiting.get("reason") or "")
    if state.get("terminated") or reason == _CRASH_LOOP:
        return Startup(Stage.ENDED, restarts=restarts, last_end=last_end)
    if reason in _PASSING:
        return Startup(Stage.PREPARING, restarts=restarts, last_end=last_end)
    message = _named(waiting.get("message"), container.get("image"))
    return Startup(Stage.HELD, _SAME.get(reason, reason), message, restarts, last_end)


def trouble_of(startup: Startup, seconds: float, pending: int | None) -> Trouble | None:
    """Return what keeps a worker that has not called from starting, if anything is known.

    Args:
        startup: How far its container has come.
        seconds: How long it has stood so, as far as this operator knows.
        pending: `pendingTimeoutSeconds` of the agent's task defaults.
    """
    if startup.stage is Stage.HELD or (startup.stage is Stage.PREPARING and not startup.last_end):
        return _waiting(startup, seconds, pending)
    if startup.last_end:
        return _crashing(startup)
    return _not_calling(startup) if seconds >= CALL_WITHIN_SECONDS else None


def known_trouble(startup: Startup, worker: str, status: Mapping[str, Any]) -> Trouble | None:
    """Return the silence of a worker's process that its agent's status tells of.

    An operator that has just begun to listen gives every process its time to call; where another
    has waited for that, it is not news again.
    """
    trouble = _not_calling(startup)
    told = f"{worker} {trouble.text}" in str(find(status, "Healthy").get("message"))
    return trouble if told and startup.stage is Stage.RUNNING else None


def next_look(startup: Startup, pending: int | None) -> float | None:
    """Return after how many seconds in the same stage more is to be said; None: never."""
    if startup.stage is Stage.HELD and pending is None:
        return HELD_SECONDS
    return CALL_WITHIN_SECONDS if startup.stage is Stage.RUNNING else pending


def _waiting(startup: Startup, seconds: float, pending: int | None) -> Trouble | None:
    limit = pending
    if limit is None and startup.stage is Stage.HELD:
        limit = HELD_SECONDS
    over = limit is not None and seconds >= limit
    why = f"{startup.reason}: {startup.message}" if startup.message else startup.reason
    if not why:
        text = f"cannot start: no container started within {limit} s"
        return Trouble(CANNOT_START, text, lasting=True) if over else None
    return Trouble(CANNOT_START, f"cannot start: {why}", lasting=over)


def _not_calling(startup: Startup) -> Trouble:
    since = f" since {timestamp(startup.began_at)}" if startup.began_at else ""
    text = f"runs{since} and has not called the operator: its process must ask it for work"
    return Trouble(NOT_CALLING, text)


def _crashing(startup: Startup) -> Trouble:
    if not startup.restarts:
        return Trouble(CRASHING, f"ended before it called the operator: {startup.last_end}")
    again = "once" if startup.restarts == 1 else f"{startup.restarts} times"
    text = f"was restarted {again} before it called the operator, last after {startup.last_end}"
    return Trouble(CRASHING, text, lasting=startup.restarts >= MOST_RESTARTS)


def _unscheduled(status: Mapping[str, Any]) -> Startup:
    scheduled = find(status, "PodScheduled")
    if scheduled.get("status") != "False":
        return Startup()
    reason = str(scheduled.get("reason") or "Unschedulable")
    return Startup(Stage.PREPARING, reason, _short(scheduled.get("message")))


def _end(ended: Mapping[str, Any]) -> str:
    reason, said = ended.get("reason"), _short(ended.get("message"))
    text = f"exit code {ended.get('exitCode', 0)}"
    text = f"{text} ({reason})" if reason else text
    return f"{text}: {said}" if said else text


def _named(message: Any, image: Any) -> str:
    """Return what is said of a container that waits; it names the image in any case."""
    text = _short(message)
    if not image or str(image) in text:
        return text
    return f"{text} (image {image})" if text else f"image {image}"


def _short(text: Any) -> str:
    words = " ".join(str(text or "").split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."
