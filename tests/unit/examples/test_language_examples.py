"""The examples of what a task can say: branching, loops, retries, hand-off, planning."""

from __future__ import annotations

import hmac
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import spectra_agent
from builders.specs import a_phase
from kubectl_spectra import manifests
from spectra_operator.core.lint.lint import lint
from spectra_operator.core.phase.handoff import broken_output
from spectra_operator.core.phase.spawn import spawn_problem
from spectra_operator.core.spec.compile import compile_phase
from unit.examples.example_runner import EXAMPLES, documents

ROOT = str(Path(spectra_agent.__file__).parent.parent)
NAMES = (
    "branching",
    "for-each",
    "handoff",
    "matrix",
    "planner",
    "retry-rules",
    "selection",
    "task-fallback",
)


def path_of(name: str) -> Path:
    return EXAMPLES / name / f"{name}.yaml"


def tasks_of(name: str, phase: int = 0) -> dict[str, dict[str, Any]]:
    """The tasks of a phase of an example by name."""
    [workflow] = [body for body in documents(path_of(name)) if body["kind"] == "Workflow"]
    return {task["name"]: task for task in workflow["spec"]["phases"][phase]["tasks"]}


def values_by_reference(name: str) -> dict[str, str]:
    """The variables that an example's agents take from its ConfigMap and its Secret."""
    bodies = documents(path_of(name))
    sources = {"configMapKeyRef": ("ConfigMap", "data"), "secretKeyRef": ("Secret", "stringData")}
    held = {
        (kind, body["metadata"]["name"]): body[field]
        for kind, field in sources.values()
        for body in bodies
        if body["kind"] == kind
    }
    return {
        variable["name"]: held[sources[source][0], ref["name"]][ref["key"]]
        for body in bodies
        if body["kind"] == "Agent"
        for variable in body["spec"]["template"].get("env", [])
        for source, ref in variable["valueFrom"].items()
    }


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs the container command of an example's agent in a process of this machine."""

    def attempt(name: str, task: str, number: int = 1, **given: Any) -> tuple[int, Any]:
        agents = {b["metadata"]["name"]: b for b in documents(path_of(name))}
        agent = given.pop("agent", "") or tasks_of(name)[task]["agent"]
        command = agents[agent]["spec"]["template"]["command"]
        result = tmp_path / "result"
        result.write_text("{}")
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ROOT,
            "SPECTRA_TASK": task,
            "SPECTRA_ATTEMPT": str(number),
            "SPECTRA_INPUT": json.dumps(given),
            "SPECTRA_RESULT_PATH": str(result),
            **values_by_reference(name),
        }
        words = [sys.executable, *command[1:]]
        code = subprocess.run(words, env=env, capture_output=True, check=False).returncode
        return code, json.loads(result.read_bytes() or b"{}")

    return attempt


@pytest.mark.parametrize("name", NAMES)
def test_the_linter_finds_nothing_wrong_or_odd(name: str) -> None:
    loaded = manifests.load(name, path_of(name).read_bytes())
    assert list(loaded.findings) == []
    assert lint(list(loaded.manifests)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_comment_on_top_says_what_to_type(name: str) -> None:
    comment = path_of(name).read_text().partition("apiVersion")[0].splitlines()
    assert all(line.startswith("#") for line in comment)
    assert f"#   kubectl apply -f examples/{name}/{name}.yaml" in comment


def test_the_rows_decide_between_two_branches(run: Any) -> None:
    assert run("branching", "look", rows=7) == (0, {"outputs": {"rows": 7, "by": "look"}})
    tasks = tasks_of("branching")
    assert tasks["small"]["when"] == "tasks.look.outputs.rows < 1000"
    assert tasks["large"]["when"] == "tasks.look.outputs.rows >= 1000"


def test_one_page_of_five_cannot_be_read_which_is_tolerated(run: Any) -> None:
    pages = run("for-each", "list")[1]["outputs"]["pages"]
    read = [run("for-each", "read", page=page["name"]) for page in pages]
    assert [code for code, _ in read].count(1) == 1
    assert tasks_of("for-each")["read"]["maxFailed"] == "25%"
    known = [told.get("outputs") if code == 0 else None for code, told in read]
    assert run("for-each", "total", pages=known)[1]["outputs"] == {"words": 600}


def test_the_best_of_all_combinations_is_found(run: Any) -> None:
    results = [
        run("matrix", "pack", codec=codec, repeat=repeat)[1]["outputs"]
        for codec in tasks_of("matrix")["pack"]["matrix"]["codec"]
        for repeat in (1, 100)
    ]
    best = run("matrix", "best", results=results)[1]["outputs"]
    assert best["ratio"] == min(result["ratio"] for result in results)


def test_the_first_draft_breaks_its_rule_and_the_second_does_not(run: Any) -> None:
    task = compile_phase(a_phase([tasks_of("handoff")["draft"] | {"input": {}}])).tasks["draft"]
    drafts = [run("handoff", "draft", n, style="plain")[1]["outputs"] for n in (1, 2)]
    said = [broken_output(json.dumps(draft), task.outputs) for draft in drafts]
    assert said == ["output words is 2 and breaks its rule 'value >= 4'", ""]


def test_the_draft_has_the_greeting_of_a_config_map_and_is_signed_with_a_secret(run: Any) -> None:
    given = values_by_reference("handoff")
    draft = run("handoff", "draft", 2, style="plain")[1]["outputs"]
    assert draft["text"] == "welcome welcome welcome welcome"
    key, text = given["SIGNING_KEY"].encode(), draft["text"].encode()
    assert draft["signature"] == hmac.digest(key, text, "sha256").hex()
    assert given["SIGNING_KEY"] not in json.dumps(draft)


def test_what_is_busy_answers_at_last_and_what_is_wrong_never_does(run: Any) -> None:
    assert [run("retry-rules", "busy", n)[0] for n in (1, 2, 3)] == [75, 75, 0]
    assert run("retry-rules", "wrong")[0] == 78


def test_the_guess_goes_wrong_and_the_careful_way_does_not(run: Any) -> None:
    assert run("task-fallback", "solve", agent="quick")[0] == 1
    [way] = tasks_of("task-fallback")["solve"]["fallback"]
    code, told = run("task-fallback", "solve", 3, agent=way["agent"], **way["input"])
    assert (code, told["outputs"]) == (0, {"by": "careful", "steps": 3, "attempt": 3})


def test_both_readers_read_alike_and_the_surveyor_adds_up(run: Any) -> None:
    read = [run("selection", "read", agent=name, page=5) for name in ("reader-a", "reader-b")]
    assert read[0] == read[1] == (0, {"outputs": {"page": 5, "letters": 9}})
    pages = [run("selection", "read", agent="reader-a", page=n)[1]["outputs"] for n in range(1, 7)]
    assert run("selection", "total", agent="surveyor", pages=pages)[1]["outputs"] == {"letters": 45}


def test_the_director_s_plan_is_one_that_it_may_make(run: Any) -> None:
    code, told = run("planner", "direct", parts=["roof", "wall"])
    assert (code, told["outputs"]) == (0, {"planned": 3})
    shape = compile_phase(a_phase([tasks_of("planner")["direct"] | {"input": {}}]))
    assert spawn_problem(shape, "direct", json.dumps(told["spawn"])) == ""
    made = run("planner", "join", agent="builder", parts={"roof": "a roof", "wall": "a wall"})
    assert made[1]["outputs"] == {"made": ["a roof", "a wall"]}
