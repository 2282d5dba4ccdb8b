"""Which test runs the commands of which page. A new page with commands finds its place here."""

from __future__ import annotations

from collections.abc import Mapping

TYPED = ("operations", "troubleshooting", "security", "how-it-works")
"""Typed after the tutorial, on its cluster: they are about what it leaves."""

SUCCEEDING = ("logging", "tracing")
"""Typed there too, but what they show is from elsewhere: they only have to succeed."""

FOLLOWED: Mapping[str, tuple[str, ...]] = {
    "actions": ("examples/actions/workflow.yaml",),
    "changes": ("examples/plan/plan.yaml",),
    "history": (),
    "insight": ("examples/plan/plan.yaml",),
    "rollouts": ("docs/rollouts.md", "examples/replay/good.yaml"),
    "scaling": ("docs/scaling.md",),
    "schedules": (),
    "templates": ("examples/template/template.yaml",),
}
"""Run in a namespace of the shared cluster, after what stands in these files was applied; of a page
that is its first manifest. Only that they succeed is looked at: what they show belongs to a run in
the middle, which other tests have."""

ELSEWHERE: Mapping[str, str] = {
    "README": "tests/e2e/test_cli.py",  # and what needs no cluster, by tests/unit/documents
    "agents": "tests/unit/documents/test_documents_commands.py",
    "benchmarks": "tests/perf/test_dispatch.py",  # the commands are those of the tests themselves
    "cli": "tests/e2e/test_cli.py",  # and test_cli_actions.py, and tests/component/cli
    "cluster": "tests/e2e/conftest.py",  # every test on a cluster brings one up by them
    "debugging": "tests/unit/observability/test_health_server.py",  # a forward has no end
    "install": "tests/e2e/test_e2e_removal.py",  # and the harness, which installs by them
    "performance": "tests/perf/test_bench.py",
    "release": "tests/component/release/test_release.py",
    "selection": "tests/e2e/test_e2e_selection.py",
    "testing": "tests/e2e/conftest.py",
    "tutorial": "tests/e2e/test_tutorial.py",
}
"""Pages whose commands another test runs, as they stand or with names of its own."""
