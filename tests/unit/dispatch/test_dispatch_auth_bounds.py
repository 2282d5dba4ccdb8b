"""What is remembered of tokens, and asked at once, has bounds."""

from __future__ import annotations

import asyncio

import pytest

from spectra_operator.dispatch.auth import Identity
from unit.dispatch.token_reviews import World, a_token


async def test_so_many_tokens_are_remembered_and_the_one_used_longest_ago_goes_first() -> None:
    world = World(accepted=2)
    for name in ("a", "b", "a", "c"):
        await world.says(a_token(name))
    assert len(world.reviews.asked) == 3

    await world.says(a_token("a"))
    assert len(world.reviews.asked) == 3
    await world.says(a_token("b"))
    assert len(world.reviews.asked) == 4


async def test_bad_tokens_push_no_good_ones_out() -> None:
    world = World(accepted=2, refused=2)
    await world.says(a_token("good"))
    for number in range(10):
        token = a_token(f"bad-{number}")
        world.reviews.of_token[token] = {"authenticated": False}
        await world.says(token)
    asked = len(world.reviews.asked)
    await world.says(a_token("good"))
    assert len(world.reviews.asked) == asked


async def test_so_many_reviews_run_at_once_and_the_others_wait() -> None:
    world = World(reviews=3)
    world.reviews.open.clear()
    calls = [asyncio.create_task(world.says(a_token(f"w{number}"))) for number in range(10)]
    await world.clock.settle()
    assert world.reviews.at_once == 3

    world.reviews.open.set()
    assert all(isinstance(who, Identity) for who in await asyncio.gather(*calls))
    assert world.reviews.most_at_once == 3


async def test_more_tokens_than_may_wait_are_told_to_come_again() -> None:
    world = World(reviews=1, waiting=2)
    world.reviews.open.clear()
    calls = [asyncio.create_task(world.says(a_token(f"w{number}"))) for number in range(2)]
    await world.clock.settle()
    assert await world.says(a_token("w2")) == "503 TooManyTokens"

    world.reviews.open.set()
    await asyncio.gather(*calls)
    assert isinstance(await world.says(a_token("w2")), Identity)


async def test_closing_ends_the_reviews_that_are_under_way() -> None:
    world = World()
    world.reviews.open.clear()
    call = asyncio.create_task(world.says(a_token()))
    await world.clock.settle()
    await world.tokens.close()
    assert world.reviews.at_once == 0
    with pytest.raises(asyncio.CancelledError):
        await call
