"""The document of the worker API says what the server does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from spectra_operator.dispatch import answers
from spectra_operator.dispatch.openapi import document, text
from spectra_operator.dispatch.refusal import dumped
from spectra_operator.dispatch.routes import CODES, ROUTES
from spectra_operator.engine.desk_calls import Orders, Work

ROOT = Path(__file__).resolve().parents[3]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a document."""
    children = node if isinstance(node, list) else []
    if isinstance(node, dict):
        yield node
        children = list(node.values())
    for child in children:
        yield from nodes(child)


def test_the_committed_document_is_the_one_that_the_code_makes() -> None:
    committed = (ROOT / "docs" / "openapi" / "worker-api.yaml").read_text()
    assert committed == text(), "run `make generate` and commit docs/openapi/worker-api.yaml"
    assert yaml.safe_load(committed) == document()


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    references = [node["$ref"] for node in nodes(whole) if "$ref" in node]
    assert len(references) > 30
    for reference in references:
        place: Any = whole
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_call_of_the_table_is_described_with_its_body_and_all_its_answers() -> None:
    paths = document()["paths"]
    assert list(paths) == [*(route.path for route in ROUTES), "/openapi.json"]
    for route in ROUTES:
        call = paths[route.path]["post"]
        assert call["requestBody"]["required"]
        assert set(call["responses"]) >= {"200", "400", "401", "403", "413", "421", "429", "503"}
        assert ("409" in call["responses"]) == ("{id}" in route.path)
    assert {code for code in CODES if code >= 500} == {500, 503}


def test_every_field_is_explained_and_bodies_take_no_others() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas.pop("JsonValue") == {}
    for name, schema in schemas.items():
        assert schema["description"], name
        for field, described in schema.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"
    for route in ROUTES:
        assert schemas[route.body.__name__]["additionalProperties"] is False
        assert schemas[route.answer.__name__].get("additionalProperties") is None


def test_names_are_written_in_camel_case() -> None:
    schemas = document()["components"]["schemas"].values()
    fields = {field for schema in schemas for field in schema.get("properties", {})}
    assert {"waitSeconds", "heartbeatSeconds", "timeoutSeconds", "inputTokens"} <= fields
    assert all(re.fullmatch(r"[a-z][A-Za-z]*", field) for field in fields)


def test_bounds_stand_in_the_document() -> None:
    claims = document()["components"]["schemas"]["ClaimsCall"]["properties"]
    assert (claims["slots"]["minimum"], claims["slots"]["maximum"]) == (1, 32)
    assert (claims["waitSeconds"]["minimum"], claims["waitSeconds"]["maximum"]) == (0, 30)
    assert claims["known"]["maxItems"] == 64


CLAIM = {
    "id": "flow-work-a-bcdfghjk",
    "epoch": 1,
    "key": "k",
    "workflow": "flow",
    "phase": "work",
    "task": "a",
    "index": None,
    "replay": False,
    "attempt": 1,
    "agent": "coder",
    "revision": "bcdf",
    "input": {"x": 1},
    "timeoutSeconds": None,
    "checkpoint": None,
    "traceparent": None,
}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_answers_are_as_their_models_describe_them(count: int) -> None:
    work = [Work("flow-work-a-bcdfghjk", 1, dumped(CLAIM))] * count

    claims = answers.ClaimsAnswer.model_validate_json(answers.claims_text(work, drain=True))
    assert [c.model_dump(by_alias=True) for c in claims.claims] == [CLAIM] * count
    assert (claims.drain, claims.heartbeat_seconds) == (True, 5)

    result = answers.ResultAnswer.model_validate_json(answers.result_text(work))
    assert len(result.claims) == count


def test_orders_are_as_their_model_describes_them() -> None:
    text = answers.heartbeat_text(Orders(("a", "b"), drain=False))
    orders = answers.HeartbeatAnswer.model_validate_json(text)
    assert (orders.cancel, orders.drain, orders.heartbeat_seconds) == (["a", "b"], False, 5)
