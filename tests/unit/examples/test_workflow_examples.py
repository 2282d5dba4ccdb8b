"""The examples of endings, actions, templates, patterns and workspaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import spectra_agent
from kubectl_spectra import manifests
from spectra_operator.core.lint.lint import lint
from unit.examples.example_runner import EXAMPLES, documents

ROOT = str(Path(spectra_agent.__file__).parent.parent)
FOLDERS = ("actions", "fallback", "finally", "patterns", "rollback", "template", "workspace")
FILES = sorted(path for folder in FOLDERS for path in (EXAMPLES / folder).glob("*.yaml"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def body(file: str, kind: str, name: str = "") -> dict[str, Any]:
    """The spec of an object of an example."""
    return next(
        found["spec"]
        for found in documents(EXAMPLES / file)
        if found["kind"] == kind and name in ("", found["metadata"].get("name"))
    )


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs the container command of an example's agent in a process of this machine."""

    def attempt(file: str, task: str, **given: Any) -> tuple[int, Any]:
        command = body(file, "Agent")["template"]["command"]
        result = tmp_path / "result"
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ROOT,
            "SPECTRA_TASK": task,
            "SPECTRA_INPUT": json.dumps(given),
            "SPECTRA_RESULT_PATH": str(result),
        }
        words = [sys.executable, *command[1:]]
        code = subprocess.run(words, env=env, capture_output=True, check=False).returncode
        told = json.loads(result.read_bytes())
        return code, told.get("outputs", {}) if code == 0 else told["message"]

    return attempt


def test_all_the_promised_examples_are_there() -> None:
    assert [name_of(path) for path in FILES] == [
        "actions/cancel",
        "actions/retry",
        "actions/skip",
        "actions/workflow",
        "fallback/phase-fallback",
        "finally/finally",
        "patterns/coordinator",
        "patterns/parallel",
        "patterns/pipeline",
        "patterns/sequential",
        "rollback/rollback",
        "template/template",
        "workspace/workspace",
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_linter_finds_nothing_wrong_or_odd(folder: str) -> None:
    paths = sorted((EXAMPLES / folder).glob("*.yaml"))
    loaded = [manifests.load(path.name, path.read_bytes()) for path in paths]
    assert [finding for one in loaded for finding in one.findings] == []
    assert lint([manifest for one in loaded for manifest in one.manifests]) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_comment_on_top_says_what_to_type(path: Path) -> None:
    lines = path.read_text().splitlines()
    comment = [line for line in lines[: lines.index("apiVersion: spectra.dev/v1alpha1")] if line]
    assert all(line.startswith("#") for line in comment)
    wanted = f"-f examples/{name_of(path)}.yaml"
    assert any(line.startswith("#   kubectl ") and wanted in line for line in comment)


def test_the_fast_way_fails_and_the_fallback_does_not(run: Any) -> None:
    file = "fallback/phase-fallback.yaml"
    [solve, publish] = body(file, "Workflow")["phases"]
    [fast] = solve["tasks"]
    assert run(file, "fast", **fast["input"]) == (1, "RuntimeError: no solution found this way")
    assert run(file, "thorough") == (0, {"by": "thorough"})
    [announce] = publish["tasks"]
    assert announce["input"] == {"by": "${phases.solve.outputs.thorough.by}"}
    assert solve["fallback"]["tasks"][-1]["name"] == "thorough"


def test_what_is_built_can_be_removed_and_the_last_step_fails(run: Any) -> None:
    file = "rollback/rollback.yaml"
    build, site = body(file, "Workflow")["phases"]
    assert [task["name"] for task in build["tasks"] if "compensate" in task] == [
        "network",
        "web",
        "database",
    ]
    assert run(file, "web", network="network-1") == (0, {"id": "web-1", "in": "network-1"})
    assert run(file, "build-web", remove="web-1")[1] == {"removed": "web-1"}
    [activate] = site["tasks"]
    assert run(file, "activate", **activate["input"])[0] == 1


@pytest.mark.parametrize(("fail", "code"), [(True, 1), (False, 0)])
def test_the_work_fails_only_if_it_is_told_to(run: Any, fail: bool, code: int) -> None:
    file = "finally/finally.yaml"
    assert run(file, "measure", fail=fail)[0] == code
    assert run(file, "tidy", say="finally is Failed") == (0, {"said": "finally is Failed"})


def test_only_the_scales_are_broken_and_each_action_is_about_them_or_all(run: Any) -> None:
    file = "actions/workflow.yaml"
    yard, road = body(file, "Workflow")["phases"]
    ends = {t["name"]: run(file, t["name"])[0] for t in [*yard["tasks"], *road["tasks"]]}
    assert ends == {"pack": 0, "weigh": 1, "load": 0, "drive": 0}
    asked = {name: body(f"actions/{name}.yaml", "Action") for name in ("cancel", "retry", "skip")}
    assert {spec["target"]["name"] for spec in asked.values()} == {"delivery"}
    assert asked["skip"]["task"] == "weigh"
    # Of what waits for the task that is skipped, something else must have been done.
    assert yard["tasks"][2]["dependsOn"] == ["pack", "weigh"]


def test_values_for_the_template_are_of_its_kind(run: Any) -> None:
    file = "template/template.yaml"
    template = body(file, "WorkflowTemplate")
    places, points = template["parameters"]
    north = body(file, "Workflow", "survey-north")
    assert north["parameters"][0]["value"] in places["enum"]
    for phase in body(file, "Workflow", "survey-all")["phases"]:
        assert phase["parameters"]["place"] in places["enum"]
    seen = {"place": "north", "points": points["default"]}
    assert run(file, "measure", **seen) == (0, seen)


def test_each_stage_of_a_text_adds_its_name(run: Any) -> None:
    file = "patterns/sequential.yaml"
    assert run(file, "draft") == (0, {"text": "draft"})
    assert run(file, "review", previous={"text": "draft"})[1] == {"text": "draft, review"}


def test_the_walls_are_added_up(run: Any) -> None:
    file = "patterns/parallel.yaml"
    north, south, _ = body(file, "Workflow")["phases"][0]["tasks"]
    results = {task["name"]: run(file, task["name"], **task["input"])[1] for task in (north, south)}
    assert run(file, "total", results=results) == (0, {"metres": 42})


def test_the_last_stage_compares_with_the_first(run: Any) -> None:
    file = "patterns/pipeline.yaml"
    read = run(file, "read", rows=100)[1]
    kept = run(file, "filter", previous=read, checkpoints={"read": read})[1]
    checkpoints = {"read": read, "filter": kept}
    found = run(file, "check", previous=kept, checkpoints=checkpoints)
    assert found == (0, {"rows": 20, "lost": 80})


def test_the_coordinator_gives_out_words_and_reports_their_letters(run: Any) -> None:
    file = "patterns/coordinator.yaml"
    work = run(file, "lead")[1]["work"]
    counted = [run(file, "count", item=word)[1] for word in work]
    found = run(file, "report", results={"count": counted})
    assert found == (0, {"letters": {"amber": 5, "jet": 3, "pearl": 5}})


def test_what_one_clerk_writes_another_reads(run: Any, tmp_path: Path) -> None:
    file = "workspace/workspace.yaml"
    path = str(tmp_path / "report.txt")
    assert run(file, "write", path=path, lines=1000) == (0, {"path": path})
    assert run(file, "read", path=path) == (0, {"lines": 1000})
    write, read = body(file, "Workflow")["phases"][0]["tasks"]
    assert write["input"]["path"].removeprefix("/workspace") == read["input"]["path"].removeprefix(
        read["workspace"]["mountPath"]
    )
