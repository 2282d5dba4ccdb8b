"""What a command is about: NAME or phase/NAME, and PHASE/TASK in it."""

from __future__ import annotations

from dataclasses import dataclass

from spectra_operator.core.suggestions import listed

from .cluster import Body, Cluster
from .errors import NotFound, UnknownKind, UsageProblem
from .kinds import AGENTS, PHASES, TEMPLATES, WORKFLOWS, Kind

_PREFIXES = {
    **dict.fromkeys(("workflow", "workflows", "swf"), WORKFLOWS),
    **dict.fromkeys(("phase", "phases", "sph"), PHASES),
}

_OF_AGENTS = ("", "agent", "agents", "sag")


@dataclass(frozen=True, slots=True)
class Target:
    """A workflow, a phase that stands alone, or an agent."""

    kind: Kind
    name: str

    @property
    def title(self) -> str:
        """As kubectl writes it: workflow/foundation."""
        return self.kind.title(self.name)


@dataclass(frozen=True, slots=True)
class TaskPath:
    """A task. `phase` is None in a phase that stands alone."""

    phase: str | None
    task: str

    def __str__(self) -> str:
        return f"{self.phase}/{self.task}" if self.phase else self.task


def parse_target(text: str) -> Target:
    """Return what NAME, workflow/NAME or phase/NAME means.

    Raises:
        UsageProblem: The part before the slash is neither.
    """
    prefix, slash, name = text.partition("/")
    if not slash:
        return Target(WORKFLOWS, text)
    kind = _PREFIXES.get(prefix.lower().removesuffix(".spectra.dev"))
    if kind is None or not name:
        raise UsageProblem(f"{text!r}: write NAME for a workflow, or phase/NAME for a phase")
    return Target(kind, name)


def parse_task(target: Target, text: str) -> TaskPath:
    """Return the task that PHASE/TASK means; in a phase that stands alone, TASK.

    Raises:
        UsageProblem: The phase is missing or is one too many.
    """
    phase, slash, task = text.rpartition("/")
    if target.kind == PHASES:
        if slash:
            raise UsageProblem(f"{text!r}: {target.title} has no phases; write TASK")
        return TaskPath(None, task)
    if not phase or not task or "/" in phase:
        raise UsageProblem(f"{text!r}: write PHASE/TASK, such as database/migration")
    return TaskPath(phase, task)


def parse_template(text: str) -> str:
    """Return the name in template/NAME.

    Raises:
        UsageProblem: It is written otherwise.
    """
    prefix, _, name = text.rpartition("/")
    if not name or prefix.lower() not in ("template", "workflowtemplate", "swt", ""):
        raise UsageProblem(f"{text!r}: write template/NAME")
    return name


def parse_agent(text: str) -> Target:
    """Return the agent that NAME or agent/NAME means.

    Raises:
        UsageProblem: It is written otherwise.
    """
    prefix, _, name = text.rpartition("/")
    if not name or prefix.lower().removesuffix(".spectra.dev") not in _OF_AGENTS:
        raise UsageProblem(f"{text!r}: write NAME or agent/NAME")
    return Target(AGENTS, name)


def fetch(cluster: Cluster, target: Target) -> Body:
    """Return the target's object; of a name that is both, the workflow.

    Raises:
        NotFound: There is none; the text names others that there are.
    """
    return _get(cluster, target.kind, target.name)


def fetch_template(cluster: Cluster, name: str) -> Body:
    """Return a WorkflowTemplate.

    Raises:
        NotFound: There is none of that name; the text names others that there are.
    """
    return _get(cluster, TEMPLATES, name)


def missing(cluster: Cluster, kind: Kind, name: str) -> NotFound:
    """Return what is said of an object that is not there, whoever asks for it.

    Raises:
        NotFound: Its namespace does not exist.
    """
    names = [o["metadata"]["name"] for o in cluster.find(kind)["items"]]
    if not names:
        cluster.check_namespace()
    there = f"there are: {listed(names)}" if names else "there is none; see -n"
    text = f"{kind.title(name)} in namespace {cluster.namespace} does not exist"
    return NotFound(f"{text}; {there}")


def _get(cluster: Cluster, kind: Kind, name: str) -> Body:
    try:
        return cluster.get(kind, name)
    except UnknownKind:
        raise
    except NotFound:
        raise missing(cluster, kind, name) from None
