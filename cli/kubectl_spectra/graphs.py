"""The graph of a run as text for Graphviz (DOT) or Mermaid. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count

from .view import PhaseRow, RunRow, TaskRow

_COLOURS = {
    "Succeeded": "#b7e1b0",
    "Failed": "#f4a9a0",
    "Rejected": "#f4a9a0",
    "Running": "#a9d3f5",
    "Finalizing": "#a9d3f5",
    "RollingBack": "#f8dfa0",
    "Ready": "#f8dfa0",
    "Backoff": "#f8dfa0",
    "Skipped": "#e3e3e3",
    "Cancelled": "#dcc3ec",
    "Waiting": "#ffffff",
}


def dot(run: RunRow, *, live: bool, phases_only: bool = False) -> str:
    """Return a graph for Graphviz; states are colours if `live`."""
    lines = [f"digraph {_quoted(run.name)} {{", "  rankdir=LR; compound=true;"]
    lines.append('  node [shape=box, style="rounded,filled", fillcolor=white];')
    ids = _ids(run)
    for phase in run.phases:
        lines += _dot_phase(phase, ids, live=live, phases_only=phases_only)
    for before, after in _phase_edges(run):
        lines.append(f"  {_dot_link(before, after, ids, phases_only=phases_only)}")
    return "\n".join([*lines, "}"])


def mermaid(run: RunRow, *, live: bool, phases_only: bool = False) -> str:
    """Return a Mermaid flowchart; states are colours if `live`."""
    lines = ["flowchart LR"]
    ids = _ids(run)
    for phase in run.phases:
        lines += _mermaid_phase(phase, ids, phases_only=phases_only)
    lines += [f"  {ids[before]} --> {ids[after]}" for before, after in _phase_edges(run)]
    if live:
        lines += _classes(run, ids, phases_only=phases_only)
    return "\n".join(lines)


Key = tuple[str, str]
"""A phase (with an empty task), or a task, by names."""


def _ids(run: RunRow) -> dict[Key, str]:
    """Return short names for phases and tasks, safe in both languages."""
    numbers = count(1)
    ids: dict[Key, str] = {}
    for phase in run.phases:
        ids[phase.name, ""] = f"p{next(numbers)}"
        for task in phase.tasks:
            ids[phase.name, task.name] = f"t{next(numbers)}"
    return ids


def _label(task: TaskRow) -> str:
    spec, total = task.spec, task.items.get("total")
    if total is None and not any(spec.get(key) for key in ("count", "forEach", "matrix")):
        return task.name
    return f"{task.name} x{total or spec.get('count') or 'n'}"


def _task_edges(phase: PhaseRow) -> Iterator[tuple[Key, Key]]:
    names = {task.name for task in phase.tasks}
    for task in phase.tasks:
        for before in task.depends_on:
            if before in names:
                yield (phase.name, before), (phase.name, task.name)


def _phase_edges(run: RunRow) -> Iterator[tuple[Key, Key]]:
    names = {phase.name for phase in run.phases}
    for phase in run.phases:
        for before in phase.depends_on:
            if before in names:
                yield (before, ""), (phase.name, "")


def _dot_phase(
    phase: PhaseRow, ids: dict[Key, str], *, live: bool, phases_only: bool
) -> Iterator[str]:
    ours = ids[phase.name, ""]
    if phases_only or not phase.tasks:
        yield f"  {ours} [label={_quoted(phase.name)}{_fill(phase.state, live=live)}];"
        return
    yield f"  subgraph cluster_{ours} {{"
    yield f"    label={_quoted(phase.name)};"
    for task in phase.tasks:
        label = f"label={_quoted(_label(task))}, tooltip={_quoted(task.agent)}"
        yield f"    {ids[phase.name, task.name]} [{label}{_fill(task.state, live=live)}];"
    for before, after in _task_edges(phase):
        yield f"    {ids[before]} -> {ids[after]};"
    yield "  }"


def _dot_link(before: Key, after: Key, ids: dict[Key, str], *, phases_only: bool) -> str:
    """Link two boxes: Graphviz draws edges between nodes, cut off at the box."""
    ends, cuts = [], []
    for key, cut in ((before, "ltail"), (after, "lhead")):
        inside = [name for (phase, task), name in ids.items() if phase == key[0] and task]
        if phases_only or not inside:
            ends.append(ids[key])
        else:
            ends.append(inside[-1] if cut == "ltail" else inside[0])
            cuts.append(f"{cut}=cluster_{ids[key]}")
    return f"{ends[0]} -> {ends[1]}" + (f" [{', '.join(cuts)}]" if cuts else "") + ";"


def _fill(state: str, *, live: bool) -> str:
    return f', fillcolor="{_COLOURS.get(state, "#ffffff")}"' if live else ""


def _mermaid_phase(phase: PhaseRow, ids: dict[Key, str], *, phases_only: bool) -> Iterator[str]:
    ours = ids[phase.name, ""]
    if phases_only or not phase.tasks:
        yield f"  {ours}[{_quoted(phase.name)}]"
        return
    yield f"  subgraph {ours}[{_quoted(phase.name)}]"
    for task in phase.tasks:
        yield f"    {ids[phase.name, task.name]}[{_quoted(_label(task))}]"
    for before, after in _task_edges(phase):
        yield f"    {ids[before]} --> {ids[after]}"
    yield "  end"


def _classes(run: RunRow, ids: dict[Key, str], *, phases_only: bool) -> Iterator[str]:
    members: dict[str, list[str]] = {}
    for phase in run.phases:
        if phases_only or not phase.tasks:
            members.setdefault(phase.state, []).append(ids[phase.name, ""])
            continue
        for task in phase.tasks:
            members.setdefault(task.state, []).append(ids[phase.name, task.name])
    for state, nodes in members.items():
        yield f"  classDef {state} fill:{_COLOURS.get(state, '#ffffff')},stroke:#666"
        yield f"  class {','.join(nodes)} {state}"


def _quoted(text: str) -> str:
    return json.dumps(text)
