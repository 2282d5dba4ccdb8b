"""Shards are shared evenly, few change hands, and none changes hands unasked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.sharing import Plan, View, assign, plan

NAMES = [f"replica-{letter}" for letter in "abcdef"]
MEMBERS = st.sets(st.sampled_from(NAMES), min_size=1)
SHARDS = st.integers(1, 20)
HOLDERS = st.dictionaries(st.integers(0, 19), st.sampled_from([*NAMES, "a stranger"]))


def numbers(assigned: Mapping[int, str]) -> list[int]:
    """Return how many shards members have, most first."""
    return sorted(Counter(assigned.values()).values(), reverse=True)


def a_view(members: dict[str, int | None], holders: dict[int, str], **facts: Any) -> View:
    """Return what replica a sees of four shards."""
    return View(me="a", shards=4, members=members, holders=holders, **facts)


@given(shards=SHARDS, members=MEMBERS, holders=HOLDERS)
def test_the_shares_of_two_replicas_differ_by_one_at_most(
    shards: int, members: set[str], holders: dict[int, str]
) -> None:
    assigned = assign(shards, members, holders)

    assert sorted(assigned) == list(range(shards))
    shares = Counter(dict.fromkeys(members, 0)) + Counter(assigned.values())
    sizes = [shares[name] for name in members]
    assert max(sizes) - min(sizes) <= 1


@given(shards=SHARDS, members=MEMBERS, holders=HOLDERS)
def test_no_even_assignment_leaves_more_shards_where_they_are(
    shards: int, members: set[str], holders: dict[int, str]
) -> None:
    holders = {shard: holder for shard, holder in holders.items() if shard < shards}
    assigned = assign(shards, members, holders)

    kept = sum(assigned[shard] == holder for shard, holder in holders.items())
    least, odd = divmod(shards, len(members))
    counts = Counter(holders.values())
    held = sorted((counts[name] for name in members), reverse=True)
    assert kept == sum(min(n, least + (place < odd)) for place, n in enumerate(held))


@given(shards=SHARDS, members=MEMBERS, holders=HOLDERS, data=st.data())
def test_every_replica_comes_to_the_same_from_the_same_facts(
    shards: int, members: set[str], holders: dict[int, str], data: st.DataObject
) -> None:
    told = data.draw(st.permutations(sorted(members)))
    seen = dict(data.draw(st.permutations(list(holders.items()))))

    assert assign(shards, told, seen) == assign(shards, members, holders)


@given(shards=SHARDS, members=MEMBERS, holders=HOLDERS)
def test_what_is_assigned_stays_so_once_it_is_held(
    shards: int, members: set[str], holders: dict[int, str]
) -> None:
    assigned = assign(shards, members, holders)
    assert assign(shards, members, assigned) == assigned


def test_one_that_joins_gets_its_share_and_nobody_else_gets_anything() -> None:
    before = dict.fromkeys(range(4), "a") | dict.fromkeys(range(4, 8), "b")

    after = assign(8, {"a", "b", "c"}, before)

    assert numbers(after) == [3, 3, 2]
    assert {after[shard] for shard in range(8) if after[shard] != before[shard]} == {"c"}


def test_the_shards_of_one_that_leaves_are_shared_by_the_others() -> None:
    before = {0: "a", 1: "a", 2: "b", 3: "b", 4: "c", 5: "c"}

    after = assign(6, {"a", "b"}, before)

    assert numbers(after) == [3, 3]
    assert all(after[shard] == before[shard] for shard in range(4))


def test_with_fewer_shards_than_replicas_some_stand_by() -> None:
    assert numbers(assign(2, {"a", "b", "c"}, {})) == [1, 1]


def test_without_members_nothing_is_meant_for_anybody() -> None:
    assert assign(3, set(), {0: "a"}) == {}


def test_a_free_shard_is_taken_by_the_one_that_it_is_meant_for() -> None:
    found = plan(a_view({"a": None, "b": None}, {}, free={0, 1, 2, 3}))
    assert found.compete == {0, 2}
    assert found.asks is None


def test_a_shard_that_another_runs_is_asked_for_and_not_fought_for() -> None:
    found = plan(a_view({"a": None, "b": None}, dict.fromkeys(range(4), "b")))
    assert (found.asks, found.compete) == (2, frozenset())


def test_the_next_is_asked_for_when_the_last_is_run() -> None:
    holders = {0: "b", 1: "b", 2: "a", 3: "b"}
    members: dict[str, int | None] = {"a": 2, "b": None}

    taking_over = plan(a_view(members, holders, free={2}, competing={2}))
    done = plan(a_view(members, holders, free={2}, competing={2}, running={2}))

    assert (taking_over.asks, done.asks) == (None, 3)
    assert taking_over.compete == done.compete == {2}


def test_a_shard_is_handed_over_when_it_is_asked_for_and_not_before() -> None:
    mine = dict.fromkeys(range(4), "a")
    facts: dict[str, Any] = {"free": set(mine), "competing": set(mine), "running": set(mine)}

    unasked = plan(a_view({"a": None, "b": None}, mine, **facts))
    asked = plan(a_view({"a": None, "b": 2}, mine, **facts))
    asked_too_much = plan(a_view({"a": None, "b": 1}, mine, **facts))

    assert unasked.hand_over == frozenset()
    assert asked.hand_over == {2}
    assert asked_too_much.hand_over == frozenset()
    assert unasked.compete == {0, 1, 2, 3}
    assert asked.compete == {0, 1, 3}


def test_a_shard_that_is_being_taken_over_is_not_handed_over() -> None:
    mine = dict.fromkeys(range(4), "a")
    facts: dict[str, Any] = {"free": set(mine), "competing": set(mine), "running": {0, 1, 3}}
    assert plan(a_view({"a": None, "b": 2}, mine, **facts)).hand_over == frozenset()


def test_what_is_held_is_held_on_though_this_replica_takes_no_part() -> None:
    mine = dict.fromkeys(range(4), "a")
    facts: dict[str, Any] = {"free": set(mine), "competing": set(mine), "running": set(mine)}

    alone = plan(a_view({}, mine, **facts))
    leaving = plan(a_view({"b": 0}, mine, **facts))

    assert alone.compete == {0, 1, 2, 3}
    assert alone.hand_over == frozenset()
    assert leaving.compete == {1, 2, 3}
    assert leaving.hand_over == {0}


def test_a_contest_that_was_lost_is_given_up() -> None:
    holders = {0: "b", 1: "a", 2: "a", 3: "b"}
    found = plan(a_view({"a": None, "b": None}, holders, free={1, 2}, competing={0, 1, 2}))
    assert found.compete == {1, 2}


def test_a_holder_that_takes_no_part_any_more_is_asked_for_what_it_still_has() -> None:
    found = plan(a_view({"a": None}, dict.fromkeys(range(4), "one that rests")))
    assert (found.asks, found.compete) == (0, frozenset())


def test_what_was_left_lying_for_long_is_taken_by_anybody() -> None:
    found = plan(a_view({"b": None}, {}, free={0, 1, 2, 3}, forsaken={3}))
    assert found.compete == {3}


class Play:
    """Replicas that act one at a time, each on what the Leases say at that moment."""

    def __init__(self, shards: int, holders: dict[int, str], members: set[str]) -> None:
        self.shards = shards
        self.holders = {s: who for s, who in holders.items() if s < shards and who in members}
        self.asks: dict[str, int | None] = dict.fromkeys(members)
        self.moves = 0

    def act(self, me: str) -> Plan:
        """Let a replica look and do what it decides."""
        own = {shard for shard, holder in self.holders.items() if holder == me}
        free = {shard for shard in range(self.shards) if shard not in self.holders} | own
        seen = dict(self.holders)
        found = plan(View(me, self.shards, self.asks, seen, free, running=own, competing=own))
        self.asks = self.asks | {me: found.asks}
        for shard in found.hand_over:
            assert self.holders.pop(shard) == me
        for shard in found.compete - own:
            assert shard not in self.holders
            self.holders[shard] = me
            self.moves += 1
        return found


@given(shards=SHARDS, members=MEMBERS, holders=HOLDERS, data=st.data())
def test_in_whatever_order_replicas_act_they_come_to_even_shares_by_the_fewest_moves(
    shards: int, members: set[str], holders: dict[int, str], data: st.DataObject
) -> None:
    play = Play(shards, holders, members)
    meant = assign(shards, members, play.holders)
    fewest = sum(play.holders.get(shard) != member for shard, member in meant.items())

    order = data.draw(st.lists(st.sampled_from(sorted(members)), max_size=30))
    for name in [*order, *sorted(members) * (3 * shards + 3)]:
        play.act(name)

    assert sorted(play.holders) == list(range(shards))
    sizes = Counter(dict.fromkeys(members, 0)) + Counter(play.holders.values())
    assert max(sizes[m] for m in members) - min(sizes[m] for m in members) <= 1
    assert play.moves == fewest
