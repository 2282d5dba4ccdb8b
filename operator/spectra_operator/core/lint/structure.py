"""Checks an object against its schema as the API server does, and stricter: unknown fields too.

The API server drops fields that it does not know, so a misspelt one would silently do nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from ...api.common import DNS_LABEL, QUANTITY
from ...api.schema import Schema, structural_schema
from ..spec.problems import shown
from ..suggestions import suggestion
from .findings import Path

LARGEST = 2**63
MAX_FOUND = 50
"""Things wrong in the structure of one object that are told; the rest follows from them or not."""


class Wrong(NamedTuple):
    """Something wrong at a place of a spec."""

    path: Path
    reason: str
    message: str


@lru_cache(maxsize=32)
def schema_of(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, which is what the API server checks."""
    return structural_schema(model)


def structure_problems(spec: Any, model: type[BaseModel]) -> list[Wrong]:
    """Return what is wrong with the structure of a spec that is not too deep.

    Args:
        spec: JSON data.
        model: What it should be.
    """
    if spec is None:
        return [Wrong((), "MissingField", "is missing; give it")]
    numbers = list(_numbers(spec, ()))
    if numbers:
        return numbers[:MAX_FOUND]
    found = list(_nulls(spec, schema_of(model), ()))
    try:
        model.model_validate_json(json.dumps(spec), strict=True, extra="forbid", by_name=False)
    except ValidationError as error:
        told = {wrong.path for wrong in found}
        for each in error.errors(include_url=False)[:MAX_FOUND]:
            wrong = _wrong(each, schema_of(model))
            if wrong.path not in told:
                found.append(wrong)
    return found[:MAX_FOUND]


def _numbers(value: Any, path: Path) -> Iterator[Wrong]:
    """Find numbers that JSON, or the API server, cannot hold."""
    if isinstance(value, float) and not math.isfinite(value):
        text = f"is {value}, which JSON cannot hold; write a number, or quote it as text"
        yield Wrong(path, "InvalidNumber", text)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= LARGEST:
        text = "has more than 63 bits and would be rounded; quote it as text"
        yield Wrong(path, "InvalidNumber", text)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, index))


def _nulls(value: Any, schema: Schema, path: Path) -> Iterator[Wrong]:
    """Find nulls where the API server takes none; the models take them for absent fields."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    if value is None:
        yield Wrong(path, "Null", "is null; leave the field out, or give it a value")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            below = _below(schema, key)
            if below is not None:
                yield from _nulls(item, below, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nulls(item, schema.get("items", {}), (*path, index))


def _below(schema: Schema, key: str) -> Schema | None:
    found: Schema | None = schema.get("properties", {}).get(key)
    if found is None and isinstance(schema.get("additionalProperties"), dict):
        found = schema["additionalProperties"]
    return found


def _wrong(error: Any, schema: Schema) -> Wrong:
    path = tuple(step for step in error["loc"] if step != "[key]")
    kind, value = error["type"], error.get("input")
    match kind:
        case "extra_forbidden":
            found = ("UnknownField", f"there is no such field; {_near(path, schema)}")
        case "missing":
            found = ("MissingField", "is missing; give it")
        case "enum" | "literal_error":
            found = ("InvalidValue", _choice(value, _at(path, schema)))
        case "string_pattern_mismatch":
            found = ("InvalidValue", _pattern(value, str(error["ctx"]["pattern"])))
        case _ if kind in _BOUNDS:
            bounds = {"n": _size(value)} | error["ctx"]
            found = ("OutOfBounds", _BOUNDS[kind].format(**bounds))
        case _ if kind in _TYPES:
            text = f"is {_short(value)}, not {_TYPES[kind]}; {_fix(kind, value, path)}"
            found = ("WrongType", text)
        case _:
            text = str(error["msg"]).removeprefix("Value error, ")
            found = ("InvalidValue", f"is {_short(value)}; {text[:1].lower()}{text[1:]}")
    return Wrong(path, *found)


_BOUNDS = {
    "string_too_long": "has {n} characters, at most {max_length} work; shorten it",
    "string_too_short": "is empty; write at least {min_length} character",
    "too_long": "has {actual_length} entries, at most {max_length} work; use fewer",
    "too_short": "has {actual_length} entries, at least {min_length} is needed; add one",
    "greater_than_equal": "is {n}, must be {ge} or more; make it larger",
    "less_than_equal": "is {n}, must be {le} or less; make it smaller",
}
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of this size",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "datetime_type": "a time such as 2026-01-31T12:00:00Z",
}

_BOOLEAN = re.compile("true|false", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_DURATION = re.compile(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?", re.ASCII)
_FORMS = {
    DNS_LABEL: "use a-z, 0-9 and -, and begin and end with a letter or a digit",
    QUANTITY: "write a number and a unit, such as 50m or 1Gi",
}


def _near(path: Path, schema: Schema) -> str:
    around = _at(path[:-1], schema)
    return suggestion(str(path[-1]), list((around or {}).get("properties", {})))


def _at(path: Path, schema: Schema) -> Schema | None:
    found: Schema | None = schema
    for step in path:
        if found is None:
            return None
        found = found.get("items") if isinstance(step, int) else _below(found, step)
    return found


def _choice(value: Any, schema: Schema | None) -> str:
    allowed = [str(each) for each in (schema or {}).get("enum", ())]
    text = f"is {_short(value)}, not one of {', '.join(allowed)}"
    near = suggestion(str(value), allowed)
    return f"{text}; {near}" if near.startswith("did") else f"{text}; write one of them"


def _pattern(value: Any, pattern: str) -> str:
    words = _FORMS.get(pattern, f"it must match {pattern}")
    return f"is {_short(value)}; {words}"


def _fix(kind: str, value: Any, path: Path) -> str:
    """Return what to write instead of a value of a wrong type."""
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes"
    if not isinstance(value, str) or kind not in ("int_type", "bool_type"):
        return "change it"
    if not value[:16].strip():
        return "give a value"
    if _BOOLEAN.fullmatch(value) if kind == "bool_type" else _WHOLE.fullmatch(value):
        return "write it without quotes"
    return "write one of them" if kind == "bool_type" else _number(value, str(path[-1]))


def _number(value: str, field: str) -> str:
    if field.endswith("Seconds"):
        return f"write seconds, such as {_seconds(value)}"
    return "write a whole number, such as 2"


def _seconds(text: str) -> int:
    """Return the seconds that a text such as 5m or 1h30m means; else a usual number of them."""
    parts = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (int(part or 0) for part in parts.groups()) if parts else (0, 0, 0)
    return hours * 3600 + minutes * 60 + seconds or 300


def _size(value: Any) -> Any:
    return len(value) if isinstance(value, str) else value


def _short(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return "a list" if isinstance(value, list) else "a mapping"
    return shown(value)
