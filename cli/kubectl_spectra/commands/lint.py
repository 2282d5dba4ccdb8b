"""lint: what is wrong with manifests, without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from spectra_operator.core.lint.findings import Finding, Manifest
from spectra_operator.core.lint.lint import is_foreign
from spectra_operator.core.lint.lint import lint as findings_of

from .. import errors, manifests
from ..documents import STDIN, SUFFIXES, content_of
from ..errors import NotFound
from ..output import machine, machine_option
from ..session import Session
from .common import end


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(allow_dash=True)
)
@click.option("-W", "--warnings-as-errors", is_flag=True, help="Exit 1 for warnings, too.")
@machine_option()
@click.pass_obj
def lint(
    session: Session, files: tuple[str, ...], warnings_as_errors: bool, output: str | None
) -> None:
    """Check manifests offline, by the operator's own rules.

    FILE may be a folder, all of whose .yaml, .yml and .json files are read, or - for standard
    input. All files are one set: a workflow and the template it refers to may stand in different
    ones. Objects of other groups are left alone. The exit code is 1 if an error was found.
    """
    found = [file for name in files for file in _files(name)]
    objects, result = _check(found)
    if output:
        session.say(machine([asdict(finding) for finding in result], output))
    else:
        _print(session, result)
        session.note(_summary(result, objects, len(found)))
    wrong = any(finding.severity == "error" or warnings_as_errors for finding in result)
    end(errors.FAILED if wrong else errors.OK)


def _check(files: Iterable[str]) -> tuple[list[Manifest], list[Finding]]:
    result: list[Finding] = []
    objects: list[Manifest] = []
    for file in files:
        loaded = manifests.load(file, content_of(file))
        result += loaded.findings
        objects += loaded.manifests
    result += findings_of(objects)
    return objects, sorted(result, key=lambda f: (f.file, f.line, f.column))


def _files(name: str) -> Iterator[str]:
    path = Path(name)
    if name == STDIN or not path.is_dir():
        yield name
        return
    inside = sorted(str(file) for file in path.rglob("*") if file.suffix in SUFFIXES)
    if not inside:
        raise NotFound(f"{name}: holds no {', '.join(SUFFIXES)} file; name another folder")
    yield from inside


def _print(session: Session, result: list[Finding]) -> None:
    for finding in result:
        session.say(str(finding))


def _summary(result: list[Finding], objects: list[Manifest], files: int) -> str:
    """Return one line: what was found, and of how much; nothing checked is not nothing wrong."""
    bad = sum(finding.severity == "error" for finding in result)
    foreign = sum(map(is_foreign, objects))
    ours = len(objects) - foreign
    counts = [(bad, "error"), (len(result) - bad, "warning")]
    found = " and ".join(_counted(number, word) for number, word in counts if number)
    if not found:
        found = "nothing wrong" if ours else "nothing was checked"
    left = f", {_counted(foreign, 'object')} of other groups left alone" if foreign else ""
    more = "; there may be more when these are mended" if bad else ""
    return (
        f"{found}: {_counted(ours, 'object')} of Spectra in {_counted(files, 'file')}{left}{more}"
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
