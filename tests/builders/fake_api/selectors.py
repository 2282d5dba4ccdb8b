"""Label and field selectors, as predicates over objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from builders.fake_api.failure import ApiFailure

Predicate = Callable[[dict[str, Any]], bool]

_SET = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=,()]+)\s*(?P<op>==|!=|=)\s*(?P<value>[^\s!=,()]*)$")
_EXISTS = re.compile(r"^(?P<no>!?)\s*(?P<key>[^\s!=,()]+)$")
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")


def everything(_body: dict[str, Any]) -> bool:
    """Select every object."""
    return True


def selection(labels: str, fields: str) -> Predicate:
    """Return whether an object matches both selectors; empty ones match everything.

    Raises:
        ApiFailure: 400, a selector cannot be parsed.
    """
    if not labels and not fields:
        return everything
    label_terms = [_label_term(term.strip()) for term in _split(labels)]
    field_terms = [_field_term(term.strip()) for term in _split(fields)]

    def matches(body: dict[str, Any]) -> bool:
        own = body.get("metadata", {}).get("labels") or {}
        return all(term(own) for term in label_terms) and all(term(body) for term in field_terms)

    return matches


def _split(selector: str) -> list[str]:
    return _COMMA_OUTSIDE_PARENTHESES.split(selector) if selector.strip() else []


def _label_term(term: str) -> Predicate:
    if found := _SET.match(term):
        key = found["key"]
        values = {value.strip() for value in found["values"].split(",")}
        if found["op"] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.match(term):
        key, value = found["key"], found["value"]
        if found["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: key in labels and labels[key] == value
    if found := _EXISTS.match(term):
        key = found["key"]
        if found["no"]:
            return lambda labels: key not in labels
        return lambda labels: key in labels
    raise ApiFailure(400, "BadRequest", f"unable to parse requirement: {term!r}")


def _field_term(term: str) -> Predicate:
    found = _EQUAL.match(term)
    if not found:
        raise ApiFailure(400, "BadRequest", f"invalid field selector: {term!r}")
    path, value = found["key"].split("."), found["value"]
    if found["op"] == "!=":
        return lambda body: _at(body, path) != value
    return lambda body: _at(body, path) == value


def _at(body: dict[str, Any], path: list[str]) -> str:
    value: Any = body
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value)
