"""Show a run while it goes on: a live tree on a terminal, a line for each turn elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from rich.console import Console, RenderableType
from rich.live import Live

from . import pictures
from . import session as shell
from .errors import NotFound, TimedOut
from .following import Follower
from .kinds import WORKFLOWS
from .session import Session
from .targets import Target
from .tree import Look, render
from .view import RunRow, TaskRow, every_task

V = TypeVar("V")

REDRAWS_A_SECOND = 4
"""How often durations are counted on; the cluster is not asked for that."""


class Deadline:
    """A time limit in seconds; None for no limit."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float | None:
        """Seconds that are left, at least 0; None for no limit."""
        return None if self._end is None else max(self._end - time.monotonic(), 0.0)


def follow(session: Session, target: Target, deadline: Deadline) -> Iterator[RunRow]:
    """Yield the picture of a run now and after each change; the last one is of its end.

    Raises:
        NotFound: There is no such object, or it was deleted meanwhile.
        TimedOut: It has not ended by the deadline.
    """
    with Follower(session.cluster, pictures.sources(target)) as follower:
        while not (run := pictures.seen(follower, target)).ended:
            yield run
            left = deadline.left
            if left == 0:
                raise TimedOut(f"{target.title} has not ended in time; it is {run.state}")
            try:
                follower.wait(left, f"the end of {target.title}")
            except TimedOut:
                text = f"{target.title} has not ended in time; it is {run.state}"
                raise TimedOut(text) from None
    # The end of the workflow and its phases come by different watches.
    yield pictures.asked(session.cluster, target)


def show_until_end(
    session: Session, target: Target, *, everything: bool, seconds: float | None
) -> RunRow:
    """Show a run until it ends and return its last picture."""
    pictures = follow(session, target, Deadline(seconds))
    look = partial(tree_look, session.console, everything)
    return shown_until_end(session, pictures, lambda run: render(run, look()), _turns)


def shown_until_end(
    session: Session,
    views: Iterator[V],
    drawn: Callable[[V], RenderableType],
    turns: Callable[[V], Iterable[tuple[str, str]]],
) -> V:
    """Show views of something as they come: live on a terminal, a line for each turn elsewhere.

    Args:
        session: Where they are shown.
        views: How it stands, now and after each change.
        drawn: Draws a view.
        turns: Names and texts of what is told of a view; a text is told again when it changes.

    Returns:
        The last view.
    """
    if session.console.is_terminal:
        return _live(session.console, views, drawn)
    return _told(session, views, turns)


def tree_look(console: Console, everything: bool) -> Look:
    """Return how a tree looks on a console now."""
    return Look(shell.now(), everything, console.options.ascii_only)


def _live(console: Console, views: Iterator[V], drawn: Callable[[V], RenderableType]) -> V:
    shown = next(views)

    def draw() -> RenderableType:
        return drawn(shown)

    with Live(console=console, get_renderable=draw, refresh_per_second=REDRAWS_A_SECOND) as live:
        for view in views:
            shown = view
            live.refresh()
    return shown


def _told(
    session: Session, views: Iterator[V], turns: Callable[[V], Iterable[tuple[str, str]]]
) -> V:
    before: dict[str, str] = {}
    view: V | None = None
    for view in views:
        lines = dict(turns(view))
        for key, text in lines.items():
            if before.get(key) != text:
                session.say(f"{shell.now():%H:%M:%S} {key}: {text}")
        before = lines
    if view is None:
        raise NotFound("there was nothing to follow")
    return view


def _turns(run: RunRow) -> Iterator[tuple[str, str]]:
    """What is told of a run: each phase and task that has begun, and the run itself."""
    for phase in run.phases:
        for task in every_task([phase]):
            if task.status and task.state != "Waiting":
                yield f"task {task.path}", _task_text(task)
        if run.kind == WORKFLOWS and phase.state != "Waiting":
            yield f"phase {phase.name}", phase.state
    yield run.title, _reasoned(run.state, run.status.get("reason"), run.status.get("message"))


def _task_text(task: TaskRow) -> str:
    attempt = task.status.get("attempt", 0)
    tries = f" (attempt {attempt})" if attempt > 1 else ""
    shown = task.state != "Succeeded"
    reason = task.status.get("reason") if shown else ""
    return _reasoned(task.state + tries, reason, task.status.get("message") if shown else "")


def _reasoned(state: str, reason: str | None, message: str | None) -> str:
    return ": ".join(part for part in (state, reason, message) if part)
