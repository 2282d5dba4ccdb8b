"""What is known of agents: specs, revisions, limits, and how their attempts go."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from builders.pods import at
from builders.records import a_running_phase, an_attempt, broken, done, lost
from builders.specs import AGENT, NAMESPACE, Body, a_choice, a_phase, a_task, an_agent
from spectra_operator.api.phase import TaskState
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.records import TaskRecord
from spectra_operator.core.spec.compile import compile_phase
from spectra_operator.engine.agent_book import NOT_STORED, AgentBook, AgentRun
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


def _store(run: AgentRun) -> None:
    """Let the spec's revision be stored, and be what may be used."""
    assert run.spec
    run.templates[run.hash] = run.spec.template
    run.places, run.problem = {run.hash: None}, None


def test_a_new_agent_cannot_be_used_before_its_revision_is_stored() -> None:
    book, run = _book(concurrency=3)
    assert book.limits(NAMESPACE) == {AGENT: 3}
    assert book.not_ready(NAMESPACE)[AGENT][0] == "AgentNotReady"
    _store(run)
    assert book.not_ready(NAMESPACE) == {}
    assert run.active == run.hash


def test_a_changed_template_is_stored_while_the_former_revision_is_used() -> None:
    book, run = _book()
    _store(run)
    book.take(KEY, _body(2, concurrency=9))
    assert (book.limits(NAMESPACE), book.not_ready(NAMESPACE)) == ({AGENT: 9}, {})
    book.take(KEY, _body(3, template={"image": "example/worker:2"}))
    assert run.hash != run.active
    assert (run.problem, book.not_ready(NAMESPACE)) == (NOT_STORED, {})
    book.take(KEY, _body(4))  # and back again: that revision is stored already
    assert run.problem is None


def test_places_are_taken_one_by_one_and_a_full_revision_is_passed_over() -> None:
    _, run = _book()
    run.places = {"new": 2, "old": None}
    for _ in range(2):
        assert run.open_places()[0][0] == "new"
        run.take_place("new")
    run.take_place("old")
    assert run.open_places() == [("old", None)]


def test_the_spec_of_a_revision_has_its_template() -> None:
    _, run = _book()
    _store(run)
    former = run.templates[run.hash].model_copy(update={"image": "example/worker:0"})
    run.templates["old"] = former
    found = run.spec_of("old")
    assert found
    assert (found.template.image, run.spec_of("gone")) == ("example/worker:0", None)


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


def test_limits_are_those_of_the_agents_of_a_namespace_that_are_there_now() -> None:
    book, _ = _book(concurrency=3)
    elsewhere = Key("Agent", "elsewhere", "other")
    book.take(elsewhere, _body(concurrency=5))
    assert book.limits(NAMESPACE) == {AGENT: 3}
    assert book.limits("elsewhere") == {"other": 5}
    book.drop(elsewhere)
    book.drop(elsewhere)
    assert book.limits("elsewhere") == {}
    book.take(KEY, _body(uid="a2", concurrency=4))
    assert book.limits(NAMESPACE) == {AGENT: 4}


def test_a_limit_is_plain_where_an_agent_can_be_used_and_has_no_workers_to_wait_for() -> None:
    book, run = _book(concurrency=3)
    assert book.plain_limits(NAMESPACE, [AGENT]) == {}  # its revision is being stored
    _store(run)
    _store(book.take(Key("Agent", NAMESPACE, "pool"), _body(mode="Pool", replicas=1)))
    book.take(Key("Agent", NAMESPACE, "wrong"), _body(concurrency=-1))
    assert book.plain_limits(NAMESPACE, ["pool", "wrong", "missing", ""]) == {}
    assert book.plain_limits(NAMESPACE, [AGENT, "pool"]) == {AGENT: 3}
    assert book.plain_limits(NAMESPACE, []) == {}
    assert book.plain_limits("elsewhere", [AGENT]) == {}


def test_an_agent_was_last_seen_when_one_of_its_pods_reported() -> None:
    book, run = _book()
    book.seen(NAMESPACE, an_attempt(), at(30))
    book.seen(NAMESPACE, replace(an_attempt(), agent="unknown"), at(40))
    assert run.last_seen == at(30)


@pytest.mark.parametrize(
    ("shown", "known"), [("2026-01-01T00:00:30Z", at(30)), ("at noon", None), (7, None), ("", None)]
)
def test_an_agent_of_before_was_last_seen_when_its_status_says(shown: Any, known: Any) -> None:
    run = AgentBook().take(KEY, _body() | {"status": {"lastSeen": shown}})
    assert run.last_seen == known


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
