"""logs: what the attempts of a run printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from spectra_operator.api import constants as c
from spectra_operator.core.suggestions import listed

from .. import completing, pictures
from ..cluster import Body
from ..errors import NotFound, UsageProblem
from ..following import Follower, Source
from ..kinds import PHASES, PODS
from ..logs import Counted, Options, Streams, Wanted, fan_outs, in_order, prefix, print_log, started
from ..session import Session, cluster_options
from ..targets import Target, TaskPath, fetch, parse_target, parse_task
from ..view import ENDS, RunRow, TaskRow, every_task
from .common import ALL, NAME

PODS_SHOWN = 50
"""Pods whose logs are printed without --all."""
STREAMS = 20
"""Logs that are followed at the same time."""


@click.command()
@NAME
@click.option("--task", metavar="PHASE/TASK", shell_complete=completing.tasks, help="One task.")
@click.option("--index", type=click.IntRange(min=0), help="One item of it.")
@click.option("--attempt", type=click.IntRange(min=1), help="One attempt.")
@click.option("-f", "--follow", is_flag=True, help="Stay until it ends; new attempts come too.")
@click.option("--tail", type=click.IntRange(min=0), metavar="LINES", help="The last lines only.")
@click.option("--timestamps", is_flag=True, help="Begin each line with its time.")
@ALL
@cluster_options
@click.pass_obj
def logs(session: Session, /, target: str, **options: Any) -> None:
    """Print what a workflow's tasks print, each line with its task in front.

    Attempts that have ended are printed too, as long as their pods are kept. In front stands
    phase/task, [index] for an item, and #number from the second attempt on.
    """
    chosen = _Choice(**options)
    wanted_target = parse_target(target)
    path = _path(wanted_target, chosen)
    body = fetch(session.cluster, wanted_target)
    wanted = _wanted(wanted_target, body, path, chosen)
    how = Options(chosen.follow, chosen.tail, chosen.timestamps)
    if chosen.follow:
        _follow(session, wanted_target, wanted, how)
    else:
        _print(session, wanted_target, wanted, how, everything=chosen.everything)


@dataclass(frozen=True, slots=True)
class _Choice:
    """The options as they were given."""

    task: str | None
    index: int | None
    attempt: int | None
    follow: bool
    tail: int | None
    timestamps: bool
    everything: bool


def _path(target: Target, chosen: _Choice) -> TaskPath | None:
    if chosen.index is not None and not chosen.task:
        raise UsageProblem("--index: name the task too, with --task")
    return parse_task(target, chosen.task) if chosen.task else None


def _wanted(target: Target, body: Body, path: TaskPath | None, chosen: _Choice) -> Wanted:
    label = c.LABEL_PHASE_UID if target.kind == PHASES else c.LABEL_WORKFLOW_UID
    return Wanted(
        f"{label}={body['metadata']['uid']}",
        (path.phase or "") if path else "",
        path.task if path else "",
        chosen.index,
        chosen.attempt,
    )


def _print(
    session: Session, target: Target, wanted: Wanted, how: Options, *, everything: bool
) -> None:
    run = pictures.asked(session.cluster, target)
    found = in_order(session.cluster.find(PODS, labels=wanted.selector)["items"])
    _check_task(run, wanted)
    with_log = [pod for pod in found if started(pod)]
    shown = with_log if everything else with_log[:PODS_SHOWN]
    items = fan_outs(run.phases)
    said = False  # that, or why, there are lines
    for pod in shown:
        title, lines = _title(pod, items), Counted(session.say)
        kept = print_log(session.cluster, pod, title, how, lines)
        if not kept:
            session.note(f"{title}: the log is gone with its pod")
        said = said or not kept or lines.count > 0
    if len(with_log) > len(shown):
        session.note(f"… {len(with_log) - len(shown):,} more pods; --all prints them too")
    if len(found) > len(with_log):
        session.note(f"{len(found) - len(with_log):,} pods have not started yet")
    elif not said:
        session.note(f"{_about(run, wanted)}: {_nothing(run, wanted, pods=len(found))}")


def _about(run: RunRow, wanted: Wanted) -> str:
    """Return what logs were asked of: the run, a task, an item, an attempt."""
    if not wanted.task:
        text = run.title
    else:
        text = f"task {wanted.phase}/{wanted.task}" if wanted.phase else f"task {wanted.task}"
    text += "" if wanted.index is None else f", item {wanted.index}"
    return text + ("" if wanted.attempt is None else f", attempt {wanted.attempt}")


def _nothing(run: RunRow, wanted: Wanted, *, pods: int) -> str:
    """Return why no line was printed."""
    if pods:
        return "nothing was printed"
    if _over(run, wanted):
        return "no pods are kept; it did not run, or they were cleaned up with their logs"
    return "no pods; `kubectl spectra why` says what it waits for"


def _follow(session: Session, target: Target, wanted: Wanted, how: Options) -> None:
    sources = (*pictures.sources(target), Source(PODS, labels=wanted.selector))
    with Follower(session.cluster, sources) as follower:
        streams = Streams(session.cluster, follower, how, session.say)
        streams.start(STREAMS)
        _check_task(pictures.seen(follower, target), wanted)
        while True:
            run = pictures.seen(follower, target)
            items = fan_outs(run.phases)
            pods = follower.all(PODS)
            for pod in in_order(p for p in pods if started(p)):
                streams.begin(pod, _title(pod, items))
            if _over(run, wanted) and not streams.busy:
                return
            follower.wait()


def _over(run: RunRow, wanted: Wanted) -> bool:
    """Whether nothing more can come: the run has ended, or the only task that is wanted."""
    if run.ended or not wanted.task:
        return run.ended
    states = [task.state for task in every_task(run.phases) if _is(wanted, task)]
    return bool(states) and all(state in ENDS for state in states)


def _check_task(run: RunRow, wanted: Wanted) -> None:
    known = list(every_task(run.phases))
    if not wanted.task or any(_is(wanted, task) for task in known):
        return
    there = f"; there are: {listed(task.path for task in known)}" if known else ""
    raise NotFound(f"{run.title} has no task {wanted.phase}/{wanted.task}{there}")


def _is(wanted: Wanted, task: TaskRow) -> bool:
    return wanted.task == task.name and wanted.phase in ("", task.phase)


def _title(pod: Body, items: frozenset[tuple[str, str]]) -> str:
    labels = pod["metadata"]["labels"]
    phase, task = labels.get(c.LABEL_PHASE, ""), labels.get(c.LABEL_TASK, "")
    # The tasks of a phase that stands alone are known without it.
    return prefix(pod, fan_out=(phase, task) in items or ("", task) in items)
