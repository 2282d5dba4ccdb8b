from __future__ import annotations

from typing import Any

import pytest

from builders import pods
from builders.specs import a_step, a_task, a_workflow
from kubectl_spectra import logs
from kubectl_spectra.view import workflow_view
from spectra_operator.api import constants as c


def test_all_attempts_of_a_run_are_wanted_unless_something_is_named() -> None:
    assert logs.Wanted("spectra.dev/workflow-uid=u1").selector == "spectra.dev/workflow-uid=u1"


def test_phase_task_index_and_attempt_narrow_the_choice() -> None:
    wanted = logs.Wanted("spectra.dev/workflow-uid=u1", "build", "compile", 0, 2)

    assert wanted.selector.split(",") == [
        "spectra.dev/workflow-uid=u1",
        f"{c.LABEL_PHASE}=build",
        f"{c.LABEL_TASK}=compile",
        f"{c.LABEL_INDEX}=0",
        f"{c.LABEL_ATTEMPT}=2",
    ]


def test_pods_come_in_the_order_of_time_then_task_item_and_attempt() -> None:
    later = pods.a_pod("a", created=5)
    tenth, second = pods.a_pod("b", index=10), pods.a_pod("b", index=2)
    again = pods.a_pod("b", index=2, number=2)

    assert logs.in_order([later, tenth, again, second]) == [second, again, tenth, later]


@pytest.mark.parametrize(
    ("pod", "fan_out", "title"),
    [
        (pods.a_pod("compile"), False, "stage/compile"),
        (pods.a_pod("compile", index=3), True, "stage/compile[3]"),
        (pods.a_pod("compile", number=2), False, "stage/compile#2"),
        (pods.a_pod("compile", index=0, number=3), True, "stage/compile[0]#3"),
    ],
)
def test_lines_begin_with_task_item_and_later_attempts(
    pod: dict[str, Any], fan_out: bool, title: str
) -> None:
    assert logs.prefix(pod, fan_out=fan_out) == title


def test_a_pod_has_a_log_once_its_container_has_begun() -> None:
    fresh = pods.a_pod()

    assert not logs.started(fresh)
    assert not logs.started(pods.scheduled(fresh))
    assert logs.started(pods.running(fresh))
    assert logs.started(pods.succeeded(pods.running(fresh)))


def test_a_pod_that_ended_before_its_container_began_has_no_log() -> None:
    refused = pods.a_pod() | {"status": {"phase": "Failed", "reason": "Evicted"}}

    assert not logs.started(refused)


def test_tasks_with_items_are_known_by_spec_or_status() -> None:
    tasks = [
        a_task("one"),
        a_task("many", count=3),
        a_task("each", for_each=[1]),
        a_task("cross", matrix={"a": [1]}),
    ]
    run = workflow_view(a_workflow([a_step("build", tasks)]), [])

    assert logs.fan_outs(run.phases) == {("build", "many"), ("build", "each"), ("build", "cross")}
