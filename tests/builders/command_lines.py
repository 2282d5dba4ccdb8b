"""Whether a command of a document is one that its program would take, without running it."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import click
import yaml

from builders.documents import ROOT, Command
from cluster.cli import parser as cluster_parser
from kubectl_spectra.main import program
from profiling.cli import parser as profiling_parser
from release.cli import parser as release_parser

_SUBSTITUTION = re.compile(r"\$\(((?:[^()]|\([^()]*\))*)\)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_ENDS = frozenset({"|", "||", "&&", ";", "&", "|&"})
_KEYWORDS = frozenset({"do", "then", "else", "{", "("})
_VERBS = {
    *("annotate", "apply", "auth", "config", "create", "delete", "describe", "drain", "edit"),
    *("exec", "explain", "get", "label", "logs", "patch", "port-forward", "rollout", "scale"),
    *("top", "wait", "version"),
}
_SHELL = ("cat", "cd", "dirname", "done", "echo", "eval", "export", "for", "grep", "head", "jq")
_SHELL_TOO = ("source", "xargs")
_FOREIGN = ("buildah", "ctr", "curl", "dot", "gh", "nsenter", "pip", "sha256sum", "skopeo")
"""Programs that are not the project's and not on every machine."""


class UnknownCommandError(ValueError):
    """A command that its program would not take; the text says why."""


def check(command: Command) -> None:
    """See that each program of a command line would take what it is given.

    Raises:
        UnknownCommandError: One would not.
    """
    for words in simple_commands(command.text):
        try:
            _check_words(words)
        except UnknownCommandError as error:
            raise UnknownCommandError(f"{command.place}: {shlex.join(words)}: {error}") from None


def simple_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each program that a command line runs, those in `$(...)` too."""
    while found := _SUBSTITUTION.search(text):
        yield from simple_commands(found[1])
        text = f"{text[: found.start()]}_{text[found.end() :]}"
    text = re.sub(r"<\((.*?)\)", r"; \1", text.replace("\\\n", " "))
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split, lexer.commenters = True, "#"
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in _ENDS:
            words.append(word)
            continue
        while words and (words[0] in _KEYWORDS or _ASSIGNMENT.fullmatch(words[0])):
            words = words[1:]
        if words:
            yield words
        words = []


def spectra_words(words: Sequence[str]) -> list[str] | None:
    """Return what is given to `kubectl spectra`; None if it is another program."""
    if words[0] == "kubectl-spectra":
        return list(words[1:])
    return list(words[2:]) if list(words[:2]) == ["kubectl", "spectra"] else None


def _check_words(words: list[str]) -> None:
    ours = spectra_words(words)
    if ours is not None:
        _click(program, ours, "kubectl spectra")
        return
    name = words[0].rpartition("/")[2]
    if name in _CHECKS:
        _CHECKS[name](words[1:])
    elif name not in (*_SHELL, *_SHELL_TOO, *_FOREIGN) and not name.startswith("_"):
        raise UnknownCommandError(f"{name} is no program that the documents are known to use")


def _click(group: click.Group, words: Sequence[str], path: str) -> None:
    if not words or words[0] not in group.commands:
        raise UnknownCommandError(f"{path} has no command {' '.join(words[:1])}")
    command = group.commands[words[0]]
    if isinstance(command, click.Group):
        _click(command, words[1:], f"{path} {words[0]}")
        return
    context = click.Context(command, info_name=words[0])
    try:
        _, left, _ = command.make_parser(context).parse_args(list(words[1:]))
    except click.UsageError as error:
        raise UnknownCommandError(error.format_message()) from None
    if left:
        raise UnknownCommandError(f"{words[0]} takes no {' '.join(left)}")


def _kubectl(words: list[str]) -> None:
    verbs = (
        word
        for before, word in pairwise(["", *words])
        if not word.startswith("-") and before not in ("-n", "--namespace")
    )
    verb = next(verbs, "")
    if verb not in _VERBS:
        raise UnknownCommandError(f"kubectl has no verb {verb!r} that the documents use")
    for flag in ("-f", "-k"):
        for file in (after for before, after in pairwise(words) if before == flag):
            _exists(file)


def _helm(words: list[str]) -> None:
    if words[0] not in {"upgrade", "uninstall", "history", "rollback", "template", "test"}:
        raise UnknownCommandError(f"helm has no command {words[0]!r} that the documents use")
    values = _values()
    for before, after in pairwise(words):
        if before == "--set":
            _value(values, after.partition("=")[0])


@cache
def _values() -> Mapping[str, Any]:
    text = (ROOT / "helm" / "spectra-operator" / "values.yaml").read_text()
    found: Mapping[str, Any] = yaml.safe_load(text)
    return found


def _value(values: Mapping[str, Any], path: str) -> None:
    here: Any = values
    for part in path.split("."):
        if not isinstance(here, Mapping) or part not in here:
            raise UnknownCommandError(f"the chart has no value {path}")
        here = here[part]


def _make(words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = {word for word in words if "=" not in word}
    if wanted - targets:
        raise UnknownCommandError(f"the Makefile has no target {', '.join(wanted - targets)}")


def _pytest(words: list[str]) -> None:
    for word in words:
        if word.startswith("tests/"):
            _exists(word)


def _python(words: list[str]) -> None:
    if words[:1] != ["-m"]:
        raise UnknownCommandError("documents run modules: python -m NAME")
    module, rest = words[1], words[2:]
    parsers = {"cluster": cluster_parser, "profiling": profiling_parser, "release": release_parser}
    if module in parsers and not any(word.startswith("$") for word in rest):
        _argparse(parsers[module](), rest)
    elif module not in {*parsers, "images", "checks", "demo", "spectra_agent", "kubectl_spectra"}:
        raise UnknownCommandError(f"there is no module {module}")


def _argparse(parser: argparse.ArgumentParser, words: list[str]) -> None:
    try:
        parser.parse_args(words)
    except SystemExit as error:
        if error.code:
            raise UnknownCommandError(f"{parser.prog} does not take {words}") from None


def _exists(path: str) -> None:
    if path != "-" and not (ROOT / path).exists():
        raise UnknownCommandError(f"there is no {path}")


_CHECKS: Mapping[str, Callable[[list[str]], None]] = {
    "kubectl": _kubectl,
    "helm": _helm,
    "make": _make,
    "pytest": _pytest,
    "python": _python,
    "python3": _python,
}
