"""The book of durations: what ended well is remembered, templates keep it in their status."""

from __future__ import annotations

from dataclasses import replace

from builders.records import an_attempt, broken, done
from builders.specs import AGENT, NAMESPACE
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.insight.durations import Durations
from spectra_operator.engine.duration_book import DurationBook
from spectra_operator.engine.keys import Key

TEMPLATE = Key("WorkflowTemplate", NAMESPACE, "nightly")
FLOW = Key("Workflow", NAMESPACE, "flow")
PATH = "build/work"


def took(seconds: float) -> Attempt:
    """Return an attempt that succeeded that long after its pod was created."""
    return an_attempt(outcome=done(), started=0, ended=seconds)


def test_the_time_from_the_pods_creation_to_its_end_is_remembered() -> None:
    book = DurationBook()
    book.note(FLOW, PATH, an_attempt(outcome=done(), started=4, ended=10))
    observed = book.observed(FLOW)
    assert observed.tasks == {PATH: Durations((10_000,))}
    assert observed.agents == {AGENT: Durations((10_000,))}


def test_attempts_that_run_failed_or_tell_no_time_say_nothing() -> None:
    book = DurationBook()
    book.note(FLOW, PATH, an_attempt())
    book.note(FLOW, PATH, an_attempt(outcome=broken()))
    book.note(FLOW, PATH, replace(took(3), finished_at=None))
    book.note(FLOW, PATH, replace(took(3), created_at=None, started_at=None))
    assert book.observed(FLOW).usual is None


def test_another_workflow_knows_the_agents_only() -> None:
    book = DurationBook()
    book.note(FLOW, PATH, took(3))
    other = book.observed(Key("Workflow", NAMESPACE, "other"))
    assert (other.tasks, other.agents) == ({}, {AGENT: Durations((3000,))})
    assert book.observed(Key("Workflow", "elsewhere", "flow")).agents == {}


def test_a_template_begins_with_what_its_status_holds() -> None:
    book = DurationBook()
    book.note(TEMPLATE, PATH, took(3))
    book.read(TEMPLATE, {PATH: [1000, 2000]})
    assert book.observed(TEMPLATE).tasks == {PATH: Durations((1000, 2000, 3000))}


def test_samples_are_stored_once() -> None:
    book = DurationBook()
    book.read(TEMPLATE, {PATH: [1000]})
    assert book.to_show(TEMPLATE) == {PATH: [1000]}
    book.note(TEMPLATE, PATH, took(2))
    stored = book.to_show(TEMPLATE)
    assert stored == {PATH: [1000, 2000]}
    book.sending(TEMPLATE)
    book.note(TEMPLATE, PATH, took(3))  # while the write is under way
    book.written(TEMPLATE, stored)
    assert book.to_show(TEMPLATE) == {PATH: [1000, 2000, 3000]}


def test_a_write_that_failed_is_made_again_with_what_came_since() -> None:
    book = DurationBook()
    book.note(TEMPLATE, PATH, took(2))
    book.sending(TEMPLATE)
    book.note(TEMPLATE, PATH, took(3))
    assert book.to_show(TEMPLATE) == {PATH: [2000, 3000]}


def test_of_a_template_that_never_ran_there_is_nothing_to_show() -> None:
    assert DurationBook().to_show(TEMPLATE) == {}


def test_memory_is_bounded_by_the_workflows_used_last_and_templates_stay() -> None:
    book = DurationBook()
    book.read(TEMPLATE, {PATH: [1000]})
    book.note(FLOW, PATH, took(3))
    for number in range(300):
        book.note(Key("Workflow", NAMESPACE, f"flow-{number}"), PATH, took(1))
    assert book.observed(FLOW).tasks == {}
    assert book.observed(TEMPLATE).tasks == {PATH: Durations((1000,))}


def test_what_is_gone_is_forgotten() -> None:
    book = DurationBook()
    book.read(TEMPLATE, {PATH: [1000]})
    book.note(FLOW, PATH, took(3))
    book.drop(TEMPLATE)
    assert book.observed(TEMPLATE).tasks == {}
    book.drop_all(lambda namespace: namespace == NAMESPACE)
    assert book.observed(FLOW).usual is None
