"""The workflows of the hosted CI are held to rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from checks import repository as repo
from checks import workflows
from cluster import catalog

SHA = "a" * 40
GOOD = f"""\
name: x
on: [push]
permissions: {{}}
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read
    strategy:
      matrix:
        tier: [unit, component]
    steps:
      - uses: actions/checkout@{SHA} # v6.0.2
        with:
          persist-credentials: false
      - run: make ${{{{ matrix.tier }}}} WORKERS=4
      - run: sudo make check
"""
TARGETS = {"check", "unit", "component"}
NEEDS_HISTORY = re.compile(r"\bmake (?:unit|component|e2e-kind|\$\{\{ matrix\.tier \}\})")
"""Tests look at older versions, which they name by their commits; checks and releases do not."""


def test_a_workflow_that_keeps_the_rules_has_no_problem() -> None:
    assert workflows.problems_in(GOOD, TARGETS) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (f"@{SHA} # v6.0.2", "@v6", "name a full commit"),
        (" # v6.0.2", "", "name a full commit"),
        (f"{SHA}", "abc1234", "name a full commit"),
        (f"actions/checkout@{SHA} # v6.0.2", "./.github/gone.yml", "there is no such file"),
        ("permissions: {}\n", "", "has no `permissions`"),
        ("permissions: {}", "permissions: write-all", "may write in every job"),
        ("permissions: {}", "permissions: {contents: write}", "may write in every job"),
        ("    permissions:\n      contents: read\n", "", "job one does not name its permissions"),
        ("permissions:\n      contents: read", "permissions: read-all", "one does not name its"),
        ("    timeout-minutes: 5\n", "", "job one has no `timeout-minutes`"),
        ("persist-credentials: false", "fetch-depth: 0", "leaves its token in the checkout"),
        ("make check", "make chekc", "runs `make chekc`, which the Makefile does not know"),
        ("[unit, component]", "[unit, all]", "runs `make all`"),
        ("make check", "echo ${{ secrets.KEY }}", "reads a secret"),
    ],
)
def test_a_workflow_that_breaks_a_rule_is_told_of(before: str, after: str, problem: str) -> None:
    text = GOOD.replace(before, after)
    assert text != GOOD

    [said] = workflows.problems_in(text, TARGETS)

    assert problem in said


def test_actionlint_finds_what_is_no_workflow(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.yml", tmp_path / "good.yml"
    good.write_text(GOOD)
    bad.write_text(GOOD.replace("runs-on: ubuntu-24.04", "runs_on: ubuntu-24.04"))

    assert workflows.actionlint([good]) == []
    assert any("runs_on" in line for line in workflows.actionlint([bad]))


def test_the_workflows_of_this_repository_keep_the_rules() -> None:
    assert workflows.check_workflows() == []


def test_there_is_a_workflow_for_checks_tests_clusters_and_releases() -> None:
    names = {path.stem for path in (repo.ROOT / workflows.WORKFLOWS).glob("*.yml")}

    assert names == {"check", "test", "kind", "release"}


def test_kind_runs_on_the_oldest_kubernetes_of_the_chart_and_the_newest_of_the_checks() -> None:
    jobs = yaml.safe_load((repo.ROOT / workflows.WORKFLOWS / "kind.yml").read_text())["jobs"]
    matrix = jobs["e2e"]["strategy"]["matrix"]["kubernetes"]
    chart = yaml.safe_load((repo.ROOT / repo.CHART / "Chart.yaml").read_text())
    oldest = re.search(r">=(\d+\.\d+)", chart["kubeVersion"])
    newest = re.match(r"v(\d+\.\d+)", catalog.version(catalog.KUBERNETES))
    assert oldest
    assert newest

    assert [row["version"] for row in matrix] == [oldest[1], newest[1]]
    for row in matrix:
        assert re.fullmatch(
            rf"kindest/node:v{row['version']}\.\d+@sha256:[0-9a-f]{{64}}", row["image"]
        )


def test_only_the_job_that_publishes_may_write_contents() -> None:
    jobs = yaml.safe_load((repo.ROOT / workflows.WORKFLOWS / "release.yml").read_text())["jobs"]

    writers = {name for name, job in jobs.items() if job["permissions"].get("contents") == "write"}
    builders = {name for name, job in jobs.items() if "make release" in str(job.get("steps"))}
    assert (writers, builders) == ({"publish"}, {"build"})
    assert jobs["build"]["permissions"] == {"contents": "read"}


def test_history_is_fetched_for_tests_and_for_nothing_else() -> None:
    fetched, needed = set(), set()
    for path in (repo.ROOT / workflows.WORKFLOWS).glob("*.yml"):
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            steps = job.get("steps", ())
            if any(step.get("with", {}).get("fetch-depth") == 0 for step in steps):
                fetched.add((path.stem, name))
            if any(NEEDS_HISTORY.search(step.get("run", "")) for step in steps):
                needed.add((path.stem, name))

    assert fetched == needed == {("test", "test"), ("kind", "e2e")}
