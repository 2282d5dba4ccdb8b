"""What is known of agents: specs, revisions, limits, and how their attempts go."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from builders.pods import at
from builders.records import a_running_phase, an_attempt, broken, done, lost
from builders.specs import AGENT, NAMESPACE, Body, a_choice, a_phase, a_task, an_agent
from spectra_operator.api.phase import TaskState
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.records import TaskRecord
from spectra_operator.core.spec.compile import compile_phase
from spectra_operator.engine.agent_book import AgentBook, AgentRun
from spectra_operator.engine.keys import Key

KEY = Key("Agent", NAMESPACE, AGENT)


def _body(generation: int = 1, **fields: Any) -> Body:
    uid = fields.pop("uid", "a1")
    body = an_agent(uid=uid, **fields)
    meta = body["metadata"] | {"generation": generation, "resourceVersion": str(generation)}
    return body | {"metadata": meta}


def _book(**fields: Any) -> tuple[AgentBook, AgentRun]:
    book = AgentBook()
    return book, book.take(KEY, _body(**fields))


def test_a_new_agent_cannot_be_used_before_its_revision_is_stored() -> None:
    book, run = _book(concurrency=3)
    assert book.limits(NAMESPACE) == {AGENT: 3}
    assert book.not_ready(NAMESPACE)[AGENT][0] == "AgentNotReady"
    run.revision, run.problem = run.hash, None
    assert book.not_ready(NAMESPACE) == {}
    facts = book.facts(NAMESPACE, AGENT)
    assert facts
    assert facts.revision == run.hash


def test_a_changed_template_must_be_stored_first_and_other_changes_need_not() -> None:
    book, run = _book()
    run.revision, run.problem = run.hash, None
    book.take(KEY, _body(2, concurrency=9))
    assert (book.limits(NAMESPACE), book.not_ready(NAMESPACE)) == ({AGENT: 9}, {})
    book.take(KEY, _body(3, template={"image": "example/worker:2"}))
    assert run.hash != run.revision
    assert book.not_ready(NAMESPACE)[AGENT][0] == "AgentNotReady"
    book.take(KEY, _body(4))  # and back again: that revision is stored already
    assert book.not_ready(NAMESPACE) == {}


def test_an_invalid_spec_names_the_field_and_is_no_agent_to_use() -> None:
    book, _ = _book(concurrency=0)
    reason, message = book.not_ready(NAMESPACE)[AGENT]
    assert (reason, message.startswith("spec.concurrency: ")) == ("InvalidAgent", True)
    assert book.facts(NAMESPACE, AGENT) is None
    assert book.limits(NAMESPACE) == {AGENT: None}  # it exists, so it is not called missing


def test_another_object_of_the_same_name_begins_anew() -> None:
    book, run = _book()
    run.succeeded = 7
    again = book.take(KEY, _body(uid="a2"))
    assert (again.succeeded, again.uid) == (0, "a2")


def test_dropped_agents_are_forgotten_one_or_a_shard() -> None:
    book, _ = _book()
    other = Key("Agent", "elsewhere", AGENT)
    book.take(other, _body())
    book.drop_all(lambda namespace: namespace == "elsewhere")
    assert (book.get(other), book.get(KEY) is None) == (None, False)
    book.drop(KEY)
    assert book.facts(NAMESPACE, AGENT) is None


def test_an_agent_was_last_seen_when_one_of_its_pods_reported() -> None:
    book, run = _book()
    book.seen(NAMESPACE, an_attempt(), at(30))
    book.seen(NAMESPACE, replace(an_attempt(), agent="unknown"), at(40))
    assert run.last_seen == at(30)


def test_what_a_status_write_recorded_is_counted_once() -> None:
    book, run = _book()
    shape = compile_phase(a_phase([a_task("a"), a_task("b", count=3)]))
    spent = Usage(10, 2, Decimal("0.5"))
    first = a_running_phase(
        a=TaskRecord(TaskState.BACKOFF, failures=1, usage=spent),
        b=TaskRecord(TaskState.RUNNING, total=3, fan_out=True, succeeded=0b011),
    )
    second = a_running_phase(
        a=TaskRecord(TaskState.SUCCEEDED, succeeded=1, failures=1, usage=spent + spent),
        b=first.tasks["b"],
    )
    assert book.count(NAMESPACE, shape, a_running_phase(), first) == {KEY}
    assert (run.succeeded, run.failed, run.usage) == (2, 1, spent)
    assert book.count(NAMESPACE, shape, first, second) == {KEY}
    assert (run.succeeded, run.failed, run.usage) == (3, 1, spent + spent)
    assert book.count(NAMESPACE, shape, second, second) == set()
    assert (run.succeeded, run.failed) == (3, 1)


def test_tasks_of_agents_that_are_gone_are_counted_for_nobody() -> None:
    book = AgentBook()
    shape = compile_phase(a_phase([a_task("a")]))
    after = a_running_phase(a=TaskRecord(TaskState.SUCCEEDED, succeeded=1))
    assert book.count(NAMESPACE, shape, a_running_phase(), after) == set()


def test_attempts_of_a_chosen_agent_are_counted_one_by_one() -> None:
    book, run = _book()
    book.ended(NAMESPACE, an_attempt(), done(usage=Usage(cost=Decimal("0.5"))))
    book.ended(NAMESPACE, an_attempt(), broken())
    book.ended(NAMESPACE, an_attempt(), lost())
    book.ended(NAMESPACE, an_attempt(), None)
    book.ended(NAMESPACE, an_attempt(agent="stranger"), done())
    assert (run.succeeded, run.failed, run.usage.cost) == (1, 1, Decimal("0.5"))


def test_a_record_of_a_task_whose_agents_were_chosen_is_not_counted_again() -> None:
    book, run = _book()
    shape = compile_phase(a_phase([a_choice()]))
    record = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1, agent=AGENT)
    found = book.count(NAMESPACE, shape, a_running_phase(), a_running_phase(work=record))
    assert found == set()
    assert run.succeeded == 0
