"""Values given as name=value on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from spectra_operator.core.suggestions import listed

from .errors import UsageProblem

_TEXT = "string"


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return names and their values as written.

    Raises:
        UsageProblem: One is not written name=value, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageProblem(f"{option} {text!r}: write name=value")
        if name in found:
            raise UsageProblem(f"{option} {name}: is given twice; give it once")
        found[name] = value
    return found


def as_json(text: str) -> Any:
    """Return what JSON says, and anything else as the string that it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def typed(name: str, text: str, kind: str) -> Any:
    """Return a value of a declared type; a string is taken as it is written.

    Raises:
        UsageProblem: It cannot be read.
    """
    if kind == _TEXT:
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise UsageProblem(f"-p {name}: {text!r} is no {kind}; write it as in YAML") from None


def with_values(parameters: Iterable[Mapping[str, Any]], given: Mapping[str, str]) -> list[Any]:
    """Return declared parameters with the values given laid over theirs.

    Raises:
        UsageProblem: A name is not declared; the text says which are.
    """
    declared = [dict(parameter) for parameter in parameters]
    names = [parameter["name"] for parameter in declared]
    for name in given:
        if name not in names:
            there = f"there are: {listed(names)}" if names else "the workflow declares none"
            raise UsageProblem(f"-p {name}: is not a parameter; {there}")
    for parameter in declared:
        name = parameter["name"]
        if name in given:
            parameter["value"] = typed(name, given[name], parameter.get("type", _TEXT))
    return declared
