"""Turns pydantic models into structural schemas as Kubernetes wants them.

Kubernetes' structural schemas know no `$ref`, no `null` type, no `const` and no `title`
(see "Specifying a structural schema" in the Kubernetes documentation). Defaults are left out on
purpose: an object in the cluster stays as its author wrote it, and the operator applies them.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_DROPPED = {"title", "default", "$defs", "propertyNames", "patternProperties", "const"}


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, camelCase, with descriptions and bounds."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(raw, raw.get("$defs", {}))


def _convert(node: Schema, definitions: dict[str, Schema]) -> Schema:
    node = _resolve(node, definitions)
    out: Schema = {}
    for key, value in node.items():
        if key in _DROPPED:
            continue
        if key == "properties":
            out[key] = {name: _convert(sub, definitions) for name, sub in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = _convert(value, definitions)
        elif key == "additionalProperties":
            continue
        elif key == "description":
            out[key] = " ".join(value.split())
        else:
            out[key] = value
    if "const" in node:
        out["enum"] = [node["const"]]
    if "patternProperties" in node:
        (value_schema,) = node["patternProperties"].values()
        out["additionalProperties"] = _convert(value_schema, definitions)
    return out


def _resolve(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Inline a reference and drop the null branch of an optional field."""
    own = {k: v for k, v in node.items() if k not in ("$ref", "anyOf", "allOf")}
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        return {**_resolve(target, definitions), **own}
    if "anyOf" in node:
        branches = [b for b in node["anyOf"] if b.get("type") != "null"]
        if len(branches) != 1:
            raise ValueError(f"a structural schema has no unions: {node['anyOf']}")
        return {**_resolve(branches[0], definitions), **own}
    return node
