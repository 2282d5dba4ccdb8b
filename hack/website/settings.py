"""The reference of the operator's settings."""

from __future__ import annotations

import ast
import dataclasses
import inspect

from spectra_operator import config
from website.markdown import cell, code, page, table

_INTRO = (
    "The operator reads its settings from environment variables. The chart sets those that its "
    "values name; others go into `env` of a patched Deployment. One that cannot be used ends the "
    "operator at its start, with a message that names the variable."
)
_OF_PROCESS = {"identity": "host name and eight letters"}
"""Defaults that differ from process to process."""


def settings_page() -> str:
    """Return the page of all settings."""
    meanings = attribute_docs(config.Config)
    rows = [
        (code(config.PREFIX + f.name.upper()), _default(f), _bounds(f.name), cell(meanings[f.name]))
        for f in dataclasses.fields(config.Config)
    ]
    return page("Settings", _INTRO, table(("Variable", "Default", "Values", "Meaning"), rows))


def attribute_docs(cls: type[object]) -> dict[str, str]:
    """Return the text below each attribute of a class, by the attribute's name."""
    [body] = ast.parse(inspect.getsource(cls)).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    name = ""
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
            found[name], name = str(node.value.value), ""
    return found


def _default(field: dataclasses.Field[object]) -> str:
    if field.name in _OF_PROCESS:
        return _OF_PROCESS[field.name]
    value = field.default
    return "empty" if value in ("", ()) else code(str(value))


def _bounds(name: str) -> str:
    if name in config._RANGES:
        least, most = config._RANGES[name]
        return f"{least:g} to {most:g}"
    return ", ".join(code(word) for word in config._WORDS.get(name, ()))
