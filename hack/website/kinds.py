"""The reference of the API: for each kind all fields, with type, default, bounds and meaning."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from spectra_operator.api.constants import API_VERSION
from spectra_operator.api.crds import FIXED_BY_POLICY, KINDS, Kind
from spectra_operator.api.rules import refused_change
from website.markdown import cell, code, page, table

Schema = Mapping[str, Any]

TYPES_PAGE = "types"
_HEAD = ("Field", "Type", "Default", "Bounds", "Meaning")
_INT_OR_TEXT = "x-kubernetes-int-or-string"
_RANGES = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " entries"),
    ("minProperties", "maxProperties", " entries"),
)


def kind_pages() -> dict[str, str]:
    """Return the page of each kind, and the page of the types that several kinds use, by name."""
    book = Book()
    pages = {kind.kind.lower(): book.kind_page(kind) for kind in KINDS}
    return {**pages, TYPES_PAGE: book.types_page()}


class Book:
    """All types of the API, and on which page each of them stands."""

    def __init__(self) -> None:
        self._types: dict[str, Schema] = {}
        users: Counter[str] = Counter()
        for kind in KINDS:
            found = {**_definitions(kind.spec), **_definitions(kind.status)}
            self._types |= found
            users.update(list(found))
        self._home = {name: TYPES_PAGE for name, count in users.items() if count > 1}
        for kind in KINDS:
            own = {**_definitions(kind.spec), **_definitions(kind.status)}
            self._home |= {name: kind.kind.lower() for name in own if users[name] == 1}
        self._specs = {kind.spec.__name__: f"{kind.kind.lower()}.md#spec" for kind in KINDS}

    def kind_page(self, kind: Kind) -> str:
        """Return the page of a kind."""
        here = kind.kind.lower()
        names = f"`apiVersion: {API_VERSION}`, `kind: {kind.kind}`; in kubectl also `{kind.short}`."
        parts = [f"{cell(kind.description)} {names}", self._columns(kind)]
        for field, model in (("spec", kind.spec), ("status", kind.status)):
            schema = model.model_json_schema(by_alias=True)
            parts.append(f"## {field}\n\n{self._object(schema, here)}")
        rules = [message for _, message in (*kind.rules, *kind.spec_rules)]
        rules += [refused_change(name, here) for name in FIXED_BY_POLICY.get(kind.plural, ())]
        if rules:
            listed = "\n".join(f"- {cell(message)}" for message in rules)
            parts.append(f"## Rules\n\nThe API server refuses what breaks one of them.\n\n{listed}")
        return page(kind.kind, *parts, *self._sections(here))

    def types_page(self) -> str:
        """Return the page of the types that several kinds use."""
        text = "Types that more than one kind uses. Other types stand on the page of their kind."
        return page("Shared types", text, *self._sections(TYPES_PAGE))

    def _columns(self, kind: Kind) -> str:
        rows = [
            (
                cell(c.name),
                code(c.path),
                "`-o wide`" if c.priority else "always",
                cell(c.description),
            )
            for c in kind.columns
        ]
        return f"## Columns\n\n{table(('Column', 'Path', 'Shown', 'Meaning'), rows)}"

    def _sections(self, here: str) -> Iterator[str]:
        for name in sorted(self._types):
            schema = self._types[name]
            if self._home[name] == here and "enum" not in schema and name not in self._specs:
                yield f"## {name}\n\n{self._object(schema, here)}"

    def _object(self, schema: Schema, here: str) -> str:
        needed = schema.get("required", ())
        rows = [
            self._row(name, field, name in needed, here)
            for name, field in schema.get("properties", {}).items()
        ]
        said = " ".join(v["message"] + "." for v in schema.get("x-kubernetes-validations", ()))
        rules = f"Rules: {cell(said)}" if said else ""
        parts = (cell(schema.get("description", "")), table(_HEAD, rows), rules)
        return "\n\n".join(part for part in parts if part)

    def _row(self, name: str, field: Schema, needed: bool, here: str) -> tuple[str, ...]:
        plain = _without_null(field)
        kind = self._type(plain, here)
        meaning = cell(field.get("description", ""))
        return code(name), kind, _default(field, needed), self._bounds(plain), meaning

    def _type(self, schema: Schema, here: str) -> str:
        if "$ref" in schema:
            return self._link(_name_of(schema), here)
        if schema.get("type") == "array":
            return f"list of {self._type(schema.get('items', {}), here)}"
        value = _value_of(schema)
        if value is not None:
            return f"map of {self._type(value, here)}"
        return _simple_type(schema)

    def _link(self, name: str, here: str) -> str:
        if name in self._specs:
            return f"[{name}]({self._specs[name]})"
        if "enum" in self._types[name]:
            return "string"
        home = self._home[name]
        return f"[{name}]({'' if home == here else home + '.md'}#{name.lower()})"

    def _bounds(self, schema: Schema) -> str:
        """Return what values are allowed; of lists and maps also what their entries may be."""
        if "$ref" in schema:
            schema = self._types[_name_of(schema)]
            return _choices(schema.get("enum", ()))
        found = [_range(schema.get(low), schema.get(high), of) for low, high, of in _RANGES]
        found = [*filter(None, [*found, _choices(schema.get("enum", [schema.get("const")]))])]
        if "pattern" in schema:
            found.append(f"matches {code(schema['pattern'])}")
        inner = schema.get("items") or _value_of(schema)
        of_entries = self._bounds(inner) if inner else ""
        found += [f"each {of_entries}"] if of_entries else []
        return ", ".join(found)


def _definitions(model: type[BaseModel]) -> dict[str, Schema]:
    found: dict[str, Schema] = model.model_json_schema(by_alias=True).get("$defs", {})
    return found


def _without_null(schema: Schema) -> Schema:
    """Return a field's schema without the branch that only says that it may be left out."""
    branches = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if not branches:
        return schema
    return {**{k: v for k, v in schema.items() if k != "anyOf"}, **branches[0]}


def _name_of(schema: Schema) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def _value_of(schema: Schema) -> Schema | None:
    value = schema.get("additionalProperties")
    if isinstance(value, Mapping):
        return value
    return next(iter(schema.get("patternProperties", {}).values()), None)


def _simple_type(schema: Schema) -> str:
    if "enum" in schema or "const" in schema:
        return "string"
    if schema.get(_INT_OR_TEXT):
        return "integer or percentage"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "any value"))


def _range(least: float | None, most: float | None, of: str) -> str:
    if most is None:
        return f"at least {least}{of}" if least else ""
    return (
        f"at most {most}{of}" if of and not (least and least > 1) else f"{least or 0} to {most}{of}"
    )


def _choices(values: Any) -> str:
    return ", ".join(code(str(value)) for value in values if value is not None)


def _default(field: Schema, needed: bool) -> str:
    if needed:
        return "required"
    value = field.get("default")
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if each not in (None, [], {})}
    return "" if value in (None, [], {}, "") else code(json.dumps(value))
