"""Ids of traces and spans are functions of UIDs."""

from __future__ import annotations

import re
from typing import Any

from builders.specs import PHASE_UID, WORKFLOW_UID, a_phase
from spectra_operator.core.spec.compile import compile_phase
from spectra_operator.core.tracing import ids

UID = "0b5ab1a4-6a2c-4c2e-9d5a-1c8f9d3b7e11"


def test_ids_have_the_form_of_w3c_trace_context() -> None:
    trace, span = ids.trace_id(UID), ids.attempt_span(UID, "a", 0, 1)
    assert re.fullmatch(r"[0-9a-f]{32}", trace)
    assert re.fullmatch(r"[0-9a-f]{16}", span)
    assert ids.traceparent(trace, span) == f"00-{trace}-{span}-01"


def test_the_trace_of_a_workflow_is_what_the_documents_say() -> None:
    # printf %s UID | sha256sum | cut -c1-32
    assert ids.trace_id(UID) == "2de8bc0c361355a7fa17b6b02b9df1dd"


def test_no_two_spans_of_a_run_have_one_id() -> None:
    found = [ids.workflow_span(UID, run) for run in (1, 2)]
    found += [ids.phase_span(UID), ids.task_span(UID, "a"), ids.queue_span(UID, "a")]
    found += [ids.attempt_span(UID, "a", index, n) for index in range(20) for n in range(1, 20)]
    assert len(set(found)) == len(found)


def test_a_phase_belongs_to_the_trace_of_its_workflow_or_planner_or_its_own() -> None:
    alone = compile_phase(a_phase())
    ref = {"name": "flow", "uid": WORKFLOW_UID}
    owned = compile_phase(a_phase(workflowRef=ref, phase="build"))

    assert ids.trace_of_phase(alone.uid, alone.spec) == ids.trace_id(PHASE_UID)
    assert ids.trace_of_phase(owned.uid, owned.spec) == ids.trace_id(WORKFLOW_UID)


def test_an_object_tells_its_trace_whatever_stands_in_it() -> None:
    meta = {"uid": UID}
    own = ids.trace_id(UID)
    assert ids.trace_of_body({"kind": "Workflow", "metadata": meta}) == own
    odd: tuple[Any, ...] = (None, "text", [], {"workflowRef": 1}, {"workflowRef": {}})
    for written in odd:
        assert ids.trace_of_body({"kind": "Phase", "metadata": meta, "spec": written}) == own
    spec = {"workflowRef": {"uid": WORKFLOW_UID}}
    body = {"kind": "Phase", "metadata": meta, "spec": spec}
    assert ids.trace_of_body(body) == ids.trace_id(WORKFLOW_UID)
