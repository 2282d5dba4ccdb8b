"""The document that describes the worker API, made of its models and its table of calls."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .answers import Error
from .auth import AUDIENCE
from .models import ID_PATTERN
from .routes import CODES, COMMON_CODES, DOCUMENT_PATH, ROUTES, Route

HEADER = "# Generated from operator/spectra_operator/dispatch by `make generate`. Do not edit.\n"
_REF = "#/components/schemas/"
_INFO = {
    "title": "Spectra worker API",
    "version": "1",
    "summary": "How a worker of an agent in mode Pool gets its work and brings results back, and "
    "how an attempt in mode Pod says how it is getting on.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


def document() -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    paths: dict[str, Any] = {route.path: {"post": _operation(route)} for route in ROUTES}
    paths[DOCUMENT_PATH] = {"get": _own_operation()}
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "parameters": {"Instance": _INSTANCE, "Id": _ID},
            "responses": {f"Error{code}": _error(code, text) for code, text in CODES.items()},
            "securitySchemes": {"token": _TOKEN},
        },
    }


def text() -> str:
    """Return the document as YAML."""
    return HEADER + yaml.safe_dump(document(), sort_keys=False, width=100, allow_unicode=True)


_INSTANCE = {
    "name": "Spectra-Instance",
    "in": "header",
    "required": True,
    "description": "Which process calls: any text that no other start of the worker uses.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[ -~]+$"},
}
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "Id of the claim.",
    "schema": {"type": "string", "pattern": ID_PATTERN},
}
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": f"Projected service account token of the pod, for the audience {AUDIENCE}.",
}


def _operation(route: Route) -> dict[str, Any]:
    parameters = [{"$ref": "#/components/parameters/Instance"}]
    if "{id}" in route.path:
        parameters.append({"$ref": "#/components/parameters/Id"})
    codes = sorted((*COMMON_CODES, *route.own_codes))
    errors = {str(code): {"$ref": f"#/components/responses/Error{code}"} for code in codes}
    return {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.text,
        "parameters": parameters,
        "requestBody": {"required": True, "content": _json(route.body)},
        "responses": {
            "200": {"description": "Done.", "content": _json(route.answer)},
            **errors,
        },
    }


def _own_operation() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "document",
        "summary": "Return this document",
        "security": [],
        "responses": {"200": {"description": "This document.", "content": content}},
    }


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF + model.__name__}}}


def _error(code: int, description: str) -> dict[str, Any]:
    response: dict[str, Any] = {"description": description, "content": _json(Error)}
    if code in (429, 503):
        schema = {"type": "integer", "minimum": 1}
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": schema}}
    return response


def _schemas() -> dict[str, Any]:
    said = models_json_schema(
        [(route.body, "validation") for route in ROUTES], ref_template=_REF + "{model}"
    )[1]
    models: list[type[BaseModel]] = [*(route.answer for route in ROUTES), Error]
    answered = models_json_schema(
        [(model, "serialization") for model in models], ref_template=_REF + "{model}"
    )[1]
    schemas: dict[str, Any] = said["$defs"] | answered["$defs"]
    return dict(sorted(schemas.items()))
