"""JSON schemas of Kubernetes' own kinds, so that kubeconform works without a network.

They are made from the OpenAPI document inside the Kubernetes module, as strict and
self-contained files under the names that kubeconform expects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cluster import catalog
from cluster.binaries import module_source
from cluster.console import Console

GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"
REFERENCE_PREFIX = "#/definitions/"
# Kinds of JSON that the OpenAPI document describes as strings.
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}


def file_name(group: str, version: str, kind: str) -> str:
    """Return the file name that kubeconform looks for, such as ``deployment-apps-v1.json``."""
    short = f"{group.split('.', maxsplit=1)[0]}-" if group else ""
    return f"{kind}-{short}{version}.json".lower()


def strict(schema: Any) -> Any:
    """Return a schema that refuses unknown fields, and takes null for optional ones."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    body = {key: strict(value) for key, value in schema.items() if not key.startswith("x-")}
    if "properties" not in schema:
        return body
    required = schema.get("required", [])
    # Apart from the rest: a field's own name may begin with "x-".
    fields = {name: strict(value) for name, value in schema["properties"].items()}
    body["properties"] = {
        name: value if name in required else nullable(value) for name, value in fields.items()
    }
    body.setdefault("additionalProperties", False)
    return body


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that takes null as well; one that names no type stays as it is."""
    if "type" not in schema:
        return schema
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*kinds, "null"]}


def references(schema: Any) -> Iterator[str]:
    """Return the names of the definitions that a schema refers to."""
    if isinstance(schema, list):
        for entry in schema:
            yield from references(entry)
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(REFERENCE_PREFIX)
        for value in schema.values():
            yield from references(value)


def closure(name: str, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions that ``name`` needs, directly or not.

    They take null, as most fields that refer to them are optional.
    """
    found: dict[str, Any] = {}
    open_names = list(references(definitions[name]))
    while open_names:
        current = open_names.pop()
        if current not in found:
            found[current] = nullable(definitions[current])
            open_names += references(definitions[current])
    return found


def schema_files(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the name and the schema of each kind in an OpenAPI version 2 document."""
    raw = document["definitions"]
    definitions = {name: SPECIAL.get(name, strict(body)) for name, body in raw.items()}
    for name, body in raw.items():
        for kind in body.get(GROUP_VERSION_KIND, []):
            group, version = kind["group"], kind["version"]
            schema = {**definitions[name], "definitions": closure(name, definitions)}
            api_version = f"{group}/{version}" if group else version
            schema["properties"] = {
                **schema.get("properties", {}),
                "apiVersion": {"type": "string", "enum": [api_version]},
                "kind": {"type": "string", "enum": [kind["kind"]]},
            }
            yield file_name(group, version, kind["kind"]), schema


def ensure(cache: Path, console: Console) -> Path:
    """Write the schemas unless they are there, and return the folder for kubeconform.

    Give kubeconform ``-schema-location FOLDER -strict -kubernetes-version VERSION``.

    Raises:
        BuildFailed: The Kubernetes module can't be downloaded.
    """
    version = catalog.version(catalog.KUBERNETES)
    target = cache / "schemas" / f"{version}-standalone-strict"
    if (target / ".complete").exists():
        return target.parent
    console.say(f"writing the JSON schemas of Kubernetes {version}")
    source = module_source(catalog.KUBERNETES) / "api" / "openapi-spec" / "swagger.json"
    target.mkdir(parents=True, exist_ok=True)
    for name, schema in schema_files(json.loads(source.read_text())):
        (target / name).write_text(json.dumps(schema))
    (target / ".complete").touch()
    return target.parent
