"""The linter: everything that can be said of manifests without a cluster.

It makes the same checks as admission and the reconcile pass (`review`), and those that only make
sense for what a person wrote: unknown fields, duplicates, things that are odd but not wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from ...api.constants import API_VERSION, GROUP
from ...api.crds import KINDS
from ...api.template import WorkflowTemplateSpec
from ..spec.nesting import too_deep
from ..spec.problems import Problem
from ..spec.review import SPEC_DEPTH, review
from ..suggestions import nearest, suggestion
from .findings import Finding, Manifest, Path, Severity, resolve, shown
from .objects import name_problems, object_problems
from .partial import can_go, without
from .references import reference_warnings
from .structure import Wrong, structure_problems
from .warnings import warnings

MODELS: Mapping[str, type[BaseModel]] = {kind.kind: kind.spec for kind in KINDS}
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")


def lint(manifests: Sequence[Manifest]) -> list[Finding]:
    """Return what is wrong or odd, by file and line.

    Objects of other groups than ours are left alone. Manifests may refer to each other: a
    workflow and its template in one set are checked together.
    """
    ours = [manifest for manifest in manifests if not is_foreign(manifest)]
    templates = _templates(ours)
    found = [finding for manifest in ours for finding in _object(manifest, templates)]
    found.extend(_duplicates(ours))
    found.extend(
        _finding(manifest, problem, "warning") for manifest, problem in reference_warnings(ours)
    )
    return sorted(found, key=lambda f: (f.file, f.line, f.column, f.severity, f.field))


def is_foreign(manifest: Manifest) -> bool:
    """Whether an object is of another group than ours, and so left alone.

    One whose group is misspelt, or left out, is ours: nobody else's object looks like that.
    """
    if not isinstance(manifest.body, Mapping):
        return False
    version = manifest.body.get("apiVersion")
    if not isinstance(version, str):
        return False
    group, slash, _ = version.partition("/")
    if not slash:
        return manifest.kind not in MODELS
    return group != GROUP and not (manifest.kind in MODELS and nearest(group, [GROUP]))


def version_problem(manifest: Manifest) -> Problem:
    """Return what is wrong with the apiVersion of an object that should be ours."""
    version = manifest.body.get("apiVersion")
    said = "is missing" if version is None else f"is {str(version)[:60]!r}"
    return Problem("UnknownVersion", "apiVersion", f"{said}; write {API_VERSION}")


def _templates(manifests: Sequence[Manifest]) -> dict[str, WorkflowTemplateSpec]:
    found = {}
    for manifest in manifests:
        spec = manifest.body.get("spec") if isinstance(manifest.body, Mapping) else None
        if manifest.kind != "WorkflowTemplate" or too_deep(spec, SPEC_DEPTH):
            continue
        try:
            found[manifest.name] = WorkflowTemplateSpec.model_validate(spec)
        except ValidationError:
            continue
    return found


def _object(manifest: Manifest, templates: Mapping[str, WorkflowTemplateSpec]) -> Iterator[Finding]:
    head = list(_head(manifest))
    yield from head
    if head and head[-1].reason in ("NotAnObject", "UnknownKind"):
        return
    spec = manifest.body.get("spec")
    if too_deep(spec, SPEC_DEPTH):
        text = f"nests deeper than {SPEC_DEPTH} levels; make its values flatter"
        yield _finding(manifest, Problem("TooDeep", "spec", text))
        return
    broken, rest = _structure(spec, MODELS[manifest.kind])
    yield from (_at(manifest, wrong) for wrong in broken)
    if rest is None:
        return  # what a spec means can be said only of one that has its shape
    problems = (*review(manifest.kind, rest, templates), *object_problems(manifest.kind, rest))
    yield from (_finding(manifest, problem) for problem in problems)
    if not problems and rest is spec:
        odd = warnings(manifest.kind, spec)
        yield from (_finding(manifest, problem, "warning") for problem in odd)


def _structure(spec: Any, model: type[BaseModel]) -> tuple[list[Wrong], Any]:
    """Return what is wrong with a spec's structure, and the spec as far as more can be said of it.

    That is None if what is wrong may mean something for the rest.
    """
    found: dict[Path, Wrong] = {}
    while True:
        broken = structure_problems(spec, model)
        found |= {wrong.path: wrong for wrong in broken}
        misshapen = [wrong.path for wrong in broken if wrong.reason != "UnknownField"]
        if not misshapen:
            return list(found.values()), spec
        less = without(spec, misshapen) if all(map(can_go, misshapen)) else spec
        if less == spec:
            return list(found.values()), None
        spec = less


def _head(manifest: Manifest) -> Iterator[Finding]:
    """Yield what is wrong with an object around its spec."""
    body = manifest.body
    if not isinstance(body, Mapping):
        text = "is no object; write apiVersion, kind, metadata and spec"
        yield _finding(manifest, Problem("NotAnObject", "", text))
        return
    if body.get("apiVersion") != API_VERSION:
        yield _finding(manifest, version_problem(manifest))
    for key in body:
        if key not in _TOP:
            text = f"there is no such field; {suggestion(str(key), list(_TOP))}"
            yield _at(manifest, Wrong((key,), "UnknownField", text), top=True)
    if manifest.kind in MODELS:
        yield from (_finding(manifest, problem) for problem in name_problems(manifest.kind, body))
        return
    there = suggestion(manifest.kind, MODELS)
    text = f"is {manifest.kind[:60]!r}, which there is not; {there}"
    text = text if manifest.kind else f"is missing; {there}"
    yield _finding(manifest, Problem("UnknownKind", "kind", text))


def _duplicates(manifests: Sequence[Manifest]) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], Manifest] = {}
    for manifest in manifests:
        if not manifest.name:
            continue
        namespace = manifest.body["metadata"].get("namespace")
        key = (manifest.kind, str(namespace or ""), manifest.name)
        first = seen.setdefault(key, manifest)
        if first.body != manifest.body:
            line = first.mark(())[0]
            text = f"{manifest.kind} {manifest.name!r} stands in {first.file}:{line} already;"
            problem = Problem("DuplicateName", "metadata.name", f"{text} rename one of them")
            yield _finding(manifest, problem)


def _finding(manifest: Manifest, problem: Problem, severity: Severity = "error") -> Finding:
    path = resolve(problem.field, manifest.body)
    line, column = manifest.mark(path)
    return Finding(
        manifest.file, line, column, problem.field, problem.reason, problem.message, severity
    )


def _at(manifest: Manifest, wrong: Wrong, *, top: bool = False) -> Finding:
    path: Path = wrong.path if top else ("spec", *wrong.path)
    line, column = manifest.mark(path)
    field = shown(path, manifest.body)
    return Finding(manifest.file, line, column, field, wrong.reason, wrong.message)
