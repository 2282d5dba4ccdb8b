"""What submit does with the objects of a file: all is checked before the first is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .cluster import Body, Cluster
from .documents import Document, is_ours, no_run
from .errors import Exists, NotFound, UsageProblem
from .kinds import BY_NAME, PHASES, WORKFLOWS, Kind

RUNS = (WORKFLOWS.name, PHASES.name)


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects of a file.

    Attributes:
        runs: Workflows, and phases that stand alone, in the order of the file.
        needed: All else, with its kind, in the order of the file.
    """

    runs: tuple[Document, ...]
    needed: tuple[tuple[Kind, Document], ...] = ()


def parts_of(cluster: Cluster, documents: Sequence[Document], file: str) -> Parts:
    """Return what is created and what is applied before it.

    Raises:
        UsageProblem: No workflow is there, or an object is not of the namespace in use.
        NotFound: The cluster knows no such kind.
    """
    runs = tuple(document for document in documents if is_run(document))
    if not runs:
        raise no_run(documents, file)
    for document in documents:
        _check_namespace(cluster, document)
    others = [document for document in documents if not is_run(document)]
    return Parts(runs, tuple((_kind(cluster, document), document) for document in others))


def is_run(document: Document) -> bool:
    """Whether a document is a workflow, or a phase that stands alone."""
    return document.kind in RUNS and is_ours(document)


def create(cluster: Cluster, body: Body, *, dry: bool = False) -> Body:
    """Create a workflow and return it; with `dry` the API server only says whether it would.

    Raises:
        Exists: It is there already; the text says what to do about it.
    """
    kind = BY_NAME[body["kind"]]
    try:
        if not dry:
            return cluster.create(kind, body)
        cluster.try_create(kind, body)
    except Exists as error:
        raise Exists(f"{error}; delete it, or give --name or --generate-name") from None
    return body


def _kind(cluster: Cluster, document: Document) -> Kind:
    if is_ours(document):
        return BY_NAME[document.kind]
    try:
        kind = cluster.kind_of(str(document.body["apiVersion"]), document.kind)
    except NotFound as error:
        raise NotFound(f"{document.title}: {error}") from None
    if not kind.namespaced:
        text = f"{document.title}: is of the whole cluster, which submit leaves alone"
        raise UsageProblem(f"{text}; apply it with kubectl, and take it out of the file")
    return kind


def _check_namespace(cluster: Cluster, document: Document) -> None:
    namespace = document.body["metadata"].get("namespace")
    if namespace and namespace != cluster.namespace:
        text = f"{document.title}: says namespace {namespace}, but {cluster.namespace} is in use"
        raise UsageProblem(f"{text}; give -n {namespace}")
