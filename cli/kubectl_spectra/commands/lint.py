"""lint: what is wrong with manifests, without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from spectra_operator.core.lint.findings import Finding
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
    result = _check(found)
    if output:
        session.say(machine([asdict(finding) for finding in result], output))
    else:
        _print(session, found, result)
    wrong = any(finding.severity == "error" or warnings_as_errors for finding in result)
    end(errors.FAILED if wrong else errors.OK)


def _check(files: Iterable[str]) -> list[Finding]:
    result: list[Finding] = []
    objects = []
    for file in files:
        loaded = manifests.load(file, content_of(file))
        result += loaded.findings
        objects += loaded.manifests
    return sorted([*result, *findings_of(objects)], key=lambda f: (f.file, f.line, f.column))


def _files(name: str) -> Iterator[str]:
    path = Path(name)
    if name == STDIN or not path.is_dir():
        yield name
        return
    inside = sorted(str(file) for file in path.rglob("*") if file.suffix in SUFFIXES)
    if not inside:
        raise NotFound(f"{name}: holds no {', '.join(SUFFIXES)} file; name another folder")
    yield from inside


def _print(session: Session, files: list[str], result: list[Finding]) -> None:
    for finding in result:
        session.say(str(finding))
    bad = sum(finding.severity == "error" for finding in result)
    odd = len(result) - bad
    counts = [f"{n} {word}{'s' * (n != 1)}" for n, word in ((bad, "error"), (odd, "warning")) if n]
    where = f"{len(files)} file{'s' * (len(files) != 1)}"
    session.note(f"{' and '.join(counts) or 'nothing wrong'} in {where}")
