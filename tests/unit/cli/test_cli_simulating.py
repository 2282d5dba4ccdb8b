from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builders.specs import a_choice, a_step, a_task, a_workflow, an_agent
from kubectl_spectra import simulating
from kubectl_spectra.documents import Invalid
from kubectl_spectra.errors import NotFound, UsageProblem
from spectra_operator.api.agent import AgentSpec
from spectra_operator.api.workflow import WorkflowSpec
from spectra_operator.core.insight.durations import Durations, Observed
from spectra_operator.core.simulation.simulate import Simulation, simulate, what_if
from spectra_operator.core.simulation.spec import Assumptions
from unit.cli.cli_cases import lines_with, printed

FAN_OUT = [a_step("build", [a_task("many", count=4), a_task("last", depends_on=["many"])])]
TWO_AT_ONCE = Assumptions(agents={"worker": 2}, seconds={"*": 10.0})


@pytest.fixture
def spec() -> WorkflowSpec:
    return WorkflowSpec.model_validate(a_workflow(FAN_OUT)["spec"])


@pytest.fixture
def result(spec: WorkflowSpec) -> Simulation:
    return simulate(spec, TWO_AT_ONCE)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (7.5, "7.5s"),
        (0.12345, "0.1235s"),
        (119, "119s"),
        (160, "2m40s"),
        (11_100, "3h05m"),
    ],
)
def test_the_virtual_clock_is_told_in_words(seconds: float, text: str) -> None:
    assert simulating.clock(seconds) == text


def test_tasks_are_listed_by_their_start_with_what_they_waited_for(result: Simulation) -> None:
    table, left = simulating.task_table(result, everything=False)

    head, first, second = printed(table).splitlines()
    assert left == 0
    assert head.split() == ["TASK", "STATE", "START", "END", "WAITED", "FOR"]
    assert first.split()[:4] == ["build/many", "Succeeded", "0s", "20s"]
    assert second.split()[:4] == ["build/last", "Succeeded", "20s", "30s"]


def test_of_many_tasks_those_are_shown_that_decide_or_waited_longest() -> None:
    tasks = [a_task(f"t{n}") for n in range(100)] + [a_task("end", depends_on=["t99"])]
    spec = WorkflowSpec.model_validate(a_workflow([a_step("build", tasks)])["spec"])
    result = simulate(spec, Assumptions(seconds={"*": 1.0}))

    table, left = simulating.task_table(result, everything=False)
    whole, none = simulating.task_table(result, everything=True)

    assert (left, none) == (101 - simulating.SHOWN, 0)
    assert lines_with(printed(table), "build/end")
    assert len(printed(whole).splitlines()) == 102


def test_the_chart_fills_a_line_for_each_agent(result: Simulation) -> None:
    text = printed(simulating.Chart(result, {"worker": 2}).table())

    (line,) = lines_with(text, "worker")
    bar = line[len("worker  ") :][: simulating.WIDTH]
    assert bar[:39] == "█" * 39
    assert bar[-10:] == "▄" * 10
    assert line.rstrip().endswith("2 of 2  1.7 on average")


def test_the_chart_can_do_with_ascii(result: Simulation) -> None:
    text = printed(simulating.Chart(result, {}, ascii=True).table())

    assert text.isascii()
    assert lines_with(text, "@@@@")


def test_a_change_is_tried_by_itself_and_with_the_others() -> None:
    names = [v.name for v in simulating.variations([3], {"worker": 8.0})]

    assert names == ["parallelism 3", "agent worker=8", "all of these"]
    assert [v.name for v in simulating.variations([], {"worker": 8})] == ["agent worker=8"]
    assert [v.name for v in simulating.variations([1, 2], {})] == ["parallelism 1", "parallelism 2"]


def test_what_changes_would_do_stands_beside_what_is(
    spec: WorkflowSpec, result: Simulation
) -> None:
    changes = simulating.variations([1], {"worker": 4.0})

    table = simulating.what_if_table(result, what_if(spec, TWO_AT_ONCE, changes))

    rows = [line.split() for line in printed(table).splitlines()]
    assert rows[1] == ["as", "it", "is", "30s"]
    assert rows[2] == ["parallelism", "1", "50s", "+20s"]
    assert rows[3] == ["agent", "worker=4", "20s", "-10s"]


def test_machines_get_everything_as_plain_data(spec: WorkflowSpec, result: Simulation) -> None:
    compared = what_if(spec, TWO_AT_ONCE, simulating.variations([1], {}))

    data = json.loads(json.dumps(simulating.as_data(result, compared)))

    assert (data["state"], data["makespan"]) == ("Succeeded", 30)
    assert data["tasks"]["build/many"]["end"] == 20
    assert data["whatIf"] == [{"name": "parallelism 1", "makespan": 50, "state": "Succeeded"}]


def test_durations_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "durations.yaml"
    file.write_text("build/many: 3\nworker: 2.5\n'*': 1\n")

    assert simulating.read_durations(str(file)) == {"build/many": 3, "worker": 2.5, "*": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "must map phase/task"),
        ("a: fast", "a: 'fast' is no number of seconds"),
        ("a: -1", "a: -1 is no number"),
        ("a: .nan", "a: nan is no number"),
        ("a: true", "a: True is no number"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "durations.yaml"
    file.write_text(content)

    with pytest.raises(Invalid, match=message):
        simulating.read_durations(str(file))


def test_a_missing_file_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"nowhere\.yaml: No such file"):
        simulating.read_durations("nowhere.yaml")


@pytest.mark.parametrize("text", ["a=x", "a=0", "a=-1", "a=nan", "a=inf", "a"])
def test_numbers_on_the_command_line_are_checked(text: str) -> None:
    with pytest.raises(UsageProblem, match="--agent"):
        simulating.numbers([text], "--agent", 1)


def an_able(**fields: Any) -> AgentSpec:
    return AgentSpec.model_validate(an_agent(capabilities=["able"], **fields)["spec"])


def test_agents_are_chosen_by_what_they_can_do_and_how_long_they_took() -> None:
    agents = {"b": an_able(mode="Pool"), "a": an_able(), "none": AgentSpec.model_validate(
        an_agent()["spec"]
    )}  # fmt: skip
    found = simulating.profiles(agents, Observed(agents={"a": Durations((4000, 6000))}))
    assert list(found) == ["a", "b"]
    assert (found["a"].figures.seconds, found["a"].figures.ended) == (5.0, 2)
    assert (found["a"].mounts, found["b"].mounts) == (True, False)


def test_a_change_may_be_tried_of_every_agent_that_may_be_chosen() -> None:
    steps = [a_step("build", [a_choice("any"), a_task("named")])]
    spec = WorkflowSpec.model_validate(a_workflow(steps)["spec"])
    able = simulating.profiles({"a": an_able(), "b": an_able()}, Observed())
    assert simulating.eligible(spec, able) == ["a", "b"]
    assert simulating.eligible(WorkflowSpec.model_validate(a_workflow(FAN_OUT)["spec"]), able) == []
