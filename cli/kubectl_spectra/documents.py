"""The objects in files, for commands that use them: linted before anything is done with them."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import click
from pydantic import ValidationError

from spectra_operator.api.constants import API_VERSION
from spectra_operator.core.lint.findings import Finding, Manifest, Mark, Path, shown
from spectra_operator.core.lint.lint import lint, version_problem

from . import manifests
from .cluster import Body
from .errors import CliError, NotFound, UsageProblem

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Document:
    """An object of a file; `marks` are the places of its keys."""

    file: str
    body: Body
    marks: Mapping[Path, Mark] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind that it says it is."""
        return str(self.body["kind"])

    @property
    def title(self) -> str:
        """The file and the object, for messages."""
        meta = self.body["metadata"]
        name = meta.get("name") or f"{meta.get('generateName', '')}…"
        return f"{self.file}: {self.kind.lower()}/{name}"


class Invalid(CliError):  # noqa: N818 - as kube.errors
    """A file cannot be used; the text says why."""


class Faulty(Invalid):
    """The linter found errors in files; the text is its findings, a line each."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        files = ", ".join(dict.fromkeys(finding.file for finding in findings))
        errors = f"{len(findings)} error{'s' * (len(findings) != 1)}"
        super().__init__(f"{files}: {errors}; nothing was done")
        self.findings = findings

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the findings and the sentence to standard error."""
        for finding in self.findings:
            click.echo(str(finding), file=file, err=True)
        super().show(file)


def is_file(source: str) -> bool:
    """Whether a word on the command line means a file, and not the name of an object."""
    return (
        source == STDIN or pathlib.Path(source).suffix in SUFFIXES or pathlib.Path(source).is_file()
    )


def read(sources: Iterable[str], given: Collection[str] = ()) -> list[Document]:
    """Return the objects of files, taken as one set; - is standard input.

    Args:
        sources: Names of files.
        given: Parameters whose values are not in the files, but come later.

    Raises:
        NotFound: A file is not there.
        Invalid: The linter found errors, or an object of others has no name.
    """
    loaded = [manifests.load(source, content_of(source)) for source in sources]
    objects = [manifest for each in loaded for manifest in each.manifests]
    to_come = {f"spec.parameters[{name}].value" for name in given}
    _refuse(
        finding
        for finding in (*(f for each in loaded for f in each.findings), *lint(objects))
        if not (finding.reason == "MissingParameter" and finding.field in to_come)
    )
    return [_document(manifest) for manifest in objects]


def check(documents: Iterable[Document]) -> None:
    """Lint objects that are no longer as they stand in their files.

    Raises:
        Faulty: There are errors.
    """
    _refuse(lint([Manifest(each.file, each.body, each.marks) for each in documents]))


def _refuse(findings: Iterable[Finding]) -> None:
    wrong = [finding for finding in findings if finding.severity == "error"]
    if wrong:
        raise Faulty(wrong)


def of_kind(documents: Iterable[Document], kind: str) -> list[Document]:
    """Return the documents of one of our kinds."""
    return [document for document in documents if document.kind == kind and is_ours(document)]


def the_run(documents: Iterable[Document]) -> Document:
    """Return the only workflow, or the only phase that stands alone.

    Raises:
        UsageProblem: There is none, or there are several.
    """
    documents = list(documents)
    runs = of_kind(documents, "Workflow") or of_kind(documents, "Phase")
    if len(runs) != 1:
        files = ", ".join(sorted({document.file for document in documents})) or "the files"
        if not runs:
            raise no_run(documents, files)
        raise UsageProblem(f"{files}: holds {len(runs)} Workflows; give files with exactly one")
    return runs[0]


def no_run(documents: Iterable[Document], files: str) -> UsageProblem:
    """Return what is wrong with files in which no workflow of ours stands."""
    for document in documents:
        if document.kind in ("Workflow", "Phase"):
            problem = version_problem(Manifest(document.file, document.body))
            line, _ = document.marks.get((), (1, 1))
            where = f"{document.file}:{line}: {document.kind.lower()}"
            text = f"{where}: {problem.field}: {problem.message} if it is meant for Spectra"
            return UsageProblem(text)
    return UsageProblem(f"{files}: holds no Workflow; give a file with one")


def parsed(model: Any, document: Document) -> Any:
    """Return the spec of a document as an API model.

    Raises:
        Invalid: It does not fit; the text names the field.
    """
    try:
        return model.model_validate(document.body["spec"])
    except ValidationError as error:
        first = error.errors()[0]
        where = shown(("spec", *first["loc"]), document.body)
        text = f"{document.title}: {where}: {first['msg']}"
        raise Invalid(text) from None


def content_of(source: str) -> bytes:
    """Return what is in a file; - is standard input.

    Raises:
        NotFound: It cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if source == STDIN else pathlib.Path(source).read_bytes()
    except OSError as error:
        raise NotFound(f"{source}: {error.strerror or error}") from None


def _document(manifest: Manifest) -> Document:
    """Return an object with a kind and a name; ours have passed the linter."""
    body, (line, _) = manifest.body, manifest.mark(())
    where = f"{manifest.file}:{line}"
    if not isinstance(body.get("kind"), str):
        raise Invalid(f"{where}: kind is missing; give it one")
    meta = body.get("metadata")
    if not isinstance(meta, dict) or not (meta.get("name") or meta.get("generateName")):
        raise Invalid(f"{where}: metadata.name is missing; give it a name")
    return Document(manifest.file, body, manifest.marks)


def is_ours(document: Document) -> bool:
    """Whether a document is of Spectra's API."""
    return document.body.get("apiVersion") == API_VERSION
