"""docs/cli.md against the program: nothing documented is missing, nothing is undocumented."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from builders.cluster import ROOT
from kubectl_spectra import errors
from kubectl_spectra.main import program

TEXT = (Path(ROOT) / "docs" / "cli.md").read_text()
FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command below a group."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name)


def examples() -> list[str]:
    """Return the command lines of the document, without what comes after a pipe or a comment."""
    lines = re.findall(r"^\$ (?:source <\()?kubectl spectra (.*)$", TEXT, re.MULTILINE)
    return [re.split(r" [|#>)]|\)", line)[0] for line in lines]


def flags_of(words: tuple[str, ...]) -> set[str]:
    """Return the options that a command's help names."""
    result = CliRunner().invoke(program, [*words, "--help"])
    assert result.exit_code == errors.OK
    options = result.output.partition("\nOptions:\n")[2]
    return set(FLAG.findall(options))


def command_of(words: list[str]) -> tuple[str, ...]:
    """Return the command that a line calls."""
    return next(found for found in commands(program) if tuple(words[: len(found)]) == found)


@pytest.mark.parametrize("line", examples())
def test_every_example_calls_a_command_with_flags_that_it_has(line: str) -> None:
    words = shlex.split(line)

    used = {word.partition("=")[0] for word in words if FLAG.fullmatch(word.partition("=")[0])}

    assert used - {"-5"} <= flags_of(command_of(words))


@pytest.mark.parametrize("words", list(commands(program)), ids=" ".join)
def test_every_command_has_an_example_and_all_its_flags_are_told(words: tuple[str, ...]) -> None:
    told = set(FLAG.findall(" ".join(re.findall(r"`([^`]*)`", TEXT))))
    called = {command_of(shlex.split(line)) for line in examples()}

    assert flags_of(words) - told <= {"-h", "--help"}
    assert words in called or f"`{' '.join(words)} NAME" in TEXT


def test_every_documented_flag_exists_in_some_command() -> None:
    told = set(re.findall(r"`(--?[A-Za-z][\w-]*)`", TEXT))

    assert told <= {flag for words in commands(program) for flag in flags_of(words)}


def test_every_exit_code_is_told() -> None:
    table = TEXT.partition("## Exit codes")[2].partition("## Look")[0]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}

    codes = {v for name, v in vars(errors).items() if name.isupper() and isinstance(v, int)}
    assert told == codes
