"""The one-file examples: well formed, and their commands do what their comments say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import spectra_agent
from unit.examples.example_runner import EXAMPLES, documents, in_order, resolve

ROOT = str(Path(spectra_agent.__file__).parent.parent)
GOOD = sorted(EXAMPLES.glob("*.yaml"))
BAD = sorted((EXAMPLES / "bad").glob("*.yaml"))


def agents(path: Path) -> dict[str, dict[str, Any]]:
    return {
        found["metadata"]["name"]: found["spec"]
        for found in documents(path)
        if found["kind"] == "Agent"
    }


def phases(path: Path) -> list[dict[str, Any]]:
    """The phases of the file's workflow, or the one that stands alone."""
    [run] = [found for found in documents(path) if found["kind"] in {"Workflow", "Phase"}]
    spec: dict[str, Any] = run["spec"]
    return spec["phases"] if run["kind"] == "Workflow" else [{"name": "alone", **spec}]


class Pod:
    """Runs an example's container command in a process of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.result = folder / "result"

    def command(self, path: Path) -> list[str]:
        [agent] = agents(path).values()
        words = [*agent["template"]["command"], *agent["template"].get("args", [])]
        return [sys.executable if word == "python3" else word for word in words]

    def env(self, **task: Any) -> Mapping[str, str]:
        plain = {"PATH": os.environ["PATH"], "PYTHONPATH": ROOT, "TMPDIR": str(self.folder)}
        given = {f"SPECTRA_{name.upper()}": str(value) for name, value in task.items()}
        return {**plain, "SPECTRA_RESULT_PATH": str(self.result), **given}

    def run(self, path: Path, **task: Any) -> tuple[int, Any]:
        done = subprocess.run(
            self.command(path), env=self.env(**task), capture_output=True, check=False
        )
        return done.returncode, json.loads(self.result.read_bytes())


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_all_the_promised_examples_are_there() -> None:
    assert [path.stem for path in GOOD] == [
        "checkpoints",
        "failure-continue",
        "fan-out",
        "retry",
        "standalone-phase",
        "suspend",
        "timeout",
    ]
    assert [path.stem for path in BAD] == [
        "cycle",
        "duplicate-name",
        "missing-agent",
        "unknown-dependency",
    ]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_example_refers_only_to_what_it_holds(path: Path) -> None:
    known = agents(path)
    in_order(phases(path))
    for phase in phases(path):
        names = [task["name"] for task in in_order(phase["tasks"])]
        assert len(set(names)) == len(names)
        assert {task["agent"] for task in phase["tasks"]} <= set(known)


@pytest.mark.parametrize("path", [*GOOD, *BAD], ids=lambda path: path.stem)
def test_every_example_runs_on_the_agents_image_and_nothing_is_pulled(path: Path) -> None:
    for spec in agents(path).values():
        assert spec["template"]["image"] == "docker.io/local/spectra-agent:dev"
        assert spec["template"]["imagePullPolicy"] == "IfNotPresent"


def test_each_bad_example_is_bad_in_its_own_way() -> None:
    tasks = {path.stem: phases(path)[0]["tasks"] for path in BAD}
    for stem in ("cycle", "unknown-dependency"):
        with pytest.raises(ValueError, match="cycle"):
            in_order(tasks[stem])
    known = {task["name"] for task in tasks["cycle"]}
    assert all(set(task["dependsOn"]) <= known for task in tasks["cycle"])
    assert [task["name"] for task in tasks["duplicate-name"]] == ["build", "build"]
    assert agents(EXAMPLES / "bad" / "missing-agent.yaml") == {}


def test_fan_out_items_count_the_primes_of_their_own_range(pod: Pod) -> None:
    path = EXAMPLES / "fan-out.yaml"
    [task] = phases(path)[0]["tasks"]
    assert task["count"] == 50
    given = json.dumps(resolve(task["input"], {"parameters": {"size": 100}}))
    found = [pod.run(path, input=given, index=index) for index in (0, 1)]
    assert found == [(0, {"outputs": {"primes": 25}}), (0, {"outputs": {"primes": 21}})]


def test_retry_fails_twice_and_then_succeeds(pod: Pod) -> None:
    path = EXAMPLES / "retry.yaml"
    assert pod.run(path, attempt=1) == (1, {"message": "attempt 1: not yet"})
    assert pod.run(path, attempt=2) == (1, {"message": "attempt 2: not yet"})
    assert pod.run(path, attempt=3) == (0, {"outputs": {"succeededAt": 3}})
    [task] = phases(path)[0]["tasks"]
    assert task["retry"]["limit"] >= 2


def test_timeout_ends_at_once_when_it_is_told_to(pod: Pod) -> None:
    path = EXAMPLES / "timeout.yaml"
    talkative = ["sh", "-c", "echo ready; exec sleep 3600"]
    command = pod.command(path)
    assert command[-2:] == ["sleep", "3600"]
    process = subprocess.Popen(
        [*command[:-2], *talkative], env=pod.env(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143


def test_failure_continue_fails_only_where_it_is_told_to(pod: Pod) -> None:
    path = EXAMPLES / "failure-continue.yaml"
    ends = {
        task["name"]: pod.run(path, task=task["name"], input=json.dumps(task.get("input", {})))[0]
        for task in phases(path)[0]["tasks"]
    }
    assert [name for name, code in ends.items() if code] == ["broken", "optional"]
    allowed = [task["name"] for task in phases(path)[0]["tasks"] if task.get("allowFailure")]
    assert allowed == ["optional"]


def test_the_standalone_phase_greets_what_it_found(pod: Pod) -> None:
    path = EXAMPLES / "standalone-phase.yaml"
    find, greet = phases(path)[0]["tasks"]
    _, found = pod.run(path, task=find["name"])
    given = resolve(greet["input"], {"tasks": {"find": found}})
    code, greeted = pod.run(path, task=greet["name"], input=json.dumps(given))
    name = os.uname().nodename
    assert (code, greeted) == (0, {"outputs": {"greeted": name}, "message": f"Hello, {name}"})


def test_suspend_starts_suspended_and_does_its_work(pod: Pod) -> None:
    path = EXAMPLES / "suspend.yaml"
    [run] = [found for found in documents(path) if found["kind"] == "Workflow"]
    assert run["spec"]["suspend"] is True
    assert pod.run(path, task="one") == (0, {"message": "one is done"})
