"""The work queue: each key once, in order, now or when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from builders.clock import FakeClock
from spectra_operator.engine.keys import Key
from spectra_operator.engine.queue import WorkQueue

A, B, C = (Key("Phase", "team", name) for name in "abc")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> WorkQueue:
    return WorkQueue(clock)


async def _next(queue: WorkQueue) -> Key | None:
    """Return the key that is ready now, or None."""
    getting = asyncio.ensure_future(queue.get())
    for _ in range(5):
        await asyncio.sleep(0)
    if getting.done():
        return getting.result()
    getting.cancel()
    await asyncio.gather(getting, return_exceptions=True)
    return None


async def test_keys_come_in_the_order_in_which_they_were_added(queue: WorkQueue) -> None:
    for key in (B, A, C):
        queue.add(key)
    assert [await queue.get() for _ in range(3)] == [B, A, C]


async def test_a_key_may_go_before_all_others_unless_it_rests(
    queue: WorkQueue, clock: FakeClock
) -> None:
    for key in (A, B, C):
        queue.add(key)
    queue.add_first(C)
    assert [await queue.get() for _ in range(3)] == [C, A, B]

    queue.rest(C, 1.0)
    queue.add_first(C)
    assert len(queue) == 0
    clock.advance(1.0)
    assert await queue.get() == C


OLD = [Key("Phase", "team", f"old-{number}") for number in range(3)]


async def test_what_waits_behind_has_every_fourth_turn_beside_what_is_new(
    queue: WorkQueue,
) -> None:
    for key in OLD[:2]:
        queue.add_behind(key)
    new = [Key("Phase", "team", f"new-{number}") for number in range(6)]
    for key in new:
        queue.add(key)
    came = [await queue.get() for _ in range(8)]
    assert [key for key in came if key in OLD] == OLD[:2]
    assert [key for key in came if key in new] == new
    assert [sum(key in OLD for key in came[first : first + 4]) for first in (0, 4)] == [1, 1]


async def test_what_waits_behind_comes_though_nothing_is_new(queue: WorkQueue) -> None:
    for key in OLD:
        queue.add_behind(key)
    assert len(queue) == len(OLD)
    assert [await queue.get() for _ in range(3)] == OLD
    assert await _next(queue) is None


async def test_what_waits_behind_and_changes_waits_there_no_more(queue: WorkQueue) -> None:
    for key in (*OLD, A):
        queue.add_behind(key)
    queue.add(A)
    assert await queue.get() == A
    assert len(queue) == len(OLD)


async def test_what_wants_a_pass_already_is_not_put_behind(queue: WorkQueue) -> None:
    queue.add(A)
    for key in (*OLD, A):
        queue.add_behind(key)
    assert await queue.get() == A


async def test_what_rests_or_is_taken_out_waits_behind_no_more(
    queue: WorkQueue, clock: FakeClock
) -> None:
    for key in (A, B):
        queue.add_behind(key)
    queue.rest(A, 1.0)
    queue.discard(B)
    assert await _next(queue) is None
    queue.add_behind(A)
    assert await _next(queue) is None
    clock.advance(1.0)
    assert await queue.get() == A


async def test_what_waits_behind_is_in_the_picture_and_in_the_age(
    queue: WorkQueue, clock: FakeClock
) -> None:
    queue.add_behind(A)
    clock.advance(3.0)
    queue.add(B)
    picture = queue.picture(5)
    assert (picture.ready, picture.oldest_seconds) == (2, 3.0)
    assert {key for key, _ in picture.heads} == {A, B}


async def test_a_key_added_often_comes_once(queue: WorkQueue) -> None:
    for key in (A, A, B, A):
        queue.add(key)
    assert len(queue) == 2
    assert [await _next(queue) for _ in range(3)] == [A, B, None]


async def test_a_key_added_after_it_was_taken_comes_again(queue: WorkQueue) -> None:
    queue.add(A)
    assert await queue.get() == A
    queue.add(A)
    assert await _next(queue) == A


async def test_a_key_for_later_comes_when_it_is_due_and_not_before(
    queue: WorkQueue, clock: FakeClock
) -> None:
    queue.add_at(A, 5)
    clock.advance(4.9)
    assert await _next(queue) is None
    clock.advance(0.1)
    assert await _next(queue) == A
    assert await _next(queue) is None


async def test_whoever_waits_is_woken_by_a_key_and_by_the_time(
    queue: WorkQueue, clock: FakeClock
) -> None:
    wakes: list[Callable[[], None]] = [lambda: queue.add(A), lambda: clock.advance(10)]
    for wake in wakes:
        queue.add_at(B, clock.monotonic() + 10)
        getting = asyncio.ensure_future(queue.get())
        await clock.settle()
        assert not getting.done()
        wake()
        assert await getting in (A, B)


async def test_of_several_wishes_for_later_the_earliest_counts(
    queue: WorkQueue, clock: FakeClock
) -> None:
    for due in (8, 3, 5):
        queue.add_at(A, due)
    clock.advance(3)
    assert await _next(queue) == A
    clock.advance(10)
    assert await _next(queue) is None


async def test_keys_due_at_different_times_come_in_the_order_of_their_times(
    queue: WorkQueue, clock: FakeClock
) -> None:
    queue.add_at(A, 2)
    queue.add_at(B, 1)
    clock.advance(3)
    assert [await queue.get(), await queue.get()] == [B, A]


async def test_the_pause_after_a_failure_doubles_up_to_a_minute(
    queue: WorkQueue, clock: FakeClock
) -> None:
    pauses = []
    for _ in range(15):
        before = clock.monotonic()
        queue.back_off(A)
        getting = asyncio.ensure_future(queue.get())
        await clock.settle()
        due = clock.next_deadline()
        assert due is not None
        clock.advance(due - before)
        assert await getting == A
        pauses.append(round(clock.monotonic() - before, 4))
    assert pauses[:4] == [0.05, 0.1, 0.2, 0.4]
    assert pauses[-1] == 60


async def test_a_success_makes_the_next_pause_short_again(
    queue: WorkQueue, clock: FakeClock
) -> None:
    for _ in range(6):
        queue.back_off(A)
    clock.advance(100)
    assert await _next(queue) == A
    queue.succeeded(A)
    queue.back_off(A)
    clock.advance(0.05)
    assert await _next(queue) == A


async def test_a_discarded_key_comes_neither_now_nor_later(
    queue: WorkQueue, clock: FakeClock
) -> None:
    queue.add(A)
    queue.add_at(A, 5)
    queue.discard(A)
    clock.advance(10)
    assert await _next(queue) is None
    queue.add_at(A, 12)  # and may be asked for anew
    clock.advance(2)
    assert await _next(queue) == A


async def test_the_age_is_that_of_the_key_that_waits_longest(
    queue: WorkQueue, clock: FakeClock
) -> None:
    assert queue.oldest_age() == 0
    queue.add(A)
    clock.advance(3)
    queue.add(B)
    queue.add_first(C)
    assert queue.oldest_age() == 3
    await queue.get()
    assert queue.oldest_age() == 3
    await queue.get()
    assert queue.oldest_age() == 0


async def test_a_rest_holds_for_what_the_pass_itself_asked_for(
    queue: WorkQueue, clock: FakeClock
) -> None:
    queue.add(A)
    queue.add_at(A, clock.monotonic() + 1)
    queue.add(B)
    queue.rest(A, 2)
    assert [await _next(queue), await _next(queue)] == [B, None]
    clock.advance(1)
    assert await _next(queue) is None
    clock.advance(1)
    assert [await _next(queue), await _next(queue)] == [A, None]


async def test_keys_whose_passes_were_long_let_short_ones_go_before_for_a_while(
    queue: WorkQueue, clock: FakeClock
) -> None:
    queue.rest(A, 3)
    clock.advance(4)
    queue.rest(B, 3)
    for key in (A, C):
        queue.add(key)
    assert [await _next(queue), await _next(queue)] == [C, None]
    clock.advance(1)
    queue.add(C)
    assert [await _next(queue), await _next(queue), await _next(queue)] == [A, C, None]


async def test_a_key_at_rest_comes_once_when_it_has_rested(
    queue: WorkQueue, clock: FakeClock
) -> None:
    queue.rest(A, 2)
    queue.add(A)
    queue.add(B)
    queue.add(A)
    assert [await _next(queue), await _next(queue)] == [B, None]
    clock.advance(2)
    assert [await _next(queue), await _next(queue)] == [A, None]
    queue.add(A)
    assert await _next(queue) == A


async def test_a_picture_shows_what_waits_how_long_and_what_fails(
    clock: FakeClock, queue: WorkQueue
) -> None:
    queue.add(A)
    clock.advance(2)
    queue.add(B)
    for key, tries in ((A, 1), (C, 3)):
        for _ in range(tries):
            queue.back_off(key)

    picture = queue.picture(1)

    assert (picture.ready, picture.later, picture.failing) == (2, 2, 2)
    assert picture.oldest_seconds == 2
    assert picture.heads == ((A, 2.0),)
    assert picture.failures == ((C, 3),)


async def test_a_key_whose_namespace_has_to_wait_gets_no_turn_until_it_is_let_in(
    clock: FakeClock,
) -> None:
    queue = WorkQueue(clock, waits=lambda namespace: namespace == "team")
    other = Key("Phase", "other", "a")
    queue.add(B)
    queue.add_behind(A)
    queue.add_first(other)
    queue.add_at(C, clock.monotonic() + 1.0)
    clock.advance(1.0)
    assert await queue.get() == other
    assert await _next(queue) is None
    assert len(queue) == 3

    assert queue.let_in(lambda namespace: namespace == "other") == []
    assert queue.let_in(lambda namespace: namespace == "team") == [B, A, C]
    assert len(queue) == 0


async def test_how_long_a_key_waits_is_seen_while_it_has_to(clock: FakeClock) -> None:
    queue = WorkQueue(clock, waits=lambda _: True)
    queue.add(A)
    clock.advance(3)
    queue.add(A)

    assert queue.oldest_age() == 3
    assert queue.picture(1).heads == ((A, 3.0),)


async def test_what_is_taken_out_is_not_let_in(clock: FakeClock) -> None:
    queue = WorkQueue(clock, waits=lambda _: True)
    queue.add(A)
    queue.discard(A)
    assert queue.let_in(lambda _: True) == []


async def test_a_key_fails_until_it_succeeds(queue: WorkQueue) -> None:
    queue.back_off(A)
    assert (queue.is_failing(A), queue.is_failing(B)) == (True, False)

    queue.succeeded(A)
    assert not queue.is_failing(A)
