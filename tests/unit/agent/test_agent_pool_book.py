"""Which claims a worker holds, and what is known of each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from spectra_agent import CheckpointError
from spectra_agent.pool.book import REMEMBERED, Book
from spectra_agent.pool.claim import Claim, read_claims
from spectra_agent.pool.held import Held, Stage


def a_claim(name: str = "a", **fields: Any) -> Claim:
    [found] = read_claims({"claims": [{"id": name, "epoch": 3, "task": "t", **fields}]})
    return found


def taken(book: Book) -> Held:
    found = book.take()
    assert found is not None
    return found


def test_what_a_claim_leaves_out_takes_its_default() -> None:
    assert a_claim(index=None) == Claim("a", 3, "t", "", "", "", 0, 1, {}, None)


def test_room_is_what_is_not_in_hand() -> None:
    book = Book(3)
    assert book.room() == 3
    book.accept([a_claim("a"), a_claim("b")])
    taken(book)
    assert book.room() == 1
    assert book.known() == ["a", "b"]


def test_a_claim_is_taken_in_once_also_after_its_end() -> None:
    book = Book(2)
    assert book.accept([a_claim("a"), a_claim("a")]) == 1
    held = taken(book)
    assert book.accept([a_claim("a")]) == 0
    book.end(held)
    assert book.accept([a_claim("a")]) == 0
    assert book.known() == []


def test_the_memory_of_ended_claims_is_bounded() -> None:
    book = Book(1)
    for number in range(REMEMBERED + 2):
        book.accept([a_claim(f"c{number}")])
        book.end(taken(book))
    assert book.accept([a_claim("c2"), a_claim(f"c{REMEMBERED + 1}")]) == 0
    assert book.accept([a_claim("c0"), a_claim("c1")]) == 2


def test_a_result_asks_for_the_next_claim_only_if_it_has_a_slot() -> None:
    book = Book(1)
    book.accept([a_claim("a"), a_claim("b")])
    first = taken(book)
    assert book.next_slots() == 0
    book.end(first)
    assert book.next_slots() == 1
    book.drain(on=True)
    assert book.next_slots() == 0
    book.drain(on=False)
    assert book.next_slots() == 1
    book.close()
    assert book.next_slots() == 0


def test_room_is_waited_for_until_a_claim_ends_or_the_book_is_closed() -> None:
    book = Book(1)
    book.accept([a_claim()])
    held = taken(book)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(book.room)
        book.end(held)
        assert asked.result(10) == 1
        book.drain(on=True)
        asked = pool.submit(book.room)
        book.close()
        assert asked.result(10) == 0


def test_slots_wait_for_claims_and_go_home_when_stopped() -> None:
    book = Book(1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(book.take)
        book.accept([a_claim("a")])
        held = first.result(10)
        assert held is not None
        assert held.claim.id == "a"
        second = pool.submit(book.take)
        book.stop()
        assert second.result(10) is None


def test_claims_that_come_with_a_result_are_in_hand_the_moment_it_ends() -> None:
    book = Book(1)
    book.accept([a_claim("a")])
    book.end(taken(book), [a_claim("b")])
    assert book.known() == ["b"]
    assert taken(book).claim.id == "b"


def test_release_takes_what_has_no_result_and_leaves_what_is_being_reported() -> None:
    book = Book(2)
    book.accept([a_claim("a"), a_claim("b"), a_claim("c")])
    reported, running = taken(book), taken(book)
    assert book.begin_report(reported)
    assert [held.claim.id for held in book.release()] == ["b", "c"]
    assert not book.begin_report(running)
    assert running.stage is Stage.RELEASED
    assert book.known() == ["a", "b", "c"]
    assert not book.wait_empty(0)
    for held in book.all():
        book.end(held)
    assert book.wait_empty(0)


def test_only_claims_in_hand_are_cancelled() -> None:
    book = Book(2)
    book.accept([a_claim("a"), a_claim("b")])
    book.cancel(["b", "c", None, 3, {}])
    assert [held.cancelled for held in book.all()] == [False, True]


def test_news_carry_progress_always_and_a_checkpoint_until_it_was_sent() -> None:
    held = Held(a_claim())
    held.progress(10, None)
    held.progress(None, "half")
    held.checkpoint([1, "\u00e4"])
    beat, mark = held.news(100)
    progress = {"percent": 10, "message": "half"}
    assert beat == {"id": "a", "epoch": 3, "progress": progress, "checkpoint": [1, "\u00e4"]}
    assert mark is not None
    held.sent(mark)
    assert held.news(100) == ({"id": "a", "epoch": 3, "progress": progress}, None)
    held.send_again()
    assert held.news(100)[1] is mark


def test_a_checkpoint_made_while_another_was_sent_is_still_to_be_sent() -> None:
    held = Held(a_claim())
    held.checkpoint(1)
    _, first = held.news(100)
    held.checkpoint(2)
    assert first is not None
    held.sent(first)
    assert held.unsent
    assert held.news(100)[0]["checkpoint"] == 2


def test_a_checkpoint_without_room_waits_for_the_next_heartbeat() -> None:
    held = Held(a_claim())
    held.checkpoint("x" * 50)
    assert held.news(51) == ({"id": "a", "epoch": 3}, None)
    assert held.unsent
    assert held.news(52)[1] is not None


def test_a_checkpoint_is_what_it_was_when_it_was_left() -> None:
    held = Held(a_claim())
    value = {"rows": [1]}
    held.checkpoint(value)
    value["rows"].append(2)
    assert held.news(100)[0]["checkpoint"] == {"rows": [1]}


def test_a_refused_checkpoint_leaves_the_last_one_in_place() -> None:
    held = Held(a_claim())
    held.checkpoint(1)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for wrong in (None, object(), "x" * 5000, "\ud800", deep):
        with pytest.raises(CheckpointError):
            held.checkpoint(wrong)
    assert held.news(100)[0]["checkpoint"] == 1


@pytest.mark.parametrize(
    ("said", "kept"), [(-5, 0), (0, 0), (49.6, 50), (100, 100), (1e9, 100), (float("inf"), 100)]
)
def test_percent_stays_within_its_bounds(said: float, kept: int) -> None:
    held = Held(a_claim())
    held.progress(said, None)
    assert held.news(0)[0]["progress"] == {"percent": kept}


def test_a_long_message_is_cut_and_always_encodable() -> None:
    held = Held(a_claim())
    held.progress(None, "\ud800" + "x" * 500)
    assert held.news(0)[0]["progress"] == {"message": "?" + "x" * 199}


def test_waiting_for_a_checkpoint_ends_when_it_is_sent_or_dropped() -> None:
    held = Held(a_claim())
    held.wait_sent(None)
    with ThreadPoolExecutor(1) as pool:
        held.checkpoint(1)
        waiting = pool.submit(held.wait_sent, None)
        held.forget()
        waiting.result(10)
    held.checkpoint(2)
    held.wait_sent(0)
    assert held.unsent


def test_cancelling_calls_back_once_whatever_comes_first() -> None:
    early, late, never = Event(), Event(), Event()
    held = Held(a_claim())
    held.when_cancelled(never.set)
    held.when_cancelled(None)
    held.when_cancelled(early.set)
    held.cancel()
    assert held.cancelled
    held.when_cancelled(late.set)
    assert [event.is_set() for event in (early, late, never)] == [True, True, False]
