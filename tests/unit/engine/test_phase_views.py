"""When a workflow must hear at once how a phase of it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spectra_operator.api.phase import PhaseState
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.records import Tally
from spectra_operator.core.workflow.records import PhaseView
from spectra_operator.engine.phase_views import tells_of_progress_alone

VIEW = PhaseView("flow-build-1", "uid", PhaseState.RUNNING, tally=Tally(total=9, running=2))


def test_more_items_done_and_more_used_is_progress() -> None:
    after = replace(VIEW, tally=Tally(total=9, running=1, succeeded=3), usage=Usage(5))
    assert tells_of_progress_alone(VIEW, after)


@pytest.mark.parametrize(
    "after",
    [
        replace(VIEW, state=PhaseState.SUCCEEDED),
        replace(VIEW, reason="AgentConcurrency"),
        replace(VIEW, message="task a: agent database 3/3"),
        replace(VIEW, applied={"order": ""}),
        replace(VIEW, tally=Tally(total=9, succeeded=2)),
        replace(VIEW, uid="another"),
    ],
    ids=["state", "reason", "message", "order", "nothing runs", "another object"],
)
def test_what_the_workflow_may_act_on_is_more_than_progress(after: PhaseView) -> None:
    assert not tells_of_progress_alone(VIEW, after)
