"""Reads manifests for the linter: YAML or JSON, with the line of every key.

What a file holds is not trusted: its size, the depth of its nesting and what its aliases expand
to are bounded before any object is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from spectra_operator.core.lint.findings import Finding, Manifest, Mark, Path, shown

MAX_BYTES = 5 * 1024 * 1024
"""Of one file; the API server takes requests of 3 MiB."""
MAX_DEPTH = 500
"""Levels of nesting; the API server takes more, and no spec works with as many as a hundred."""
MAX_NODES = 300_000
"""Values of one object, those that aliases repeat counted each time."""
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_BOOLEAN = "tag:yaml.org,2002:bool"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds.

    Attributes:
        manifests: Its objects.
        findings: What is wrong with it as YAML.
    """

    manifests: list[Manifest] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Reader(_Fast):  # type: ignore[misc]
    """Reads as kubectl does: a date is a text. The parser in C is twenty times as fast."""


_Reader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


# kubectl reads YAML 1.1 by its letter, where these are truth values; Python's parser does not.
_Reader.add_implicit_resolver(_BOOLEAN, re.compile(r"^[yYnN]$"), list("yYnN"))


class _Scalars(yaml.constructor.SafeConstructor):
    """Knows the words for a truth value that kubectl knows."""

    bool_values: ClassVar[dict[str, bool]] = {
        **yaml.constructor.SafeConstructor.bool_values,
        "y": True,
        "n": False,
    }


class _BadNodeError(Exception):
    """A node, or an event, that no object can be made of."""

    def __init__(self, node: Any, reason: str, message: str) -> None:
        super().__init__(message)
        self.mark = _mark(node)
        self.reason = reason


def load(file: str, content: bytes) -> Loaded:
    """Return the objects of a file; a List counts as its items, an empty document as nothing.

    Args:
        file: Its name, for messages.
        content: What is in it.
    """
    if len(content) > MAX_BYTES:
        text = f"has {len(content)} bytes, at most {MAX_BYTES} are read; split the file"
        return Loaded(findings=[Finding(file, 1, 1, "", "FileTooLarge", text)])
    try:
        text = content.decode("utf-8-sig")
        _check_depth(text)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        said = f"is no UTF-8 at byte {error.start}; save the file as UTF-8"
        return Loaded(findings=[Finding(file, line, 1, "", "NotText", said)])
    except yaml.MarkedYAMLError as error:
        return Loaded(findings=[_syntax(file, error)])
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        said = "has a character that YAML does not allow; remove it"
        return Loaded(findings=[Finding(file, line, 1, "", "InvalidYaml", said)])
    except _BadNodeError as error:
        return Loaded(findings=[Finding(file, *error.mark, "", error.reason, str(error))])
    return _documents(file, text)


def _check_depth(text: str) -> None:
    """Walk the events, which needs no stack, before nodes are made, which does.

    Raises:
        _BadNodeError: The nesting is too deep.
        yaml.YAMLError: It is no YAML.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Reader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            said = f"nests deeper than {MAX_DEPTH} levels; make it flatter"
            raise _BadNodeError(event, "TooDeep", said)


def _documents(file: str, text: str) -> Loaded:
    loaded = Loaded()
    try:
        for node in yaml.compose_all(text, Loader=_Reader):
            if node is None or _is_empty(node):
                continue
            builder = _Builder()
            body = builder.value(node, ())
            loaded.findings.extend(
                Finding(file, *mark, shown(path, body), reason, message)
                for mark, path, reason, message in builder.told
            )
            loaded.manifests.extend(_items(file, body, builder.marks))
    except yaml.MarkedYAMLError as error:
        loaded.findings.append(_syntax(file, error))
    except _BadNodeError as error:
        loaded.findings.append(Finding(file, *error.mark, "", error.reason, str(error)))
    return loaded


class _Builder:
    """Makes JSON data of nodes, and notes where each key and entry stands."""

    def __init__(self) -> None:
        self._nodes = 0
        self._scalars = _Scalars()
        self._inside: set[int] = set()
        self.marks: dict[Path, Mark] = {}
        self.told: list[tuple[Mark, Path, str, str]] = []

    def value(self, node: yaml.Node, path: Path) -> Any:
        """Return the value of a node.

        Raises:
            _BadNodeError: It holds itself, is too large, or is nothing that JSON has.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES:
            said = f"stands for more than {MAX_NODES} values; write fewer aliases or entries"
            raise _BadNodeError(node, "TooManyValues", said)
        self.marks.setdefault(path, _mark(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._inside:
            raise _BadNodeError(node, "AliasLoop", "holds itself; remove the alias")
        self._inside.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, n)) for n, item in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._inside.discard(id(node))

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                found = self._merged(value_node, path) | found
                continue
            key = self._key(key_node)
            where = (*path, key)
            if key_node.tag == _BOOLEAN and key.lower() not in ("true", "false"):
                said = f"kubectl reads the key {key} as a truth value; put it in quotes"
                self._tell(key_node, where, "KeyNotText", said)
            if key in found and where in self.marks:
                line = self.marks[where][0]
                said = f"stands in line {line} already; only one of them would count"
                self._tell(key_node, where, "DuplicateKey", f"{said}, remove the other")
            self.marks[where] = _mark(key_node)
            found[key] = self.value(value_node, where)
        return found

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[str, Any] = {}
        for part in parts:
            value = self.value(part, path)
            if not isinstance(value, dict):
                raise _BadNodeError(part, "InvalidYaml", "only a mapping can be merged with <<")
            found = value | found
        return found

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _BadNodeError(node, "InvalidYaml", "a key must be text; write it as a value")
        value = self._scalar(node)
        return value if isinstance(value, str) else str(node.value)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            value = self._scalars.construct_object(node)
        except (ValueError, OverflowError, yaml.YAMLError) as error:
            said = f"{str(node.value)[:40]!r} cannot be read as {node.tag.rsplit(':', 1)[-1]}"
            raise _BadNodeError(node, "InvalidYaml", f"{said}; put it in quotes") from error
        if isinstance(value, bytes | set):
            raise _BadNodeError(node, "InvalidYaml", "is nothing that JSON has; write text")
        return value

    def _tell(self, node: yaml.Node, path: Path, reason: str, message: str) -> None:
        self.told.append((_mark(node), path, reason, message))


def _items(file: str, body: Any, marks: dict[Path, Mark]) -> Iterator[Manifest]:
    """Yield the object, or those of a List."""
    is_list = isinstance(body, dict) and body.get("kind") == "List"
    if not is_list or not isinstance(body.get("items"), list):
        yield Manifest(file, body, marks)
        return
    for index, item in enumerate(body["items"]):
        top: Path = ("items", index)
        below = {path[2:]: mark for path, mark in marks.items() if path[:2] == top}
        yield Manifest(file, item, below)


def _mark(node: Any) -> Mark:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _syntax(file: str, error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = " ".join(str(part) for part in (error.context, error.problem) if part)
    text = f"is no YAML: {said}; check quotes, colons and indentation"
    return Finding(file, line, column, "", "InvalidYaml", text)
