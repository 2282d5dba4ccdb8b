"""The book that agents are chosen by: their newest attempts, and whose turn it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from builders.records import an_attempt, broken, done, lost
from builders.specs import AGENT, NAMESPACE, an_agent
from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.rollout.stats import RevisionStats
from spectra_operator.core.selection.figures import NOTHING_SEEN, Figures
from spectra_operator.engine.keys import Key
from spectra_operator.engine.selection_book import KEPT, KEPT_SECONDS, SelectionBook

KEY = Key("Agent", NAMESPACE, AGENT)


def facts(name: str = AGENT, revision: str = "r1", **fields: Any) -> tuple[str, AgentSpec, str]:
    """An agent with its active revision."""
    spec = an_agent(name, **({"capabilities": ["able"]} | fields))["spec"]
    return name, AgentSpec.model_validate(spec), revision


def figures(book: SelectionBook, now: float = 0, revision: str = "r1") -> Figures:
    return book.profiles(NAMESPACE, [facts(revision=revision)], now)[AGENT].figures


def note(book: SelectionBook, outcome: Any, now: float = 0, **fields: Any) -> None:
    attempt = an_attempt(outcome=outcome, **fields)
    book.note(NAMESPACE, attempt, attempt.outcome, now)


def test_nothing_is_known_of_a_new_agent() -> None:
    assert figures(SelectionBook()) == NOTHING_SEEN


def test_ends_are_counted_with_their_time_and_cost() -> None:
    book = SelectionBook()
    note(book, done(usage=Usage(cost=Decimal("0.5"))), started=0, ended=4)
    note(book, broken(usage=Usage(cost=Decimal("0.25"))))
    assert figures(book) == Figures(2, 1, 4.0, Decimal("0.75"))


def test_losses_and_attempts_that_run_say_nothing() -> None:
    book = SelectionBook()
    note(book, lost())
    note(book, None)
    assert figures(book) == NOTHING_SEEN


def test_a_new_revision_begins_anew_and_the_old_one_is_remembered() -> None:
    book = SelectionBook()
    note(book, broken())
    assert figures(book, revision="r2") == NOTHING_SEEN
    note(book, done(), revision="r2")
    assert figures(book).ended == figures(book, revision="r2").ended == 1


def test_of_many_revisions_the_last_seen_are_remembered() -> None:
    book = SelectionBook()
    for number in range(1, 7):
        note(book, done(), revision=f"r{number}")
    assert [figures(book, revision=f"r{n}").ended for n in range(1, 7)] == [0, 0, 1, 1, 1, 1]


def test_only_the_newest_attempts_count() -> None:
    book = SelectionBook()
    note(book, broken())
    for _ in range(KEPT):
        note(book, done())
    assert figures(book).reliability == 1.0


def test_what_happened_long_ago_is_forgotten() -> None:
    book = SelectionBook()
    note(book, broken(), now=0)
    note(book, done(), now=10)
    assert figures(book, now=KEPT_SECONDS - 1).ended == 2
    assert figures(book, now=KEPT_SECONDS).ended == 1
    assert figures(book, now=KEPT_SECONDS + 10) == NOTHING_SEEN


A_STATUS = RevisionStats(succeeded=3, failed=1, cost=Decimal("0.6"), sample=(1000, 2000, 2000))


def test_what_a_status_counts_is_where_a_book_begins() -> None:
    book = SelectionBook()
    book.recall(KEY, {"r1": A_STATUS, "r2": RevisionStats(lost=3)}, at=5)
    assert figures(book, now=10) == Figures(4, 3, 2.0, Decimal("0.2"))
    assert figures(book, now=10, revision="r2") == NOTHING_SEEN
    assert figures(book, now=KEPT_SECONDS + 5) == NOTHING_SEEN


def test_what_is_recalled_yields_to_what_is_seen() -> None:
    book = SelectionBook()
    book.recall(KEY, {"r1": RevisionStats(failed=500)}, at=0)
    for _ in range(KEPT):
        note(book, done(), now=10)
    assert figures(book, now=20).reliability == 1.0


def test_of_many_revisions_the_first_of_a_status_are_recalled_and_the_first_stays_longest() -> None:
    book = SelectionBook()
    book.recall(KEY, {f"r{n}": A_STATUS for n in range(1, 7)}, at=0)
    note(book, done(), revision="r9")
    known = [bool(figures(book, revision=f"r{n}").ended) for n in range(1, 7)]
    assert known == [True, True, True, False, False, False]


def test_turns_are_counted() -> None:
    book = SelectionBook()
    book.begun(NAMESPACE, AGENT)
    book.begun(NAMESPACE, AGENT)
    assert book.profiles(NAMESPACE, [facts()], 0)[AGENT].begun == 2


def test_profiles_are_those_of_agents_with_capabilities_in_order() -> None:
    agents = [facts("b"), facts("a", mode="Pool"), facts("none", capabilities=[])]
    found = SelectionBook().profiles(NAMESPACE, agents, 0)
    assert list(found) == ["a", "b"]
    assert (found["a"].mounts, found["b"].mounts) == (False, True)
    assert found["a"].capabilities == {"able"}


def test_an_agent_that_is_gone_is_forgotten() -> None:
    book = SelectionBook()
    note(book, done())
    book.begun(NAMESPACE, AGENT)
    book.drop_all(lambda namespace: namespace == "elsewhere")
    assert figures(book).ended == 1
    book.drop_all(lambda namespace: namespace == NAMESPACE)
    assert figures(book) == NOTHING_SEEN
    note(book, done())
    book.drop(KEY)
    assert figures(book) == NOTHING_SEEN
