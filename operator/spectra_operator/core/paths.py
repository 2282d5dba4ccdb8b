"""`${...}` paths in inputs: parse, list what they refer to, resolve, and freeze.

A path is a root (`parameters`, `tasks`, `phases`) and steps: `.name` or `[0]`. A string that is
exactly one path takes the type of what it names; otherwise the value is put into the text.
`$${` stands for a literal `${`, and `${$}` for a literal `$` right before a path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ROOTS = ("parameters", "tasks", "phases")

_TOKEN = re.compile(r"\$\$\{|\$\{\$\}|\$\{([^{}]*)\}")
_LITERALS = {"$${": "${", "${$}": "$"}
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*|\[[0-9]{1,5}\])*")
_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*|\[[0-9]+\]")
_MAX_STEPS = 16


class PathError(ValueError):
    """A path is malformed, or names something that is not there."""


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path, such as ("tasks", "schema", "outputs", "ddl") or (..., 0)."""

    steps: tuple[str | int, ...]

    @property
    def root(self) -> str:
        """The first step."""
        return str(self.steps[0])

    def __str__(self) -> str:
        text = self.root
        for step in self.steps[1:]:
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
        return text


Resolver = Callable[[Path], Any]
"""Returns the value of a path, or raises PathError."""


def parse(source: str) -> Path:
    """Parse the inside of `${...}`.

    Raises:
        PathError: not a path, or its root is unknown.
    """
    source = source.strip()
    if not _PATH.fullmatch(source):
        raise PathError(f"${{{source}}} is not a path such as ${{parameters.NAME}}")
    steps = tuple(int(s[1:-1]) if s[0] == "[" else s for s in _STEP.findall(source))
    if steps[0] not in ROOTS:
        raise PathError(f"${{{source}}} must begin with one of {', '.join(ROOTS)}")
    if not 2 <= len(steps) <= _MAX_STEPS:
        raise PathError(f"${{{source}}} must have 2 to {_MAX_STEPS} steps")
    return Path(steps)


def references(value: Any) -> Iterator[Path]:
    """Yield every path in a value, however deep.

    Raises:
        PathError: a malformed path.
    """
    if isinstance(value, str):
        for match in _TOKEN.finditer(value):
            if match.group(1) is not None:
                yield parse(match.group(1))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolve(value: Any, resolver: Resolver) -> Any:
    """Return the value with every path and every escape replaced by what it stands for.

    Raises:
        PathError: a path names something that is not there.
    """
    return _walk(value, lambda text: _fill(text, resolver))


def freeze(value: Any, resolver: Resolver) -> Any:
    """Return the value with its `phases` paths replaced and all else left for `resolve`.

    What comes from an agent may itself look like a path; it is escaped, so that it stays text.
    """
    return _walk(value, lambda text: _freeze_text(text, resolver))


def lookup(path: Path, value: Any, start: int) -> Any:
    """Follow the steps of a path from index `start` into a value.

    Raises:
        PathError: a step is not there.
    """
    for step in path.steps[start:]:
        value = _child(path, value, step)
    return value


def _child(path: Path, value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping) and step in value:
        return value[step]
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    raise PathError(f"${{{path}}}: there is no {step!r} in it")


def _walk(value: Any, change: Callable[[str], Any]) -> Any:
    if isinstance(value, str):
        return change(value) if "${" in value else value
    if isinstance(value, Mapping):
        return {key: _walk(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, change) for item in value]
    return value


def _fill(text: str, resolver: Resolver) -> Any:
    whole = _TOKEN.fullmatch(text)
    if whole and whole.group(1) is not None:
        return resolver(parse(whole.group(1)))

    def replace(match: re.Match[str]) -> str:
        literal = _LITERALS.get(match.group(0))
        return literal or _as_text(resolver(parse(match.group(1))))

    return _TOKEN.sub(replace, text)


def _freeze_text(text: str, resolver: Resolver) -> Any:
    whole = _TOKEN.fullmatch(text)
    if whole and whole.group(1) is not None:
        path = parse(whole.group(1))
        return _walk(resolver(path), _escape) if path.root == "phases" else text

    def replace(match: re.Match[str]) -> str:
        if match.group(1) is None:
            return match.group(0)
        path = parse(match.group(1))
        return _embed(_as_text(resolver(path))) if path.root == "phases" else match.group(0)

    return _TOKEN.sub(replace, text)


def _escape(text: str) -> str:
    return text.replace("${", "$${")


def _embed(text: str) -> str:
    """Escape a text and the `$` at its end, which would change what is written after it."""
    body = text.rstrip("$")
    return _escape(body) + "${$}" * (len(text) - len(body))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
