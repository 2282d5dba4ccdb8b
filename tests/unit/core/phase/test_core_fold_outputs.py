"""The budget of outputs: what a phase's status can hold, and what happens past it."""

from __future__ import annotations

import json

from builders.records import a_context, a_fan_out, an_attempt, done
from spectra_operator.api.constants import MAX_OUTPUT_BYTES
from spectra_operator.core.phase.fold import fold
from spectra_operator.core.phase.records import TaskRecord
from spectra_operator.core.phase.status import render_task


def test_outputs_that_just_fit_are_kept() -> None:
    outputs = {"x": "a" * 90}
    size = len(json.dumps(outputs, separators=(",", ":")))
    context = a_context(output_bytes_left=size)
    record = fold(TaskRecord(), an_attempt(outcome=done(outputs)), context)
    assert (record.succeeded, record.output_bytes()) == (1, size)


def test_outputs_past_the_budget_fail_the_task_with_the_reason() -> None:
    context = a_context(output_bytes_left=97)
    record = fold(TaskRecord(), an_attempt(outcome=done({"x": "a" * 90})), context)
    assert (record.succeeded, record.failed, record.failures) == (0, 1, 1)
    assert record.reason == "OutputsTooLarge"
    assert str(MAX_OUTPUT_BYTES) in record.message
    assert record.outputs == {}


def test_a_task_without_outputs_fits_always() -> None:
    record = fold(TaskRecord(), an_attempt(outcome=done()), a_context(output_bytes_left=0))
    assert record.succeeded == 1


def test_the_bytes_of_a_fan_out_are_those_that_its_status_holds() -> None:
    record = a_fan_out(4)
    assert record.output_bytes() == 0
    for index in (1, 3):
        record = fold(record, an_attempt(index=index, outcome=done({"n": index})), a_context())
        assert record.output_bytes() == len(render_task(record)["outputs"])


def test_the_array_around_the_outputs_of_a_fan_out_counts_too() -> None:
    record = a_fan_out(1000)
    outputs = '{"n":1}'
    around = len("[") + 999 * len("null,") + len("]")
    exact = a_context(output_bytes_left=around + len(outputs))
    short = a_context(output_bytes_left=around + len(outputs) - 1)
    attempt = an_attempt(index=0, outcome=done({"n": 1}))
    assert fold(record, attempt, exact).succeeded == 1
    assert fold(record, attempt, short).reason == "OutputsTooLarge"
