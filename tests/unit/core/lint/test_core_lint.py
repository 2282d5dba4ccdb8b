"""What the linter says beyond admission: structure, oddities, and what a set of files lacks."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_choice, a_phase, a_step, a_task, a_workflow, an_agent
from spectra_operator.core.lint.findings import Manifest, Mark, Path
from spectra_operator.core.lint.lint import lint

Found = list[tuple[str, str, str]]


def found(*bodies: Any) -> Found:
    manifests = [Manifest(f"f{n}.yaml", body) for n, body in enumerate(bodies)]
    return [(f.severity, f.reason, f.field) for f in lint(manifests)]


def message(body: Any, field: str) -> str:
    return next(f.message for f in lint([Manifest("f", body)]) if f.field == field)


def a_template(name: str = "etl", *phases: Body, **fields: Any) -> Body:
    return a_workflow(phases, name=name, **fields) | {"kind": "WorkflowTemplate"}


def of_task(**fields: Any) -> Found:
    return found(a_workflow([a_step("work", [a_task(**fields)])], failure_policy="Rollback"))


def test_sound_manifests_have_no_findings() -> None:
    assert found(a_workflow(), an_agent(), a_phase(), a_template()) == []


def test_objects_of_other_groups_are_left_alone() -> None:
    assert found({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}) == []
    assert found({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": 7}) == []
    assert found({"apiVersion": "v1", "kind": "Pod", "spec": 7}) == []


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("spectra.dev/v1", "is 'spectra.dev/v1'; write spectra.dev/v1alpha1"),
        ("spectra.io/v1alpha1", "is 'spectra.io/v1alpha1'; write spectra.dev/v1alpha1"),
        ("v1alpha1", "is 'v1alpha1'; write spectra.dev/v1alpha1"),
        (None, "is missing; write spectra.dev/v1alpha1"),
    ],
)
def test_an_object_that_should_be_ours_says_which_version_to_write(
    version: str | None, says: str
) -> None:
    body = {key: value for key, value in a_workflow().items() if key != "apiVersion"}
    body |= {} if version is None else {"apiVersion": version}

    assert found(body) == [("error", "UnknownVersion", "apiVersion")]
    assert message(body, "apiVersion") == says


def test_a_kind_that_is_missing_is_not_taken_for_an_empty_one() -> None:
    body = {key: value for key, value in a_workflow().items() if key != "kind"}
    assert message(body, "kind").startswith("is missing; there are Action, Agent")


@pytest.mark.parametrize(
    ("change", "expected", "says"),
    [
        ({"paralelism": 3}, ("error", "UnknownField", "spec.paralelism"), "mean parallelism?"),
        ({"zzz": 3}, ("error", "UnknownField", "spec.zzz"), "there are activeDeadlineSeconds"),
        ({"priority": "1"}, ("error", "WrongType", "spec.priority"), "without quotes"),
        ({"parallelism": "two"}, ("error", "WrongType", "spec.parallelism"), "such as 2"),
        ({"priority": " "}, ("error", "WrongType", "spec.priority"), "give a value"),
        ({"suspend": "nope"}, ("error", "WrongType", "spec.suspend"), "write one of them"),
        ({"priority": True}, ("error", "WrongType", "spec.priority"), "not a whole number"),
        ({"suspend": "true"}, ("error", "WrongType", "spec.suspend"), "without quotes"),
        ({"description": 7}, ("error", "WrongType", "spec.description"), "in quotes"),
        ({"priority": None}, ("error", "Null", "spec.priority"), "leave the field out"),
        (
            {"failurePolicy": "rollback"},
            ("error", "InvalidValue", "spec.failurePolicy"),
            "did you mean Rollback?",
        ),
        ({"parallelism": 0}, ("error", "OutOfBounds", "spec.parallelism"), "1 or more"),
        ({"priority": float("nan")}, ("error", "InvalidNumber", "spec.priority"), "JSON cannot"),
        ({"priority": 2**70}, ("error", "InvalidNumber", "spec.priority"), "63 bits"),
    ],
)
def test_structure_is_checked_as_strictly_as_the_api_server_does(
    change: Body, expected: tuple[str, str, str], says: str
) -> None:
    body = a_workflow()
    body["spec"] |= change

    assert found(body) == [expected]
    assert says in message(body, expected[2])


def test_a_misspelt_field_does_not_hide_what_else_is_wrong() -> None:
    body = a_workflow([a_step("work", [a_task("a", depends_on=["ghost"])])])
    body["spec"]["misspelt"] = 1

    assert [reason for _, reason, _ in found(body)] == ["UnknownField", "UnknownDependency"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("5m", 300), ("1h30m", 5400), ("90s", 90), ("soon", 300), ("0s", 300), ("1 min", 300)],
)
def test_a_time_with_a_unit_is_to_be_written_in_seconds(written: str, seconds: int) -> None:
    body = a_workflow()
    body["spec"]["activeDeadlineSeconds"] = written

    said = message(body, "spec.activeDeadlineSeconds")

    assert said == f'is "{written}", not a whole number; write seconds, such as {seconds}'


@pytest.mark.parametrize(
    "fields",
    [
        {"timeout_seconds": "5m"},
        {"retry": {"limit": "two", "factor": {}}},
        {"retry": {"rules": [{"exitCodes": ["x"], "action": "Fail"}]}},
        {"plan": []},
        {"timeout_seconds": float("nan"), "retry": 7},
    ],
)
def test_a_value_of_a_wrong_type_that_concerns_nothing_else_hides_nothing(fields: Body) -> None:
    body = a_workflow([a_step("work", [a_task("a", depends_on=["ghost"], **fields)])])

    assert "UnknownDependency" in [reason for _, reason, _ in found(body)]


@pytest.mark.parametrize(
    "fields",
    [{"depends_on": "a"}, {"count": "two"}, {"input": [1]}, {"input": {"retry": 2**70}}],
)
def test_where_others_depend_on_a_broken_field_nothing_is_said_that_follows_from_it(
    fields: Body,
) -> None:
    tasks = [a_task("a"), {**a_task("b", depends_on=["a"]), **a_task("b", **fields)}]
    tasks += [a_task("c", depends_on=["b"], input={"v": "${tasks.a.outputs} ${tasks.b.outputs}"})]

    (finding,) = found(a_workflow([a_step("work", tasks)]))

    assert finding[1] in ("WrongType", "InvalidNumber")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"parallelism": 2}, "parallelism"),
        ({"count": 2, "parallelism": 3}, "parallelism"),
        ({"timeout_seconds": 60, "active_deadline_seconds": 30}, "activeDeadlineSeconds"),
        ({"fallback": [{"agent": "worker"}]}, "fallback[0]"),
        ({"fallback": [{"agent": "b"}, {"agent": "b"}]}, "fallback[1]"),
        ({"fallback": [{"agent": "b"}], "retry": {"limit": 50}}, "retry.limit"),
        (
            {"retry": {"backoff": {"initialSeconds": 9, "maxSeconds": 3}}},
            "retry.backoff.initialSeconds",
        ),
        ({"retry": {"rules": [{"exitCodes": [1], "action": "Retry"}]}}, "retry.rules"),
    ],
)
def test_what_works_and_is_hardly_meant_is_a_warning(fields: Body, field: str) -> None:
    warned = of_task(**{"compensate": {"agent": "worker"}} | fields)

    assert [(severity, where) for severity, _, where in warned] == [
        ("warning", f"spec.phases[work].tasks[work].{field}")
    ]


def test_a_compensation_that_is_never_run_is_a_warning() -> None:
    body = a_workflow([a_step("work", [a_task(compensate={"agent": "worker"})])])
    assert found(body) == [("warning", "NeverUsed", "spec.phases[work].tasks[work].compensate")]


def test_a_rollback_with_nothing_to_undo_is_a_warning() -> None:
    assert of_task() == [("warning", "NothingToUndo", "spec.failurePolicy")]


def test_a_parameter_that_nothing_reads_is_a_warning() -> None:
    used = a_step("work", [a_task(input={"x": "${parameters.used}"})])
    parameters = [{"name": name, "value": "x"} for name in ("used", "idle")]
    body = a_workflow([used], parameters=parameters)

    assert found(body) == [("warning", "UnusedParameter", "spec.parameters[idle]")]


def test_a_parameter_may_be_read_by_a_computed_name() -> None:
    step = a_step("work", [a_task(when="size(parameters) > 0")])
    assert found(a_workflow([step], parameters=[{"name": "n", "value": "x"}])) == []


def test_a_workflow_and_its_template_are_checked_together() -> None:
    template = a_template(
        "etl",
        a_step("work", [a_task(input={"r": "${parameters.rows}"})]),
        parameters=[{"name": "rows", "type": "integer"}],
    )
    run = a_workflow(name="run")
    run["spec"] = {"templateRef": {"name": "etl"}, "parameters": [{"name": "rows", "value": "x"}]}

    assert found(template, run) == [("error", "InvalidParameter", "spec.parameters[rows].value")]


def test_a_template_that_is_in_no_file_was_not_checked_and_that_is_said() -> None:
    run = a_workflow(name="run")
    run["spec"] = {"templateRef": {"name": "etl"}}
    assert found(run) == [("warning", "TemplateNotSeen", "spec.templateRef.name")]


def test_agents_are_looked_for_where_the_set_has_agents() -> None:
    run = a_workflow([a_step("work", [a_task(agent="ghost")])])

    assert found(run) == []
    assert found(run, an_agent()) == [
        ("warning", "AgentNotSeen", "spec.phases[work].tasks[work].agent")
    ]


def test_capabilities_are_looked_for_where_the_set_has_agents() -> None:
    run = a_workflow([a_step("work", [a_choice("read", "ocr", "typing")])])

    assert found(run) == []
    assert found(run, an_agent(capabilities=["typing", "ocr", "more"])) == []
    assert found(run, an_agent("one", capabilities=["ocr"]), an_agent("two")) == [
        ("warning", "CapabilityNotSeen", "spec.phases[work].tasks[read].requires.capabilities")
    ]


def test_an_object_that_stands_twice_is_found_unless_both_are_the_same() -> None:
    assert found(an_agent(), an_agent()) == []
    assert found(an_agent(), an_agent(concurrency=2)) == [
        ("error", "DuplicateName", "metadata.name")
    ]


@pytest.mark.parametrize("body", [None, [], "text", 7, {}, {"kind": []}, {"spec": {}}])
def test_nothing_breaks_the_linter(body: Any) -> None:
    assert {severity for severity, _, _ in found(body)} == {"error"}


def test_findings_come_in_the_order_of_the_files_and_lines() -> None:
    first = a_workflow([a_step("work", [a_task("a", depends_on=["x"])])])
    marks: dict[Path, Mark] = {("spec",): (9, 1), ("metadata", "name"): (2, 1)}
    findings = lint([Manifest("b.yaml", first, marks), Manifest("a.yaml", None)])

    assert [(f.file, f.line) for f in findings] == [("a.yaml", 1), ("b.yaml", 9)]


def of_rollout(mode: str | None = "Pool", **rollout: Any) -> Found:
    return found(an_agent(mode=mode, rollout=rollout))


def test_a_rollout_with_gates_and_an_analysis_is_well() -> None:
    gate = {"tasks": [{"task": "codecs", "input": {"codec": "zlib"}, "expect": "cost < 2.0"}]}
    analysis = {"conditions": ["failureRatio <= 0.05", "costPerTask <= 2 * stable.costPerTask"]}

    assert of_rollout(preGate=gate, analysis=analysis, warmSeconds=60, maxUnproven=30) == []


@pytest.mark.parametrize(
    "given",
    [
        {"maxUnproven": 5},
        {"warmSeconds": 60},
        {"pause": True},
        {"preGate": {"tasks": [{"task": "sum"}]}},
        {"analysis": {"conditions": ["failureRatio < 0.1"]}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_an_immediate_rollout_has_no_use_for_is_told(given: Body) -> None:
    [field] = given

    assert of_rollout(strategy="Immediate", **given) == [
        ("warning", "NeverUsed", f"spec.rollout.{field}")
    ]


@pytest.mark.parametrize("replicas", [0, 3])
def test_a_number_of_workers_beside_scaling_is_told(replicas: int) -> None:
    scaling = {"maxReplicas": 5}

    assert found(an_agent(mode="Pool", replicas=replicas, scaling=scaling)) == [
        ("warning", "ScalingConflict", "spec.replicas")
    ]
    assert found(an_agent(mode="Pool", scaling=scaling)) == []
    assert found(an_agent(mode="Pool", replicas=replicas)) == []


def test_pods_are_not_kept_warm() -> None:
    assert of_rollout(mode=None, warmSeconds=60) == [
        ("warning", "NeverUsed", "spec.rollout.warmSeconds")
    ]


def test_an_analysis_must_be_able_to_end() -> None:
    conditions = ["failureRatio < 0.1"]

    assert of_rollout(analysis={"minTasks": 21, "conditions": conditions}) == [
        ("error", "InvalidRange", "spec.rollout.analysis.minTasks")
    ]
    assert of_rollout(maxUnproven=21, analysis={"minTasks": 21, "conditions": conditions}) == []
    assert of_rollout(analysis={"onInconclusive": "Pause"}) == [
        ("error", "MissingField", "spec.rollout.analysis.conditions")
    ]
