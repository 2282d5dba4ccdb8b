"""The workflows of the hosted CI: valid, and bound to what they may do and run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from checks import repository as repo

Body = Mapping[str, Any]

WORKFLOWS = Path(".github/workflows")

_USES = re.compile(r"^\s*(?:- )?uses:\s*(?P<what>\S.*)$", re.M)
_PINNED = re.compile(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+(?:\.\d+)*")
_LOCAL = re.compile(r"\./(?P<path>\S+)")
_SECRET = re.compile(r"\bsecrets(?:\.|\[)")
_MAKE = re.compile(r"\bmake ((?:[\w-]+=\S+ )*)(?P<target>[a-z][\w-]*|\$\{\{ matrix\.\w+ \}\})")
_TARGET = re.compile(r"^([a-z][\w-]*):", re.M)
_CHECKOUT = "actions/checkout@"


def check_workflows() -> list[str]:
    """Return what actionlint and the house rules have against the workflows."""
    paths = sorted((repo.ROOT / WORKFLOWS).glob("*.yml"))
    targets = set(_TARGET.findall((repo.ROOT / "Makefile").read_text()))
    return actionlint(paths) + [
        f"{path.relative_to(repo.ROOT)}: {problem}"
        for path in paths
        for problem in problems_in(path.read_text(), targets)
    ]


def actionlint(paths: list[Path]) -> list[str]:
    """Return what actionlint has against workflow files."""
    # What it can call beside itself is not on every machine, and the outcome must not depend on it.
    alone = ["-shellcheck=", "-pyflakes=", "-no-color", "-oneline"]
    code, output, errors = repo.attempt([repo.binary("actionlint"), *alone, *map(str, paths)])
    if not code:
        return []
    said = [line for line in (output + errors).splitlines() if line.strip()]
    return said or [f"actionlint ended with {code}"]


def problems_in(text: str, targets: set[str]) -> list[str]:
    """Return what the house rules have against a workflow.

    Args:
        text: The workflow's file; comments count, as they say which version a pin is.
        targets: What the Makefile can make.
    """
    body: Body = yaml.safe_load(text)
    found = [*_unpinned(text)]
    if _SECRET.search(text):
        found.append("reads a secret; the built-in token is `github.token`")
    if "permissions" not in body:
        found.append("has no `permissions`; begin with `permissions: {}`")
    if _writes(body.get("permissions")):
        found.append("may write in every job; give a job what it needs")
    for name, job in body["jobs"].items():
        found += [f"job {name} {problem}" for problem in _job_problems(job, targets)]
    return found


def _unpinned(text: str) -> Iterator[str]:
    for use in _USES.finditer(text):
        what = use["what"].strip()
        local = _LOCAL.fullmatch(what)
        if local is None and not _PINNED.fullmatch(what):
            yield f"`uses: {what}`: name a full commit and, in a comment, its version"
        if local and not (repo.ROOT / local["path"]).exists():
            yield f"`uses: {what}`: there is no such file"


def _job_problems(job: Body, targets: set[str]) -> Iterator[str]:
    if not isinstance(job.get("permissions"), Mapping):
        yield "does not name its permissions one by one"
    if "uses" not in job and "timeout-minutes" not in job:
        yield "has no `timeout-minutes`"
    for step in job.get("steps", ()):
        checks_out = str(step.get("uses", "")).startswith(_CHECKOUT)
        if checks_out and (step.get("with") or {}).get("persist-credentials") is not False:
            yield "leaves its token in the checkout; set `persist-credentials: false`"
        yield from _unknown_targets(step.get("run", ""), job, targets)


def _unknown_targets(script: str, job: Body, targets: set[str]) -> Iterator[str]:
    for found in _MAKE.finditer(script):
        for target in _meant(found["target"], job):
            if target not in targets:
                yield f"runs `make {target}`, which the Makefile does not know"


def _meant(target: str, job: Body) -> list[str]:
    """The targets that a word stands for: itself, or each value of the matrix that it names."""
    if not target.startswith("$"):
        return [target]
    key = target.strip("${} ").partition(".")[2]
    values: list[str] = job["strategy"]["matrix"][key]
    return values


def _writes(permissions: Any) -> bool:
    if isinstance(permissions, str):
        return permissions != "read-all"
    return "write" in (permissions or {}).values()
