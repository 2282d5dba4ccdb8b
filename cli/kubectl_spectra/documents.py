"""The objects in files, for commands that use them; `lint` says precisely what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spectra_operator.api.constants import API_VERSION

from . import manifests
from .cluster import Body
from .errors import CliError, NotFound, UsageProblem

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Document:
    """An object of a file."""

    file: str
    body: Body

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


def is_file(source: str) -> bool:
    """Whether a word on the command line means a file, and not the name of an object."""
    return source == STDIN or Path(source).suffix in SUFFIXES or Path(source).is_file()


def read(sources: Iterable[str]) -> list[Document]:
    """Return the objects of files; - is standard input.

    Raises:
        NotFound: A file is not there.
        Invalid: One is no YAML, or holds what is no object.
    """
    return [document for source in sources for document in _documents(source)]


def of_kind(documents: Iterable[Document], kind: str) -> list[Document]:
    """Return the documents of one kind."""
    return [document for document in documents if document.kind == kind]


def the_run(documents: Iterable[Document]) -> Document:
    """Return the only workflow, or the only phase that stands alone.

    Raises:
        UsageProblem: There is none, or there are several.
    """
    documents = list(documents)
    runs = of_kind(documents, "Workflow") or of_kind(documents, "Phase")
    if len(runs) != 1:
        files = ", ".join(sorted({document.file for document in documents})) or "the files"
        found = "no Workflow" if not runs else f"{len(runs)} Workflows"
        raise UsageProblem(f"{files}: holds {found}; give files with exactly one")
    return runs[0]


def parsed(model: Any, document: Document) -> Any:
    """Return the spec of a document as an API model.

    Raises:
        Invalid: It does not fit; the text names the field and the way to learn more.
    """
    try:
        return model.model_validate(document.body["spec"])
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        text = f"{document.title}: spec.{field}: {first['msg']}"
        raise Invalid(f"{text}; `kubectl spectra lint` shows all that is wrong") from None


def content_of(source: str) -> bytes:
    """Return what is in a file; - is standard input.

    Raises:
        NotFound: It cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
    except OSError as error:
        raise NotFound(f"{source}: {error.strerror or error}") from None


def _documents(source: str) -> Iterator[Document]:
    loaded = manifests.load(source, content_of(source))
    broken = [finding for finding in loaded.findings if finding.severity == "error"]
    if broken:
        raise Invalid(f"{broken[0]}; `kubectl spectra lint` shows all that is wrong")
    for manifest in loaded.manifests:
        line, _ = manifest.mark(())
        yield Document(source, _checked(f"{source}:{line}", manifest.body))


def _checked(where: str, body: Any) -> Body:
    if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
        raise Invalid(f"{where}: is no object; it needs apiVersion, kind and metadata")
    meta = body.get("metadata")
    if not isinstance(meta, dict) or not (meta.get("name") or meta.get("generateName")):
        raise Invalid(f"{where}: metadata.name is missing; give it a name")
    ours = body.get("apiVersion", API_VERSION) == API_VERSION
    if ours and not isinstance(body.get("spec"), dict):
        raise Invalid(f"{where}: spec is missing; `kubectl spectra lint` shows what is wrong")
    return body


def is_ours(document: Document) -> bool:
    """Whether a document is of Spectra's API."""
    return document.body.get("apiVersion") == API_VERSION
