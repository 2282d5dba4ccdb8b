"""The command line: `python -m checks all|generate|NAME`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from checks import files, generated, kinds, site, workflows
from checks import repository as repo
from cluster.errors import ClusterError
from release import versions
from release.errors import ReleaseError


def check_generated() -> list[str]:
    """Return the generated files that are not as `make generate` would write them."""
    with generated.produced() as fresh:
        return [
            f"{path}: is not what is generated; run `make generate` and commit it"
            for path in generated.differing(fresh)
        ]


def check_chart() -> list[str]:
    """Return what `helm lint --strict` has against the chart."""
    command = [repo.binary("helm"), "lint", "--strict", str(repo.ROOT / repo.CHART)]
    code, output, errors = repo.attempt(command)
    return [f"helm lint: {line}" for line in (output + errors).splitlines() if line] * bool(code)


def check_versions() -> list[str]:
    """Return the files that hold another version than pyproject.toml."""
    return versions.disagreements(repo.ROOT)


CHECKS: dict[str, Callable[[], list[str]]] = {
    "source-root": files.check_source_root,
    "words": files.check_words,
    "versions": check_versions,
    "workflows": workflows.check_workflows,
    "generated": check_generated,
    "chart": check_chart,
    "kinds": kinds.check_kinds,
    "site": site.check_site,
}


def main(arguments: Sequence[str]) -> int:
    """Run one check, all, or write the generated files; returns the exit code."""
    wanted = arguments[0] if arguments else "all"
    if wanted not in {"all", "generate", *CHECKS}:
        print(f"no check {wanted!r}; there are: all, generate, {', '.join(CHECKS)}")
        return 2
    try:
        if wanted == "generate":
            return _generate()
        return _check(CHECKS if wanted == "all" else {wanted: CHECKS[wanted]})
    except (repo.CheckError, ClusterError, ReleaseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _generate() -> int:
    changed = generated.generate()
    for path in changed:
        print(f"written: {path}")
    if not changed:
        print("all generated files are as they should be")
    return 0


def _check(checks: dict[str, Callable[[], list[str]]]) -> int:
    failed = False
    for name, check in checks.items():
        began = time.monotonic()
        problems = check()
        failed = failed or bool(problems)
        state = f"{len(problems)} problems" if problems else "ok"
        print(f"{name:<12} {state} ({time.monotonic() - began:.1f} s)")
        for problem in problems:
            print(f"  {problem}")
    for line in files.size_report():
        print(f"note: {line}; {files.MAX_LINES} is the house rule")
    return int(failed)
