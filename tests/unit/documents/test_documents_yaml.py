"""Every piece of YAML in a document is made of fields that the API knows."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from builders.documents import Block, blocks, documents
from spectra_operator import api
from spectra_operator.api.common import ApiModel
from spectra_operator.api.crds import KINDS

EXEMPT = "not executed: "
CUT_SHORT = "{...}"
PIECES = [
    block
    for path in documents()
    for block in blocks(path)
    if block.language == "yaml" and not block.note.startswith(EXEMPT)
]


def models() -> Iterator[type[ApiModel]]:
    """Yield every model of the API."""
    for module in pkgutil.iter_modules(api.__path__):
        importlib.import_module(f"{api.__name__}.{module.name}")
    left = [ApiModel]
    while left:
        model = left.pop()
        left += model.__subclasses__()
        yield model


MODELS = list(models())


def unknown(piece: Any) -> list[str]:
    """What of a piece of YAML no model has: of a list any entry, of a mapping any field."""
    if isinstance(piece, list):
        return [] if any(_all_fit(model, piece) for model in MODELS) else [str(piece)[:80]]
    if "apiVersion" in piece:
        return _of_manifest(piece)
    if set(piece) == {"spec"}:
        return (
            [] if any(_fits(kind.spec, piece["spec"]) for kind in KINDS) else unknown(piece["spec"])
        )
    if any(_fields_fit(model, piece) for model in MODELS):
        return []
    return [key for key in piece if not any(_fields_fit(m, {key: piece[key]}) for m in MODELS)]


def _of_manifest(body: dict[str, Any]) -> list[str]:
    kinds = {kind.kind: kind for kind in KINDS}
    if body["kind"] not in kinds:
        return []  # a kind of Kubernetes, which the API server judges
    return [] if _fits(kinds[body["kind"]].spec, body["spec"]) else [body["kind"]]


def _all_fit(model: type[ApiModel], values: list[Any]) -> bool:
    return all(isinstance(value, dict) and _fits(model, value) for value in values)


def _fits(model: type[BaseModel], value: Any) -> bool:
    """Whether a value is one of the model, with no field that it would ignore."""
    try:
        read = model.model_validate(value)
    except ValidationError:
        return False
    dumped: Any = read.model_dump(by_alias=True, exclude_unset=True, mode="json")
    return bool(dumped == value)


def _fields_fit(model: type[ApiModel], piece: dict[str, Any]) -> bool:
    """Whether each field of a piece is one of the model; others of the model may be missing."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    if not piece or not set(piece) <= set(fields):
        return False
    for key, value in piece.items():
        adapter = TypeAdapter[Any](fields[key].annotation or object)
        try:
            read = adapter.validate_python(value)
        except ValidationError:
            return False
        if adapter.dump_python(read, by_alias=True, exclude_unset=True, mode="json") != value:
            return False
    return True


@pytest.mark.parametrize("block", PIECES, ids=lambda block: block.place)
def test_a_piece_of_yaml_has_only_fields_that_exist(block: Block) -> None:
    if CUT_SHORT in block.text:
        return
    for piece in yaml.safe_load_all(block.text):
        assert unknown(piece) == [], block.place


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        ("[{name: a, agnet: b}]", ["[{'name': 'a', 'agnet': 'b'}]"]),
        ("{maxUnprovn: 3}", ["maxUnprovn"]),
        ("{spec: {mode: Pool, solts: 3}}", ["solts"]),
        ("{preGate: {tasks: [{task: a, exepct: b}]}}", ["preGate"]),
        ("{apiVersion: spectra.dev/v1alpha1, kind: Workflow, spec: {phasse: []}}", ["Workflow"]),
    ],
)
def test_a_field_that_does_not_exist_is_found(piece: str, said: list[str]) -> None:
    assert unknown(yaml.safe_load(piece)) == said


@pytest.mark.parametrize(
    "piece",
    [
        "[{name: a, agent: b}]",
        "{maxUnproven: 3}",
        "{spec: {mode: Pool, slots: 3}}",
        "{timeoutSeconds: 3, retry: {limit: 2}}",
    ],
)
def test_a_field_that_exists_is_known(piece: str) -> None:
    assert unknown(yaml.safe_load(piece)) == []
