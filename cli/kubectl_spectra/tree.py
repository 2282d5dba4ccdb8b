"""The tree of a run: phases, tasks, items as ranges, reasons, durations. Pure rendering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.text import Text
from rich.tree import Tree

from spectra_operator.api.workflow import PhaseRole

from .view import PhaseRow, RunRow, TaskRow
from .words import counted, folded, one_line, took

SHOWN = 25
"""Tasks of a phase that are shown before the others are folded into one line."""

STYLES = {
    "Succeeded": "green",
    "Failed": "bold red",
    "Rejected": "bold red",
    "Running": "cyan",
    "Finalizing": "cyan",
    "RollingBack": "yellow",
    "Ready": "yellow",
    "Backoff": "yellow",
    "Suspended": "yellow",
    "Pending": "yellow",
    "Waiting": "bright_black",
    "Skipped": "bright_black",
    "Cancelled": "magenta",
}
_MARKS = {
    "Succeeded": "✓",
    "Failed": "✗",
    "Rejected": "✗",
    "Running": "●",
    "Finalizing": "●",
    "RollingBack": "↩",
    "Ready": "◌",
    "Backoff": "↻",
    "Suspended": "‖",
    "Pending": "◌",
    "Waiting": "○",
    "Skipped": "-",
    "Cancelled": "⊘",
}
_PLAIN = {
    "Succeeded": "+",
    "Failed": "x",
    "Rejected": "x",
    "Running": "*",
    "Finalizing": "*",
    "RollingBack": "*",
    "Skipped": "-",
    "Cancelled": "/",
}
_TELLING = ("Failed", "Running", "Backoff", "Ready", "Cancelled")
"""States whose tasks are shown first when there are too many."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a tree is drawn.

    Attributes:
        now: The time, for durations.
        everything: Fold nothing.
        ascii: Use no characters beyond ASCII for states.
    """

    now: datetime
    everything: bool = False
    ascii: bool = False


def render(run: RunRow, look: Look) -> Tree:
    """Return the tree of a run."""
    tree = Tree(_headline(run, look), guide_style="bright_black")
    if run.kind.name == "Phase":
        _add_tasks(tree, run.phases[0].tasks, look)
        return tree
    for phase in run.phases:
        _add_phase(tree, phase, look)
    return tree


def styled(state: str) -> Text:
    """Return a state in its colour."""
    return Text(state, STYLES.get(state, ""))


def _headline(run: RunRow, look: Look) -> Text:
    status = run.status
    line = Text.assemble((f"{run.kind.name} ", "bright_black"), (run.name, "bold"), "  ")
    line.append_text(styled(run.state))
    parts = [str(status.get("progress") or "")]
    if status.get("percent") is not None:
        parts.append(f"{status['percent']}%")
    parts.append(took(status.get("startedAt"), status.get("finishedAt"), look.now))
    _append(line, parts)
    if not run.ended and status.get("eta"):
        line.append(f"  {_estimate(status)}", "bright_black")
    if not run.ended and status.get("criticalPath"):
        line.append(f"  critical: {status['criticalPath']}", "magenta")
    if (status.get("run") or 1) > 1:
        line.append(f"  run {status['run']}", "bright_black")
    return _because(line, run.state, status)


def _estimate(status: Any) -> str:
    """Return how long the rest takes, and on how many durations that rests."""
    eta, p90, samples = status["eta"], status.get("etaP90"), status.get("samples")
    text = f"about {eta} left"
    if p90 and p90 != eta:
        text += f", 9 of 10 times within {p90}"
    if samples is None:
        return text
    counted = "1 sample" if samples == 1 else f"{samples} samples"
    return f"{text} ({counted})" if samples else f"{text} (as planned)"


def _add_phase(tree: Tree, phase: PhaseRow, look: Look) -> None:
    summary = phase.summary
    line = _mark(phase.state, look)
    line.append("spawned" if phase.role == PhaseRole.SPAWNED else phase.name, "bold")
    if phase.role not in (PhaseRole.MAIN, PhaseRole.SPAWNED):
        line.append(f" ({phase.role})", "bright_black")
    line.append("  ")
    line.append_text(styled(phase.state))
    times = took(summary.get("startedAt"), summary.get("finishedAt"), look.now)
    _append(line, [str(summary.get("progress") or ""), times])
    if summary.get("critical"):
        line.append("  critical", "magenta")
    elif summary.get("slack"):
        line.append(f"  slack {summary['slack']}", "bright_black")
    if summary.get("late"):
        line.append(f"  late {summary['late']}", "red")
    _because(line, phase.state, summary, phase.depends_on)
    if phase.plan.get("milestone"):
        state = f": {summary['milestone']}" if summary.get("milestone") else ""
        line.append(f"  milestone {phase.plan['milestone']}{state}", "bright_black")
    branch = tree.add(line)
    _add_tasks(branch, phase.tasks, look)


def _add_tasks(tree: Tree, tasks: tuple[TaskRow, ...], look: Look) -> None:
    shown, rest = _fold(tasks, look)
    for task in shown:
        branch = tree.add(_task(task, look))
        for line in _items(task, look):
            branch.add(line)
        if task.spawned:
            _add_phase(branch, task.spawned, look)
    if rest:
        states = counted(task.state for task in rest)
        tree.add(Text(f"… {len(rest):,} more tasks: {states}; --all shows them", "bright_black"))


def _fold(
    tasks: tuple[TaskRow, ...], look: Look
) -> tuple[tuple[TaskRow, ...], tuple[TaskRow, ...]]:
    """Split tasks into those shown and those folded: what tells something stays, in its place."""
    if look.everything or len(tasks) <= SHOWN:
        return tasks, ()
    ranked = sorted(range(len(tasks)), key=lambda i: (_rank(tasks[i].state), i))
    kept = set(ranked[: SHOWN - 1])
    shown = tuple(task for i, task in enumerate(tasks) if i in kept)
    return shown, tuple(task for i, task in enumerate(tasks) if i not in kept)


def _rank(state: str) -> int:
    return _TELLING.index(state) if state in _TELLING else len(_TELLING)


def _task(task: TaskRow, look: Look) -> Text:
    status = task.status
    line = _mark(task.state, look)
    line.append(task.name)
    line.append(f"  {task.agent}", "bright_black")
    line.append("  ")
    line.append_text(styled(task.state))
    line.append(_said(status.get("progress") or {}))
    times = took(status.get("startedAt"), status.get("finishedAt"), look.now)
    attempt = status.get("attempt", 0)
    tries = f"attempt {attempt}" if attempt > 1 else ""
    _append(line, [_progress(task), tries, times])
    if status.get("fallback"):
        line.append(f"  fallback {status['fallback']}", "yellow")
    if task.critical:
        line.append("  critical", "magenta")
    if task.state == "Backoff" and status.get("notBefore"):
        line.append(f"  again in {_until(status['notBefore'], look.now)}", "yellow")
    return _because(line, task.state, status, task.depends_on)


def _until(then: Any, now: datetime) -> str:
    """Return how long it is until a time: 3s; 0s once it is past."""
    return took(now.isoformat(), then, now)


def _said(progress: Any) -> str:
    """Return how far a task is, as its workers say: 40% half way."""
    percent, message = progress.get("percent"), progress.get("message") or ""
    parts = ["" if percent is None else f"{percent}%", one_line(message)]
    return "".join(f" {part}" for part in parts if part)


def _progress(task: TaskRow) -> str:
    total = task.items.get("total")
    if total is None:
        return ""
    return f"{_size(task.items.get('succeeded', '')):,}/{total:,}"


def _size(ranges: str) -> int:
    """Return how many indexes ranges hold."""
    count = 0
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        count += int(last or first) - int(first) + 1
    return count


def _items(task: TaskRow, look: Look) -> Iterator[Text]:
    """Items by state as ranges; not of a task that succeeded whole."""
    if not task.items or task.state == "Succeeded":
        return
    for key in ("running", "failed", "cancelled", "succeeded"):
        ranges = task.items.get(key)
        if ranges:
            text = ranges if look.everything else folded(ranges)
            yield Text.assemble((key, STYLES[key.capitalize()]), f" {text}")
    yield from _open(task.items.get("open") or {}, look)


def _open(items: dict[str, Any], look: Look) -> Iterator[Text]:
    """Items that wait for another attempt, each with its reason."""
    waiting = [(k, v) for k, v in items.items() if v.get("state") != "Running"]
    shown = waiting if look.everything else waiting[:5]
    for index, item in shown:
        tries = f"attempt {item.get('attempt', 0)}"
        line = Text.assemble(f"item {index} ", styled(item["state"]), f" {tries}")
        if item.get("reason"):
            line.append(f": {item['reason']}", "bright_black")
        yield line
    if len(waiting) > len(shown):
        yield Text(f"… {len(waiting) - len(shown):,} more items wait", "bright_black")


def _mark(state: str, look: Look) -> Text:
    marks = _PLAIN if look.ascii else _MARKS
    return Text(marks.get(state, "."), STYLES.get(state, "")).append(" ")


def _append(line: Text, parts: Iterable[str]) -> None:
    for part in filter(None, parts):
        line.append(f"  {part}")


def _because(line: Text, state: str, status: Any, depends_on: tuple[str, ...] = ()) -> Text:
    """Add why something is as it is: the reason and message, or what it waits for."""
    reason, message = status.get("reason") or "", status.get("message") or ""
    if state == "Waiting" and not message and depends_on:
        message = f"for {', '.join(depends_on[:5])}"
    if state == "Succeeded":
        return line
    text = ": ".join(part for part in (reason, message) if part)
    if text:
        line.append(f"  {one_line(text)}", "red" if state in ("Failed", "Rejected") else "italic")
    return line
