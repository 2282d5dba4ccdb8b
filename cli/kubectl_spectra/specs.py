"""The spec of a workflow, from files or the cluster: templates and patterns written out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from spectra_operator.api.agent import AgentSpec
from spectra_operator.api.phase import PhaseSpec
from spectra_operator.api.template import WorkflowTemplateSpec
from spectra_operator.api.workflow import PhaseTemplate, WorkflowSpec
from spectra_operator.core.spec.expand import TEMPLATE_NOT_FOUND, ExpansionError, expand

from .cluster import Body, Cluster
from .documents import Document, Invalid, is_file, of_kind, parsed, read, the_run
from .errors import UsageProblem
from .kinds import AGENTS, PHASES, TEMPLATES, WORKFLOWS, Kind
from .session import Session
from .targets import fetch, parse_target


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workflow as it would run.

    Attributes:
        kind: Workflow, or Phase for one that stands alone.
        name: Its name.
        spec: Its spec, expanded; that of a phase is a workflow of this one phase.
        agents: The agents at hand, by name.
        template: Name of the template it is made from; empty without one.
        live: Whether it came from the cluster.
    """

    kind: Kind
    name: str
    spec: WorkflowSpec
    agents: Mapping[str, AgentSpec] = field(default_factory=dict)
    template: str = ""
    live: bool = False

    def to_body(self) -> Body:
        """Return the object as it would stand in a manifest."""
        spec = self.spec.model_dump(by_alias=True, exclude_unset=True, mode="json")
        spec = {key: value for key, value in spec.items() if value is not None}
        spec["phases"] = [_names_first(phase) for phase in spec.get("phases") or ()]
        if self.kind == PHASES:
            spec = {"tasks": spec["phases"][0]["tasks"]}
        api = f"{self.kind.group}/{self.kind.version}"
        meta = {"name": self.name}
        return {"apiVersion": api, "kind": self.kind.name, "metadata": meta, "spec": spec}


def _names_first(phase: Body) -> Body:
    first = {key: phase[key] for key in ("name", "dependsOn") if key in phase}
    return first | {key: value for key, value in phase.items() if value is not None}


def load(session: Session, sources: Sequence[str]) -> Loaded:
    """Return the workflow that files hold, or the one of that name in the cluster.

    Raises:
        UsageProblem: Files and names are mixed, or the files hold no workflow or several.
        Invalid: It cannot be expanded; the text names the fields.
    """
    files = [is_file(source) for source in sources]
    if all(files):
        return _from_files(read(sources))
    if len(sources) > 1:
        raise UsageProblem("give files, or one name of a workflow in the cluster")
    return _from_cluster(session.cluster, sources[0])


def written_out(cluster: Cluster, workflow: Body) -> Body:
    """Return a workflow of the cluster with its spec expanded; as it is if that fails."""
    spec = WorkflowSpec.model_validate(workflow["spec"])
    try:
        whole = expand(spec, _templates(cluster, spec))
    except ExpansionError:
        return workflow
    return {**workflow, "spec": whole.model_dump(by_alias=True, exclude_unset=True, mode="json")}


def agents_of_cluster(cluster: Cluster) -> dict[str, AgentSpec]:
    """Return the agents of the namespace by name."""
    return {
        body["metadata"]["name"]: AgentSpec.model_validate(body["spec"])
        for body in cluster.find(AGENTS)["items"]
    }


def _from_files(documents: list[Document]) -> Loaded:
    run = the_run(documents)
    templates = {
        str(document.body["metadata"].get("name")): parsed(WorkflowTemplateSpec, document)
        for document in of_kind(documents, TEMPLATES.name)
    }
    agents = {
        str(document.body["metadata"].get("name")): parsed(AgentSpec, document)
        for document in of_kind(documents, AGENTS.name)
    }
    meta = run.body["metadata"]
    name = str(meta.get("name") or meta["generateName"].rstrip("-"))
    kind = WORKFLOWS if run.kind == WORKFLOWS.name else PHASES
    spec = _as_workflow(run, name)
    whole = _expanded(spec, templates, run.title, offline=True)
    return Loaded(kind, name, whole, agents, _template_of(spec))


def _from_cluster(cluster: Cluster, source: str) -> Loaded:
    target = parse_target(source)
    body = fetch(cluster, target)
    run = Document(target.title, body)
    spec = _as_workflow(run, target.name)
    whole = _expanded(spec, _templates(cluster, spec), target.title, offline=False)
    agents = agents_of_cluster(cluster)
    return Loaded(target.kind, target.name, whole, agents, _template_of(spec), live=True)


def _templates(cluster: Cluster, spec: WorkflowSpec) -> dict[str, WorkflowTemplateSpec]:
    """Return the templates of the namespace; none, unasked, if a spec needs none."""
    return {
        found["metadata"]["name"]: WorkflowTemplateSpec.model_validate(found["spec"])
        for found in (cluster.find(TEMPLATES)["items"] if _needs_templates(spec) else ())
    }


def _as_workflow(run: Document, name: str) -> WorkflowSpec:
    """Return the spec; a phase that stands alone becomes a workflow of one phase."""
    if run.kind == WORKFLOWS.name:
        spec: WorkflowSpec = parsed(WorkflowSpec, run)
        return spec
    phase: PhaseSpec = parsed(PhaseSpec, run)
    try:
        only = PhaseTemplate(name=name[:40].rstrip("-."), tasks=phase.tasks, pattern=phase.pattern)
        return WorkflowSpec(
            phases=[only],
            failure_policy=phase.failure_policy,
            parallelism=phase.parallelism,
            selection_policy=phase.selection_policy,
        )
    except ValidationError as error:
        raise Invalid(f"{run.title}: {error.errors()[0]['msg']}") from None


def _template_of(spec: WorkflowSpec) -> str:
    return spec.template_ref.name if spec.template_ref else ""


def _needs_templates(spec: WorkflowSpec) -> bool:
    bodies: list[Any] = [spec, *spec.all_phases, *(phase.fallback for phase in spec.all_phases)]
    return any(body is not None and body.template_ref is not None for body in bodies)


def _expanded(
    spec: WorkflowSpec, templates: Mapping[str, WorkflowTemplateSpec], title: str, *, offline: bool
) -> WorkflowSpec:
    try:
        return expand(spec, templates)
    except ExpansionError as error:
        text = "; ".join(str(problem) for problem in error.problems[:5])
        hint = "; give the template's file too" if offline and _misses_template(error) else ""
        raise Invalid(f"{title}: {text}{hint}") from None


def _misses_template(error: ExpansionError) -> bool:
    reasons: Iterable[str] = (problem.reason for problem in error.problems)
    return TEMPLATE_NOT_FOUND in reasons
