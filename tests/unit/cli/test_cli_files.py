"""Commands that work on files: explain, graph, simulate, lint, and what submit refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from builders.cluster import ROOT
from builders.specs import a_parameter, a_phase, a_step, a_task, a_workflow, an_agent
from kubectl_spectra import errors
from unit.cli.conftest import Run, Write

FOUNDATION = str(Path(ROOT) / "examples" / "foundation" / "foundation.yaml")


def test_explain_writes_a_file_out(run: Run, write: Write) -> None:
    steps = [a_step("build", [a_task("a"), a_task("b")], pattern="Sequential")]
    file = write(a_workflow(steps, parameters=[{"name": "rows", "default": "5"}]))

    body = yaml.safe_load(run("explain", file).output)

    (phase,) = body["spec"]["phases"]
    assert next(iter(phase)) == "name"
    assert "pattern" not in phase
    assert phase["tasks"][1]["dependsOn"] == ["a"]
    assert body["spec"]["parameters"] == [{"name": "rows", "default": "5", "value": "5"}]


def test_explain_takes_a_template_from_another_file(run: Run, write: Write) -> None:
    template = a_workflow() | {"kind": "WorkflowTemplate", "metadata": {"name": "base"}}
    flow = a_workflow() | {"spec": {"templateRef": {"name": "base"}}}
    here, there = write(flow), write(template, name="template.yaml")

    assert yaml.safe_load(run("explain", here, there).output)["spec"]["phases"]
    missing = run("explain", here)

    assert missing.exit_code == errors.FAILED
    assert "templateRef.name" in missing.stderr
    assert "give the template's file too" in missing.stderr


def test_explain_of_a_phase_stays_a_phase(run: Run, write: Write) -> None:
    result = run("explain", write(a_phase([a_task("a"), a_task("b")], pattern="Sequential")))

    body = yaml.safe_load(result.output)
    assert body["kind"] == "Phase"
    assert body["spec"]["tasks"][1]["dependsOn"] == ["a"]


def test_graph_draws_files_and_standard_input(run: Run, write: Write) -> None:
    file = write(an_agent(), a_workflow())

    assert run("graph", file).output.startswith('digraph "flow"')
    text = Path(file).read_text()
    assert run("graph", "-", "--format", "mermaid", stdin=text).output.startswith("flowchart LR")


def test_simulate_prints_makespan_path_chart_and_changes(run: Run, write: Write) -> None:
    steps = [a_step("build", [a_task("many", count=4), a_task("last", depends_on=["many"])])]
    file = write(an_agent(concurrency=2), a_workflow(steps))

    result = run("simulate", file, "--parallelism", "1", "--agent", "worker=4")

    assert result.exit_code == errors.OK
    assert "workflow/flow would take 3m00s: Succeeded" in result.output
    assert "critical path: build/many -> build/last" in result.output
    assert "█" in result.output
    assert "agent worker=4  2m00s     -60s" in result.output
    assert "waiting for agent worker 2/2" in result.output
    assert "- build/many takes 60 s: no duration was given" in result.output


def test_simulate_takes_durations_items_and_chances(run: Run, write: Write, tmp_path: Path) -> None:
    tasks = [a_task("each", for_each="${tasks.list.outputs.all}", depends_on=["list"])]
    file = write(an_agent(concurrency=1), a_workflow([a_step("build", [a_task("list"), *tasks])]))
    durations = tmp_path / "durations.yaml"
    durations.write_text("worker: 2\n")
    words = ("simulate", file, "--durations", str(durations), "--items", "build/each=5")

    calm = json.loads(run(*words, "-o", "json").output)
    failed = run(*words, "--fail", "build/each=1")

    assert calm["makespan"] == 12
    assert failed.exit_code == errors.FAILED
    assert ": Failed" in failed.output


@pytest.mark.parametrize(
    ("option", "given", "near"),
    [
        ("--items", "build/eech=5", "build/each"),
        ("--skip", "buid", "build"),
        ("--fail", "build/eac=0.5", "build/each"),
        ("--agent", "wroker=2", "worker"),
    ],
)
def test_simulate_refuses_a_name_that_is_nowhere_in_the_workflow(
    run: Run, write: Write, option: str, given: str, near: str
) -> None:
    file = write(an_agent(), a_workflow([a_step("build", [a_task("each", count=2)])]))

    result = run("simulate", file, option, given)

    assert result.exit_code == errors.USAGE
    assert f"{option} {given.partition('=')[0]}: there is no" in result.stderr
    assert f"did you mean {near}?" in result.stderr


def test_simulate_refuses_a_duration_of_what_is_nowhere_in_the_workflow(
    run: Run, write: Write, tmp_path: Path
) -> None:
    file = write(an_agent(), a_workflow([a_step("build", [a_task("each")])]))
    durations = tmp_path / "durations.yaml"
    durations.write_text("worker: 2\n'*': 3\nbuild/eech: 5\n")

    result = run("simulate", file, "--durations", str(durations))

    assert result.exit_code == errors.USAGE
    assert "--durations build/eech: there is no build/eech in the workflow" in result.stderr
    assert "did you mean build/each?" in result.stderr


def test_simulate_of_what_can_never_work_names_the_field(run: Run, write: Write) -> None:
    tasks = [a_task("a", depends_on=["b"]), a_task("b", depends_on=["a"])]

    result = run("simulate", write(a_workflow([a_step("build", tasks)])))

    assert result.exit_code == errors.FAILED
    assert "spec.phases[build].tasks[a].dependsOn" in result.stderr


def test_lint_names_file_line_and_field_and_ends_with_one(run: Run, write: Write) -> None:
    file = write(an_agent(), a_workflow([a_step("build", [a_task("a", depends_on=["ghost"])])]))

    result = run("lint", file)

    assert result.exit_code == errors.FAILED
    assert f"{file}:" in result.stdout
    assert "spec.phases[build].tasks[a].dependsOn" in result.stdout
    assert "1 error: 2 objects of Spectra in 1 file" in result.stderr
    (finding,) = json.loads(run("lint", file, "-o", "json").stdout)
    assert finding["severity"] == "error"
    assert finding["line"] > 1


def test_lint_of_good_files_and_folders_ends_with_zero(run: Run) -> None:
    result = run("lint", str(Path(FOUNDATION).parent))

    assert (result.exit_code, result.stdout) == (errors.OK, "")
    assert re.search(r"nothing wrong: \d+ objects of Spectra in 1 file", result.stderr)


def test_lint_says_what_it_left_alone_and_when_nothing_was_left_to_check(
    run: Run, write: Write
) -> None:
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}}

    both = run("lint", write(an_agent(), foreign))
    alone = run("lint", write(foreign))

    left = "1 object of other groups left alone"
    assert f"nothing wrong: 1 object of Spectra in 1 file, {left}" in both.stderr
    assert f"nothing was checked: 0 objects of Spectra in 1 file, {left}" in alone.stderr
    assert (both.exit_code, alone.exit_code) == (errors.OK, errors.OK)


def test_lint_may_take_warnings_for_errors(run: Run, write: Write) -> None:
    file = write(an_agent(), a_workflow([a_step("build", [a_task("a", agent="elsewhere")])]))

    assert run("lint", file).exit_code == errors.OK
    assert run("lint", file, "--warnings-as-errors").exit_code == errors.FAILED


def test_lint_of_what_is_not_there_is_not_found(run: Run, tmp_path: Path) -> None:
    assert run("lint", "nowhere.yaml").exit_code == errors.NOT_FOUND
    empty = run("lint", str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir()

    assert empty.exit_code == errors.NOT_FOUND
    assert "holds no .yaml" in run("lint", str(tmp_path / "empty")).stderr


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("kind: [", errors.FAILED, "error"),
        ("just text", errors.FAILED, "is no object"),
        ("kind: Workflow\nspec: {}", errors.FAILED, "metadata: is missing"),
        ("kind: Workflow\nmetadata: {name: x}", errors.FAILED, "spec: is missing"),
        ("", errors.USAGE, "holds no Workflow"),
        ("kind: Pod\nmetadata: {name: p}\nspec: {}", errors.FAILED, "kind: is 'Pod', which there"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}", errors.USAGE, "no Workflow"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}", errors.FAILED, "metadata.name is missing"),
        ("apiVersion: v1\nmetadata: {name: p}", errors.FAILED, "kind is missing"),
    ],
)
def test_files_that_hold_something_else_are_refused_in_words(
    run: Run, tmp_path: Path, content: str, code: int, message: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(content)

    result = run("graph", str(file))

    assert result.exit_code == code, result.output
    assert message in result.stderr


@pytest.mark.parametrize("command", ["submit", "explain", "graph", "simulate"])
def test_what_lint_finds_is_said_first_and_nothing_is_done(
    run: Run, write: Write, command: str
) -> None:
    tasks = [a_task("dump"), a_task("upload", depends_on=["dumb"], timeout_seconds="5m")]
    file = write(an_agent(), a_workflow([a_step("work", tasks)]))

    said = run(command, file)

    found = run("lint", file).stdout.splitlines()
    assert said.exit_code == errors.FAILED
    assert said.stdout == ""
    assert said.stderr.splitlines() == [*found, f"error: {file}: 2 errors; nothing was done"]
    assert any("write seconds, such as 300" in line for line in found)
    assert any("no task 'dumb'; did you mean dump?" in line for line in found)


@pytest.mark.parametrize("command", ["submit", "explain", "graph", "simulate"])
@pytest.mark.parametrize(
    "version", ["spectra.dev/v1", "spectra.io/v1alpha1", "v1alpha1", "argoproj.io/v1alpha1"]
)
def test_a_workflow_of_another_version_or_group_says_what_to_write(
    run: Run, write: Write, command: str, version: str
) -> None:
    said = run(command, write(a_workflow() | {"apiVersion": version}))

    assert said.exit_code in (errors.FAILED, errors.USAGE)
    assert f"apiVersion: is '{version}'; write spectra.dev/v1alpha1" in said.stderr


def test_a_file_without_a_workflow_says_so(run: Run, write: Write) -> None:
    said = run("submit", write(an_agent()))

    assert said.exit_code == errors.USAGE
    assert "holds no Workflow; give a file with one" in said.stderr


def test_explain_takes_one_workflow(run: Run, write: Write) -> None:
    two = write(a_workflow(), a_workflow(name="other"))

    assert "holds 2 Workflows" in run("explain", two).stderr


@pytest.mark.parametrize("option", ["--watch", "--name=x", "-prows=1"])
def test_submit_refuses_of_several_workflows_what_is_meant_for_one(
    run: Run, write: Write, option: str
) -> None:
    two = [a_workflow() | {"metadata": {"name": name}} for name in ("one", "two")]

    said = run("submit", write(*two), option)

    assert said.exit_code == errors.USAGE
    assert "holds 2 workflows, and -" in said.stderr
    assert "is for one; leave it out, or submit a file with one" in said.stderr


def test_submit_refuses_another_namespace(run: Run, write: Write) -> None:
    said = run("submit", write(a_workflow()))

    assert said.exit_code == errors.USAGE
    assert "says namespace team, but x is in use; give -n team" in said.stderr


def test_a_phase_takes_no_parameters_from_the_command_line(run: Run, write: Write) -> None:
    file = write(a_phase() | {"metadata": {"name": "stage"}})

    assert "-p works for workflows" in run("submit", file, "-p", "a=1").stderr


def test_an_unknown_parameter_is_told_before_anything_is_sent(run: Run, write: Write) -> None:
    flow = a_workflow(parameters=[a_parameter("rows", 1, "integer")])
    file = write(flow | {"metadata": {"name": "flow"}})

    result = run("submit", file, "-p", "row=5")

    assert result.exit_code == errors.USAGE
    assert "-p row: is not a parameter; there are: rows" in result.stderr
