"""The content that an agent refers to is part of its revision, where it is followed."""

from __future__ import annotations

from typing import Any

from builders.contents import GREETING, TOKEN
from builders.specs import AGENT, NAMESPACE, Body, an_agent
from spectra_operator.core.names import revision_hash
from spectra_operator.engine.agent_book import (
    CONTENT_UNKNOWN,
    NOT_STORED,
    AgentBook,
    AgentRun,
)
from spectra_operator.engine.content_book import ContentBook
from spectra_operator.engine.keys import Key

KEY = Key("Agent", NAMESPACE, AGENT)


def _body(generation: int = 1, uid: str = "a1", **fields: Any) -> Body:
    body = an_agent(uid=uid, **fields)
    meta = body["metadata"] | {"generation": generation, "resourceVersion": str(generation)}
    return body | {"metadata": meta}


def _store(run: AgentRun) -> None:
    """Let the wanted revision be stored, and be what may be used."""
    assert run.spec
    run.templates[run.hash] = run.spec.template
    run.places, run.problem = {run.hash: None}, None


def _followed(*, current: bool = True) -> tuple[AgentBook, AgentRun]:
    contents = ContentBook([NAMESPACE])
    contents.mark(NAMESPACE, current=current)
    contents.put("ConfigMap", NAMESPACE, "given", {"greeting": "d1", "other": "d1"})
    book = AgentBook(contents)
    return book, book.take(KEY, _referring())


def _referring(generation: int = 1, **fields: Any) -> Body:
    body = _body(generation, **fields)
    body["spec"]["template"] |= {"env": [GREETING, TOKEN]}
    return body


def test_where_content_is_not_followed_the_template_alone_makes_the_revision() -> None:
    run = AgentBook().take(KEY, _referring())
    assert run.hash == revision_hash(_referring()["spec"]["template"])
    assert AgentBook(ContentBook(["another"])).take(KEY, _referring()).hash == run.hash


def test_changed_content_makes_a_new_revision_and_the_former_one_comes_back_with_it() -> None:
    book, run = _followed()
    _store(run)
    former = run.hash
    book.contents.put("ConfigMap", NAMESPACE, "given", {"greeting": "d2"})
    book.take(KEY, _referring())
    assert run.hash not in ("", former)
    assert (run.problem, book.not_ready(NAMESPACE)) == (NOT_STORED, {})

    book.contents.put("ConfigMap", NAMESPACE, "given", {"greeting": "d1"})
    book.take(KEY, _referring())
    assert (run.hash, run.problem) == (former, None)


def test_keys_that_are_not_referred_to_make_no_new_revision() -> None:
    book, run = _followed()
    former = run.hash
    book.contents.put("ConfigMap", NAMESPACE, "given", {"greeting": "d1", "other": "d2"})
    assert book.take(KEY, _referring()).hash == former


def test_a_key_that_comes_into_being_makes_a_new_revision() -> None:
    book, run = _followed()
    former = run.hash
    book.contents.put("Secret", NAMESPACE, "given", {"token": "d1"})
    assert book.take(KEY, _referring()).hash not in ("", former)


def test_while_content_is_unknown_there_is_no_revision_to_roll_out() -> None:
    book, run = _followed(current=False)
    assert (run.hash, run.problem) == ("", CONTENT_UNKNOWN)
    assert book.not_ready(NAMESPACE) == {AGENT: CONTENT_UNKNOWN}
    book.contents.mark(NAMESPACE, current=True)
    book.take(KEY, _referring())
    assert run.hash
    assert run.problem == NOT_STORED


def test_content_that_becomes_unknown_takes_the_wanted_revision_back_and_not_those_in_use() -> None:
    book, run = _followed()
    _store(run)
    in_use = run.active
    book.contents.mark(NAMESPACE, current=False)
    book.take(KEY, _referring())
    assert (run.hash, run.active) == ("", in_use)
    assert book.not_ready(NAMESPACE) == {}


def test_a_problem_of_the_revision_stays_while_neither_spec_nor_content_changes() -> None:
    book, run = _followed()
    run.problem = ("RevisionConflict", "other content")
    assert book.take(KEY, _referring()).problem == ("RevisionConflict", "other content")
    assert book.take(KEY, _referring(2)).problem == NOT_STORED


def test_agents_are_found_by_what_they_refer_to() -> None:
    book, _ = _followed()
    other = Key("Agent", NAMESPACE, "other")
    book.take(other, _body(uid="a2"))
    assert book.referring(NAMESPACE, "ConfigMap", "given") == [KEY]
    assert book.referring(NAMESPACE, "Secret", "else") == []
    assert book.referring(NAMESPACE) == [KEY]
    assert book.referring("another") == []


def test_an_agent_that_refers_to_nothing_any_more_is_named_by_its_template() -> None:
    book, run = _followed()
    book.take(KEY, _body(2))
    assert run.hash == revision_hash(_body()["spec"]["template"])
    assert book.referring(NAMESPACE) == []
